"""Topics of a data folder as a process of ours sees them: encrypted by the keys in the folder."""

from pathlib import Path

from platestream.edges.sealed_topics import SealedTopics
from platestream.settings import Settings, open_topics


def stored_topics(data: Path, keys: Path | None = None) -> SealedTopics:
    """Topics that end where they end; `keys` is the folder of keys if it is elsewhere."""
    return open_topics(Settings(data=data, keys=keys), follow=False)
