"""Checks of the published inquiry log and its witnesses."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.schemas.pluralize import pluralize
from platestream.transparency_log.config import LogConfig, config
from platestream.transparency_log.service import witness_states

LATE = timedelta(hours=1)
SILENT = timedelta(days=1)
PAGE = "docs/how-to/operator/published-log.md"


def log(context: CheckContext) -> CheckResult:
    """Check that the log was published lately and that publishing was not refused."""
    found = _log_config(context)
    ran = found.state.last_run()
    if ran is None:
        raise NotCheckedError("nothing was published from this folder yet")
    if ran.refused:
        return fault(sentence(ran.refused), "See LogRefused in the runbook.")
    age = context.now() - datetime.fromtimestamp(ran.at, UTC)
    if age > LATE:
        mend = "Start it: platestream up, or platestream audit publish --every 5."
        return fault(f"It was published {age / timedelta(hours=1):.0f} hours ago.", mend)
    if ran.unstamped:
        return warning(
            f"Published, without a time stamp: {ran.unstamped}.", f"See the time stamps of {PAGE}."
        )
    size = getattr(found.state.signed(), "size", 0)
    return ok(f"{pluralize(size, 'entry')} under the last head.")


def witnesses(context: CheckContext) -> Iterator[CheckResult]:
    """Check that each witness has cosigned within a day."""
    found = _log_config(context)
    if not found.witnesses:
        raise NotCheckedError("PLATESTREAM_LOG_FILE names no witness")
    states = witness_states(found)
    limit = (context.now() - SILENT).timestamp()
    silent = [name for name, one in states.items() if one.failed_since and one.cosigned_at < limit]
    for name in silent:
        yield fault(f"{name} {states[name].said}.", "See WitnessSilent in the runbook.")
    if not silent:
        yield ok(f"{pluralize(len(found.witnesses), 'witness')}, none silent for a day.")


def _log_config(context: CheckContext) -> LogConfig:
    if context.settings.kafka and context.settings.names_server and context.settings.log_file is None:
        raise NotCheckedError("it is published from another folder (PLATESTREAM_LOG_FILE is not set here)")
    return config(context.settings)
