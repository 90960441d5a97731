"""The published inquiry log, and those who witness it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from schemas.counted import counted
from services.doctor.finding import Answer, NotLookedAtError, right, sentence, soon, wrong
from services.doctor.here import Here
from services.tlog.config import LogConfig, config
from services.tlog.job import last_run, witness_states

LATE = timedelta(hours=1)
SILENT = timedelta(days=1)
PAGE = "docs/proof.md"


def log(here: Here) -> Iterable[Answer]:
    """It was published lately, and nothing was refused."""
    found = _found(here)
    ran = last_run(found)
    if ran is None:
        raise NotLookedAtError("nothing was published from this folder yet")
    if ran.refused:
        return [wrong(sentence(ran.refused), "See LogRefused in docs/runbook.md.")]
    age = here.now() - datetime.fromtimestamp(ran.at, UTC)
    if age > LATE:
        mend = "Start it: platestream up, or platestream audit publish --every 5."
        return [wrong(f"It was published {age / timedelta(hours=1):.0f} hours ago.", mend)]
    if ran.unstamped:
        return [soon(f"Published, without a time stamp: {ran.unstamped}.", f"See the time stamps of {PAGE}.")]
    size = getattr(found.kept.signed(), "size", 0)
    return [right(f"{counted(size, 'entry')} under the last head.")]


def witnesses(here: Here) -> Iterator[Answer]:
    """Each has cosigned within a day."""
    found = _found(here)
    if not found.witnesses:
        raise NotLookedAtError("PLATESTREAM_LOG_FILE names no witness")
    states = witness_states(found)
    limit = (here.now() - SILENT).timestamp()
    silent = [name for name, one in states.items() if one.failed_since and one.cosigned_at < limit]
    for name in silent:
        yield wrong(f"{name} {states[name].said}.", "See WitnessSilent in docs/runbook.md.")
    if not silent:
        yield right(f"{counted(len(found.witnesses), 'witness')}, none silent for a day.")


def _found(here: Here) -> LogConfig:
    if here.settings.kafka and here.settings.names_server and here.settings.log_file is None:
        raise NotLookedAtError("it is published from another folder (PLATESTREAM_LOG_FILE is not set here)")
    return config(here.settings)
