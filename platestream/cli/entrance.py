"""The command line's door, for the person who runs it, with the settings of the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, tzinfo

from connectors.settings import Settings, load_settings
from services.door import Door
from services.rules.in_force import zone_of

_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


def settings() -> Settings:
    """Return the settings of the environment. Raises SettingsError."""
    return load_settings()


@contextmanager
def entrance(tool: str, *, ruled: bool = True) -> Iterator[Door]:
    """Open the door for one command, which the inquiry log calls `tool`.

    With `ruled` the command does not begin where PLATESTREAM_PROFILE contradicts the rules in force; it is
    off for what makes or mends the database. Raises SettingsError, ConnectError and RulesError.
    """
    with Door.open(load_settings(), f"platestream {tool}") as door:
        if ruled:
            _zone.set(zone_of(door))
        yield door


def display_zone() -> tzinfo:
    """Return the agency's time zone, in which times are shown; UTC where no database says which it is."""
    if _zone.get() is None:
        try:
            with entrance("times"):
                pass
        except ValueError:  # no database here, or none that can be used: times are shown all the same
            return UTC
    return _zone.get() or UTC
