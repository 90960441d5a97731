"""The way in of the command line: the door for whoever runs it, with the settings of the environment."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.settings import Settings, load_settings
from services.door import Door


def settings() -> Settings:
    """What the environment says, for commands that neither show nor change anything. Raises SettingsError."""
    return load_settings()


@contextmanager
def entrance(tool: str) -> Iterator[Door]:
    """The door for one command, which the inquiry log calls `tool`. Raises SettingsError and ConnectError."""
    with Door.open(load_settings(), f"platestream {tool}") as door:
        yield door
