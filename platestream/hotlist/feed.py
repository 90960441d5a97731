"""Automatic import of a source's list as soon as there is a new file.

A file is new when it came to its place (its inode changed) after the last import of the source. A restart
therefore imports nothing twice, and an old file never makes a list look fresh.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from platestream.access.door import Door
from platestream.hotlist.files.lines import Parser
from platestream.hotlist.intake import Imported, import_file
from platestream.hotlist.list_changes import Import, registry
from platestream.hotlist.origin import SIGNATURE, Delivery, manifest_of, open_stable

SETTLED = timedelta(seconds=10)
"""A file that changed within this time may still be being written."""


@dataclass(frozen=True)
class Feed:
    """The place of a source's files: a file that is replaced, or a folder, of which the newest file
    counts.
    """

    place: Path
    source: str
    parser: Parser
    layout: str = "csv"

    def newest(self) -> tuple[Path, datetime] | None:
        """Return the newest file, and when it came to its place; names that start with a dot are ignored."""
        paths = self.place.iterdir() if self.place.is_dir() else [self.place]
        files = [path for path in paths if path.is_file() and _is_list(path)]
        came = [(path, datetime.fromtimestamp(path.stat().st_ctime, UTC)) for path in files]
        return max(came, key=lambda one: one[1], default=None)


def _is_list(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix != SIGNATURE


def open_job(door: Door, source: str) -> Door:
    """Start the job that imports new files of `source`: automatic, in the name of its starter, and never
    forced.

    Raises RefusedInquiry where that person may not import a hot list.
    """
    return door.start_job("hotlist", "hotlist_import", f"job: {source}")


class FeedImport:
    """The imports of one feed; a refused file is not tried again."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._tried: datetime | None = None

    def import_new(
        self, door: Door, now: datetime, judged: Callable[[str, Import], None] = lambda _name, _plan: None
    ) -> Imported | None:
        """Import the newest file if it is new; return None where it is not.

        `judged` is called with the file's name and the plan before it is refused or done. Raises
        RefusedError, and then nothing is changed, and RefusedInquiry.
        """
        found = self._feed.newest()
        if found is None:
            return None
        path, came = found
        record = registry(door.streams).get(f"hotlist_source/{self._feed.source}")
        imported = None if record is None else record.refreshed_at
        known = [at for at in (self._tried, imported) if at is not None]
        if now - came < SETTLED or (known and came <= max(known)):
            return None
        self._tried = came
        with open_stable(path) as file:
            return import_file(
                door,
                file,
                path.name,
                self._feed.source,
                self._feed.parser,
                now,
                brought=Delivery(self._feed.layout, self._feed.place.absolute(), manifest_of(path)),
                judged=lambda plan: judged(path.name, plan),
            )
