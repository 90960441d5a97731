"""Automatic import of a source's list as soon as there is a new file.

A file is new when it came to its place (its inode changed) after the last import of the source. A restart
therefore imports nothing twice, and an old file never makes a list look fresh. Numbered files of a feed with
a key are imported in the order of their numbers instead.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from platestream.access.door import Door
from platestream.hotlist.files.lines import Parser
from platestream.hotlist.intake import Imported, import_file
from platestream.hotlist.list_changes import Import, registry
from platestream.hotlist.manifest import SIGNATURE, Manifest, Offer, manifest_of, next_offer, unsigned
from platestream.hotlist.origin import Delivery, open_stable
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

SETTLED = timedelta(seconds=10)
"""A file that changed within this time may still be being written."""
Judged = Callable[[str, Import], None]


@dataclass(frozen=True)
class Feed:
    """The place of a source's files: a file that is replaced, or a folder, of which the newest file
    counts. `registered` is the place as it is registered, where it is another machine's.
    """

    place: Path
    source: str
    parser: Parser
    layout: str = "csv"
    registered: str = ""

    def files(self) -> Iterator[tuple[Path, datetime]]:
        """Yield the files, and when each came to its place; names that start with a dot are ignored."""
        for path in self.place.iterdir() if self.place.is_dir() else [self.place]:
            if path.is_file() and not path.name.startswith(".") and path.suffix != SIGNATURE:
                yield path, datetime.fromtimestamp(path.stat().st_ctime, UTC)

    def newest(self) -> tuple[Path, datetime] | None:
        """Return the newest file, and when it came to its place."""
        return max(self.files(), key=lambda one: one[1], default=None)

    def is_settled(self, came: datetime, now: datetime) -> bool:
        """Return whether a file is complete; one that was fetched got its name when it was."""
        return bool(self.registered) or now - came >= SETTLED

    def delivery(self, path: Path) -> Delivery:
        """Return the delivery of a file at this place."""
        return Delivery(self.layout, self.registered or self.place.absolute(), manifest_of(path))


def open_job(door: Door, source: str) -> Door:
    """Start the job that imports new files of `source`: automatic, in the name of its starter, and never
    forced.

    Raises RefusedInquiry where that person may not import a hot list.
    """
    return door.start_job("hotlist", "hotlist_import", f"job: {source}")


class FeedImport:
    """The imports of one feed; a refused file is not tried again."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._tried: datetime | None = None
        self._refused: set[Hashable] = set()

    def import_new(
        self, door: Door, now: datetime, judged: Judged = lambda _name, _plan: None
    ) -> Imported | None:
        """Import the next file if there is a new one; return None where there is none.

        `judged` is called with the file's name and the plan before it is refused or done. Raises
        RefusedError, and then nothing is changed, and RefusedInquiry.
        """
        record = registry(door.streams).get(f"hotlist_source/{self.feed.source}")
        if record is not None and record.has_feed and record.feed_key:
            path = self._signed(door, record, now)
        else:
            path = self._newest(record, now)
        if path is None:
            return None
        return import_path(door, self.feed, path, now, judged)

    def refuse(self, door: Door, name: str, mark: Hashable, error: RefusedError) -> None:
        """Log a refusal once, and raise it; nothing is done where it was logged before."""
        if mark in self._refused:
            return
        self._refused.add(mark)
        with door.log_refusal("hotlist_import", f"{self.feed.source}: import", reason=f"import of {name}"):
            raise error

    def _newest(self, record: RegistryRecord | None, now: datetime) -> Path | None:
        """Return the newest file where it came after the last import and was not tried."""
        found = self.feed.newest()
        if found is None:
            return None
        path, came = found
        imported = None if record is None else record.refreshed_at
        known = [at for at in (self._tried, imported) if at is not None]
        if not self.feed.is_settled(came, now) or (known and came <= max(known)):
            return None
        self._tried = came
        return path

    def _signed(self, door: Door, feed: RegistryRecord, now: datetime) -> Path | None:
        """Return the next file by its verified manifest. Raises RefusedError for a file or a gap that was not
        refused before.
        """
        offers: list[Offer] = []
        paths: dict[str, Path] = {}
        for path, came in sorted(self.feed.files()):
            content = manifest_of(path)
            mark = (path.name, came, content)
            if not self.feed.is_settled(came, now) or mark in self._refused:
                continue
            try:
                if content is None:
                    raise unsigned(feed)
                manifest = Manifest.read(content)
                manifest.check_signature(feed)
            except RefusedError as error:
                self.refuse(door, path.name, mark, error)
            else:
                offers.append(Offer(path.name, manifest))
                paths[path.name] = path
        chosen = self._choose(door, feed, offers)
        if chosen is None:
            return None
        path = paths[chosen.name]
        came = datetime.fromtimestamp(path.stat().st_ctime, UTC)
        self._refused.add((path.name, came, manifest_of(path)))
        return path

    def _choose(self, door: Door, feed: RegistryRecord, offers: list[Offer]) -> Offer | None:
        try:
            return next_offer(offers, feed)
        except RefusedError as error:
            last = feed.feed_sequence
            ahead = min(one.manifest.sequence for one in offers if one.manifest.sequence > last)
            self.refuse(door, f"file {ahead}", ("gap", last, ahead), error)
            return None


def import_path(door: Door, feed: Feed, path: Path, now: datetime, judged: Judged) -> Imported:
    """Import a file at its feed's place. Raises RefusedError and RefusedInquiry."""
    with open_stable(path) as file:
        return import_file(
            door,
            file,
            path.name,
            feed.source,
            feed.parser,
            now,
            brought=feed.delivery(path),
            judged=lambda plan: judged(path.name, plan),
        )
