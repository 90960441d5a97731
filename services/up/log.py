"""The one log: an event listener of supervisord, which is told what each process writes, and its states.

python -m services.up.log FILE; a line is `TIME PROCESS TEXT`. The file is rotated at 10 MB, five are kept.
"""

import logging
import sys
from collections import defaultdict
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler

from supervisor import childutils

BYTES, FILES = 10_000_000, 5
LONGEST = 4_000  # characters of a line


def main(file: str) -> None:
    """Until standard input ends."""
    handler = RotatingFileHandler(file, maxBytes=BYTES, backupCount=FILES - 1, encoding="utf-8")
    logger = logging.getLogger("platestream.up")
    logger.propagate = False
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    begun: dict[str, str] = defaultdict(str)
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        for line in lines(headers["eventname"], payload, begun):
            logger.info("%s %s", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z", line)
        childutils.listener.ok(sys.stdout)


def lines(event: str, payload: str, begun: dict[str, str]) -> list[str]:
    """The lines that an event makes whole; `begun` holds what each process has not ended yet."""
    if not event.startswith("PROCESS_LOG"):
        told = dict(pair.split(":", 1) for pair in payload.split() if ":" in pair)
        said = "exited" if event.endswith("EXITED") else event.removeprefix("PROCESS_STATE_").lower()
        process = f", process {told['pid']}" if "pid" in told else ""
        return [f"{told['processname']} * {said}{process}"]
    headers, _newline, text = payload.partition("\n")
    name = childutils.get_headers(headers)["processname"]
    *whole, begun[name] = (begun[name] + text).split("\n")
    if len(begun[name]) > LONGEST:
        whole, begun[name] = [*whole, begun[name]], ""
    return [f"{name} {line[:LONGEST]}" for line in whole if line.strip()]


if __name__ == "__main__":
    main(sys.argv[1])
