"""Job that imports the files of all registered feeds with a place, and fetches those on another machine."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.registry import REMOTE
from platestream.hotlist.feed import Feed, FeedImport, Judged, open_job
from platestream.hotlist.feed_health import FOLDER, FeedHealth, write_health
from platestream.hotlist.files.formats import parser_of, split_layout
from platestream.hotlist.intake import Imported
from platestream.hotlist.list_changes import registry
from platestream.hotlist.manifest import unsigned
from platestream.hotlist.sftp import Fetched, drop_old, fetch
from platestream.runtime.sftp import SftpError
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

Done = Callable[[str, Imported], None]
Failed = Callable[[str, str], None]
FETCHES = 6
"""Visits to a server in the time after which a file is due."""
AGAIN = timedelta(hours=1)
"""Time until the job of a person who may not start it is tried again."""


class FeedJob:
    """The imports of all registered feeds, in the name of the person who starts the job. `keys` is the folder
    with `ssh_key` and `known_hosts`, by default that of the feeds.
    """

    def __init__(
        self, person: Door, judged: Judged, done: Done, failed: Failed, keys: Path | None = None
    ) -> None:
        self._person, self._judged, self._done, self._failed = person, judged, done, failed
        self._data = person.settings.data.resolve()
        self._keys = keys or self._data / FOLDER
        self._imports: dict[tuple[str, str, str], FeedImport] = {}
        self._faults: dict[str, tuple[str, datetime | None]] = {}
        self._unreachable: dict[str, str] = {}
        self._doors: dict[str, Door] = {}
        self._refusals_until: dict[str, tuple[datetime, RefusedInquiry]] = {}
        self._visited: dict[str, datetime] = {}
        self._unsigned: dict[str, frozenset[str]] = {}

    def run_once(self, now: datetime) -> None:
        """Check the place of every feed, and import what is new. Raises DatabaseError and BrokerError."""
        for key, record in sorted(registry(self._person.streams).items()):
            if key.startswith("hotlist_source/") and record.has_feed and record.feed_place:
                self._check(record, now)

    def _check(self, feed: RegistryRecord, now: datetime) -> None:
        fault, imported = self._faults.get(feed.id, ("", None))
        if feed.refreshed_at != imported:  # a person forced the file that was held
            fault = ""
        try:
            with self._door(feed.id, now) as door:
                for said in self._visit(door, feed, now):
                    fault = self._said(feed.id, said, fault)
        except (RefusedError, RefusedInquiry, OSError) as error:
            said = error.detail if isinstance(error, RefusedError) else str(error)
            fault = self._said(feed.id, said, fault)
        self._faults[feed.id] = fault, registry(self._person.streams).get(feed.key, feed).refreshed_at
        write_health(self._data, FeedHealth(feed.id, now, self._unreachable.get(feed.id, "") or fault))

    def _door(self, source: str, now: datetime) -> Door:
        """Return the door of a source's job, which is started once. Raises RefusedInquiry, once an hour."""
        if source not in self._doors:
            if (why := self._refusals_until.get(source)) and now < why[0]:
                raise why[1]
            try:
                self._doors[source] = open_job(self._person, source)
            except RefusedInquiry as error:
                self._refusals_until[source] = now + AGAIN, error
                raise
        return self._doors[source]

    def _said(self, source: str, fault: str, before: str) -> str:
        if fault and fault != before:
            self._failed(source, fault)
        return fault

    def _visit(self, door: Door, record: RegistryRecord, now: datetime) -> Iterator[str]:
        """Import what is new; yield each refusal, which is logged, and an empty text for each import."""
        away = record.feed_place.startswith(REMOTE)
        place = self._data / FOLDER / record.id if away else Path(record.feed_place)
        parser = parser_of(record, *split_layout(record.feed_layout))
        feed = Feed(place, record.id, parser, record.feed_layout, record.feed_place if away else "")
        known = (record.id, record.feed_place, record.feed_key)
        job = self._imports.setdefault(known, FeedImport(feed))
        job.feed = feed
        if away and self._is_due(record, now):
            yield from self._fetch(door, job, record)
        while True:
            try:
                made = job.import_new(door, now, self._judged)
            except RefusedError as error:
                yield error.detail
                continue
            if made is None:
                break
            self._done(record.id, made)
            yield ""
        if away:
            drop_old(place, registry(door.streams)[record.key])

    def _fetch(self, door: Door, job: FeedImport, feed: RegistryRecord) -> Iterator[str]:
        """Fetch new files; yield what is refused. An unreachable server is a fault until the next visit."""
        try:
            fetched = fetch(feed, self._keys, job.feed.place)
        except SftpError as error:
            before = self._unreachable.get(feed.id, "")
            self._unreachable[feed.id] = self._said(feed.id, str(error), before)
            return
        self._unreachable.pop(feed.id, None)
        yield from self._refusals(door, job, feed, fetched)

    def _is_due(self, feed: RegistryRecord, now: datetime) -> bool:
        """Return whether the server is to be visited now, and note the visit."""
        pause = timedelta(minutes=max(1, (feed.feed_every_minutes or 60) // FETCHES))
        due = now - self._visited.get(feed.id, now - pause) >= pause
        if due:
            self._visited[feed.id] = now
        return due

    def _refusals(self, door: Door, job: FeedImport, feed: RegistryRecord, fetched: Fetched) -> Iterator[str]:
        """Log what was not fetched. A file without a manifest may be on its way, until the next visit."""
        late = fetched.unsigned & self._unsigned.get(feed.id, frozenset())
        self._unsigned[feed.id] = fetched.unsigned
        for name, error in (*fetched.refused, *((name, unsigned(feed)) for name in sorted(late))):
            try:
                job.refuse(door, name, (name, error.detail), error)
            except RefusedError:
                yield error.detail
