"""Times that people type."""

from datetime import UTC, datetime

DAYS = ["%Y-%m-%d"]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def instant(at: datetime | None) -> datetime | None:
    """The instant that was meant, None where none was given."""
    return at and at.replace(tzinfo=UTC)
