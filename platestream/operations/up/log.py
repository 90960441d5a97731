"""The common log: an event listener of supervisord, which gets each process's output and states.

python -m platestream.operations.up.log FILE; a line is `TIME PROCESS TEXT`. The file is rotated at 10 MB, and
five files are stored.
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
"""Mark after a process's name in the log where the process ended by itself."""
LONGEST = 4_000  # characters of a line
TAIL = 2_000_000  # bytes of the log's end that are searched for exits


def main(file: str) -> None:
    """Write events to the log until standard input ends."""
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
    """Return the lines that an event completes; `begun` holds each process's incomplete line."""
    if not event.startswith("PROCESS_LOG"):
        fields = dict(pair.split(":", 1) for pair in payload.split() if ":" in pair)
        state = event.removeprefix("PROCESS_STATE_").lower()
        what = (
            EXITED if state in ("exited", "backoff") else f" * {state}"
        )  # backoff: it ended soon after its start
        process = f", process {fields['pid']}" if "pid" in fields else ""
        return [f"{fields['processname']}{what}{process}"]
    headers, _newline, text = payload.partition("\n")
    name = childutils.get_headers(headers)["processname"]
    *whole, begun[name] = (begun[name] + text).split("\n")
    if len(begun[name]) > LONGEST:
        whole, begun[name] = [*whole, begun[name]], ""
    return [f"{name} {line[:LONGEST]}" for line in whole if line.strip()]


def exits(file: Path, since: datetime) -> Counter[str]:
    """Count how often each process ended by itself since then, within the newest file of the log."""
    counted: Counter[str] = Counter()
    first = f"{since:%Y-%m-%dT%H:%M:%S}"
    with suppress(FileNotFoundError), file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - TAIL))
        for line in log.read().decode(errors="replace").splitlines():
            at, _space, text = line.partition(" ")
            name, found, _process = text.partition(EXITED)
            if found and at >= first and " " not in name:
                counted[name] += 1
    return counted


if __name__ == "__main__":
    main(sys.argv[1])
