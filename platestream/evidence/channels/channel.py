"""Interface of the channels to evidence systems: one file at a time, for a transfer common to all."""

from pathlib import Path
from typing import Protocol


class ChannelError(RuntimeError):
    """A place that is unreachable, or gave an error; the text has no data of a package. Try again later."""


class Channel(Protocol):
    """Files at the place of an evidence system, by plain names. Each method raises ChannelError."""

    def check(self) -> None:
        """Raise ChannelError where the place is not that of the evidence system."""

    def size(self, name: str) -> int | None:
        """Return the bytes of a file as its server reports them; None where there is no such file."""

    def put(self, source: Path, name: str, *, resume: bool) -> None:
        """Write a file and wait for its disk. With `resume` what is there is its begin, and may remain."""

    def digest(self, name: str, most: int) -> str | None:
        """Read a file of at most `most` bytes back and return its SHA-256, 64 hex digits; None where the
        server does not give files back.
        """

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small file; None where there is none."""

    def rename(self, old: str, new: str) -> None:
        """Rename a file; another file of the new name is never replaced."""

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
