"""Fetched files of feeds that their job did not import, and their import by the administrator."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from platestream.access.door import Door
from platestream.hotlist.feed_health import FOLDER, read_health
from platestream.hotlist.files.formats import parser_of, split_layout
from platestream.hotlist.intake import Imported, import_file
from platestream.hotlist.list_changes import registry
from platestream.hotlist.manifest import SIGNATURE, Manifest, Offer, manifest_of, next_offer
from platestream.hotlist.origin import Delivery, open_stable
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord


@dataclass(frozen=True)
class HeldFile:
    """The next file of a feed, which was fetched and refused: `why` is the reason that its job gave."""

    source: str
    path: Path
    signed_at: datetime
    why: str


def held_files(data: Path, records: Iterable[RegistryRecord]) -> list[HeldFile]:
    """Return the held files of the feeds on this machine, by source."""
    found = (_held(data, one) for one in records if one.kind == "hotlist_source" and one.has_feed)
    return sorted((one for one in found if one is not None), key=lambda one: one.source)


def release(door: Door, source: str, reason: str, now: datetime) -> Imported:
    """Import the held file of a source, although its job refused it; `reason` says why it is right.

    It is the administrator's act. Raises RefusedError and RefusedInquiry, and then nothing is changed.
    """
    record = registry(door.streams).get(f"hotlist_source/{source}")
    held = None if record is None else _held(door.settings.data, record)
    with door.log_refusal("hotlist_force", f"{source}: import", reason=reason):
        if record is None or held is None:
            raise RefusedError("source", "no file of this feed is held here")
        if not reason.strip():
            raise RefusedError("source", "give the reason why the file is right")
    brought = Delivery(record.feed_layout, None, manifest_of(held.path))
    parser = parser_of(record, *split_layout(record.feed_layout))
    with open_stable(held.path) as file:
        return import_file(door, file, held.path.name, source, parser, now, brought=brought, force=reason)


def _held(data: Path, feed: RegistryRecord) -> HeldFile | None:
    health, folder = read_health(data, feed.id), data / FOLDER / feed.id
    if not (health and health.fault and feed.has_feed and feed.feed_key and folder.is_dir()):
        return None
    try:
        chosen = next_offer(_signed_offers(folder, feed), feed)
    except RefusedError:
        return None
    if chosen is None or not (folder / chosen.name).is_file():
        return None
    return HeldFile(feed.id, folder / chosen.name, chosen.manifest.made_at, health.fault)


def _signed_offers(folder: Path, feed: RegistryRecord) -> Iterator[Offer]:
    """Yield the files in a folder whose manifest the feed's key signed."""
    for signature in folder.glob(f"*{SIGNATURE}"):
        with suppress(RefusedError, OSError):
            manifest = Manifest.read(signature.read_bytes())
            manifest.check_signature(feed)
            yield Offer(signature.name.removesuffix(SIGNATURE), manifest)
