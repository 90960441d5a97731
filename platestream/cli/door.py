"""Access to the door for the person who runs a command, and times in the agency's zone, as people type and
read them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo

from platestream.access.door import Door, agency_zone
from platestream.access.rules_in_force import zone_of
from platestream.access.rules_reader import BrokenRulesError
from platestream.schemas.spans import instant_of
from platestream.settings import Settings, load_settings

DAYS = ["%Y-%m-%d"]
TIMES = [*DAYS, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


def settings() -> Settings:
    """Return the settings of the environment. Raises SettingsError."""
    return load_settings()


@contextmanager
def open_door(tool: str, *, ruled: bool = True, broken_rules: bool = False) -> Iterator[Door]:
    """Open the door for one command, which is logged as `tool` in the inquiry log.

    With `ruled` the command is refused if PLATESTREAM_PROFILE contradicts the rules in force. Commands that
    create or repair the database turn it off. With `broken_rules` the rules in force may be unusable. Raises
    SettingsError, ConnectError and RulesError.
    """
    with Door.open(load_settings(), f"platestream {tool}") as door:
        if ruled:
            with suppress(BrokenRulesError) if broken_rules else nullcontext():
                _zone.set(zone_of(door))
        yield door


def display_zone() -> tzinfo:
    """Return the agency's time zone, in which times are shown; UTC if no database defines it."""
    if _zone.get() is None:
        try:
            with open_door("times"):
                pass
        except ValueError:  # without a usable database, times are still shown
            return UTC
    return _zone.get() or UTC


def to_instant(door: Door, at: datetime | None, *, last: bool = False) -> datetime | None:
    """Return the instant of the agency's local time `at`, as `instant_of` does; None if none is given."""
    return at and instant_of(at, agency_zone(door), last=last)


def format_local(at: datetime | None, zone: tzinfo, *, seconds: bool = True) -> str:
    """Return an instant in the local time of `zone`, with the zone's short name; empty if there is none."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M{':%S' if seconds else ''} %Z}" if at else ""
