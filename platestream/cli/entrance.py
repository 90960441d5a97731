"""The way in of the command line: the door for whoever runs it, with the settings of the environment."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.settings import load_settings
from services.door import Door


@contextmanager
def entrance(tool: str) -> Iterator[Door]:
    """The door for one command, which the inquiry log calls `tool`. Raises SettingsError and ConnectError."""
    with Door.open(load_settings(), f"platestream {tool}") as door:
        yield door
