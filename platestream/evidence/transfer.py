"""Transfer of one package to an evidence system.

The package gets its name there after it is complete and was read back, so that the evidence system takes no
part of one. A transfer that was interrupted goes on under the same names: what is there is compared first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from platestream.evidence.channels.channel import Channel, ChannelError
from platestream.evidence.receipts import Proof
from platestream.schemas.message import RefusedError

PART = ".part"
SLACK = 1 << 20
"""Bytes by which a file that is read back may be larger than the package, to be seen as another."""


@dataclass(frozen=True)
class Package:
    """A package as a file here, and its name at the evidence system."""

    path: Path
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The name, here and there."""
        return self.path.name


@dataclass(frozen=True)
class Arrived:
    """A package at its place: what was compared, its version, and the date until which it is locked there."""

    proof: Proof
    version: str = ""
    locked_until: datetime | None = None


def deliver(
    channel: Channel, package: Package, *, renaming: bool, taken: bool, note: Callable[[], None]
) -> Arrived | None:
    """Bring a package to its place; return what was compared there, None where it was taken from there.

    With `taken` the evidence system may take the package away at once. `note` is called before the package
    gets its name, and `renaming` says that it was called before. Raises ChannelError for a transfer that is
    to go on later, and RefusedError where the place has or gives back another file.
    """
    part = f"{package.name}{PART}"
    there = channel.size(package.name)
    if there is None:
        begun = channel.size(part)
        if begun is None and renaming and taken:
            return None
        _send(channel, package, part, begun)
        note()
        channel.rename(part, package.name)
        there = channel.size(package.name)
    if there is None and taken:
        return None
    return Arrived(_compare(channel, package, package.name, there))


def _send(channel: Channel, package: Package, part: str, begun: int | None) -> None:
    resume = begun is not None and 0 < begun < package.bytes
    if begun != package.bytes:
        channel.put(package.path, part, resume=resume)
    try:
        _compare(channel, package, part, channel.size(part))
    except RefusedError:
        channel.remove(part)
        if begun is None:
            raise
        why = "what was there of the package was not its begin: it is sent from the begin"
        raise ChannelError(why) from None


def _compare(channel: Channel, package: Package, name: str, size: int | None) -> Proof:
    if size is None:
        raise ChannelError(f"{name} is not there after it was sent")
    if size != package.bytes:
        raise RefusedError("receipt", f"{name} has {size} bytes there, and {package.bytes} here")
    digest = channel.digest(name, package.bytes + SLACK)
    if digest is None:
        return "size"
    if digest != package.sha256:
        raise RefusedError("receipt", f"{name} is another file there: its SHA-256 differs")
    return "sha256"
