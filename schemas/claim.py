"""Claim of a share: the process that reads its partitions. It holds no plate."""

from typing import Annotated

from msgspec import Meta

from platestream.schemas.fields import Name, Record, Text

SHARE = r"^[1-9][0-9]?/[1-9][0-9]?$"
"""Number of a share and of all shares."""


class Claim(Record, tag="claim/1", frozen=True, kw_only=True):
    """Heartbeat of the process of a share; it reads and writes until a later claim replaces its start."""

    flow: Name
    share: Annotated[str, Meta(pattern=SHARE, description="such as 1/2")]
    start: Annotated[Name, Meta(description="identifier of the process, new at each start")]
    store: Annotated[Text, Meta(description="recovery store: start of the machine, device and inode")]
    process: Annotated[Text, Meta(description="host name and process id")]
    replaces: Annotated[tuple[Name, ...], Meta(description="starts that it took over from")] = ()

    @property
    def key(self) -> str:
        """The key of its messages."""
        return f"{self.flow} {self.share}"
