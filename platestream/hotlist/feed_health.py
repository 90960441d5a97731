"""Health of the feeds of hot lists: the last check of each by its job, and which of them are late."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from platestream.runtime.private_file import write_file
from platestream.schemas.fields import NOT_JSON, Instant
from platestream.schemas.registry import RegistryRecord

FOLDER = "feeds"
"""Folder of fetched files, keys of SSH and health, below the data folder."""
SUFFIX = ".json"


class FeedHealth(msgspec.Struct, frozen=True):
    """The last check of a feed's place. `fault` is why its newest file was not imported; empty where all
    were.
    """

    source: str
    checked_at: Instant
    fault: str = ""


def write_health(data: Path, health: FeedHealth) -> None:
    """Store the health of a feed. Raises OSError."""
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    write_file(folder / f"{health.source}{SUFFIX}", msgspec.json.encode(health))


def read_health(data: Path, source: str) -> FeedHealth | None:
    """Return the stored health of a feed; None where its job did not run here."""
    try:
        return msgspec.json.decode((data / FOLDER / f"{source}{SUFFIX}").read_bytes(), type=FeedHealth)
    except (OSError, *NOT_JSON):
        return None


def is_late(feed: RegistryRecord, now: datetime) -> bool:
    """Return whether a feed with a registered interval had no import for twice that time."""
    after = feed.feed_late_after
    since = feed.refreshed_at or feed.changed_at
    return after is not None and since is not None and now - since > after


class FeedAge(msgspec.Struct, frozen=True):
    """Time of a feed's last import; None where nothing of it was imported."""

    source: str
    imported_at: datetime | None
    late: bool


def feed_ages(records: Iterable[RegistryRecord], now: datetime) -> list[FeedAge]:
    """Return the age of each registered feed, by name."""
    feeds = (one for one in records if one.kind == "hotlist_source" and one.has_feed)
    found = (FeedAge(one.id, one.refreshed_at, is_late(one, now)) for one in feeds)
    return sorted(found, key=lambda one: one.source)


def feed_faults(data: Path, records: Iterable[RegistryRecord], now: datetime) -> Iterator[str]:
    """Yield a fault for each registered feed that is late, or whose last file was not imported."""
    for feed in sorted(records, key=lambda one: one.id):
        if feed.kind != "hotlist_source" or not feed.has_feed:
            continue
        health = read_health(data, feed.id)
        why = f": {health.fault}" if health and health.fault else ""
        if is_late(feed, now):
            yield f"the feed of {feed.id} is late, last imported {age(feed.refreshed_at, now)}{why}"
        elif why:
            yield f"the newest file of {feed.id} was not imported{why}"


def age(imported: datetime | None, now: datetime) -> str:
    """Say how long ago a list was imported."""
    return "never" if imported is None else f"{(now - imported).total_seconds() / 3600:.1f} hours ago"
