"""The one log: an event listener of supervisord, which is told what each process writes, and its states.

python -m services.up.log FILE; a line is `TIME PROCESS TEXT`. The file is rotated at 10 MB, five are kept.
"""

import logging
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from supervisor import childutils

BYTES, FILES = 10_000_000, 5
EXITED = " * exited"
"""What stands behind a process's name where it ended by itself."""
LONGEST = 4_000  # characters of a line
TAIL = 2_000_000  # bytes that are looked through for what has ended


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
        said = event.removeprefix("PROCESS_STATE_").lower()
        what = (
            EXITED if said in ("exited", "backoff") else f" * {said}"
        )  # backoff: before it had run for long
        process = f", process {told['pid']}" if "pid" in told else ""
        return [f"{told['processname']}{what}{process}"]
    headers, _newline, text = payload.partition("\n")
    name = childutils.get_headers(headers)["processname"]
    *whole, begun[name] = (begun[name] + text).split("\n")
    if len(begun[name]) > LONGEST:
        whole, begun[name] = [*whole, begun[name]], ""
    return [f"{name} {line[:LONGEST]}" for line in whole if line.strip()]


def exits(file: Path, since: datetime) -> Counter[str]:
    """How often each process ended by itself since then, as far as the newest file of the log tells."""
    counted: Counter[str] = Counter()
    first = f"{since:%Y-%m-%dT%H:%M:%S}"
    with suppress(FileNotFoundError), file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - TAIL))
        for line in log.read().decode(errors="replace").splitlines():
            at, _space, told = line.partition(" ")
            name, found, _process = told.partition(EXITED)
            if found and at >= first and " " not in name:
                counted[name] += 1
    return counted


if __name__ == "__main__":
    main(sys.argv[1])
