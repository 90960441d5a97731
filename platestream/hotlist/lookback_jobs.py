"""Look-backs that run in the background of the console, with their progress and their finds."""

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.hotlist.lookback import find_and_publish
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hotlist import HotListEntry

AT_ONCE = 2
LIVES = timedelta(days=1)
NEWS_EVERY = timedelta(seconds=1)
SILENT = timedelta(minutes=15)
"""Time after which a look-back without news has ended with its console."""

if TYPE_CHECKING:
    from platestream.web.shared_state import SharedState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundPlate:
    """The finds of one entry and one plate as read: their number, times and cameras."""

    plate: str
    listed_plate: str
    hits: int
    first: datetime
    last: datetime
    cameras: tuple[str, ...]


@dataclass
class LookBackJob:
    """A look-back that `who` set off: `done` of `of` finds have their pictures; `of` is 0 while it searches.

    `refused` is the rule that refused it. With `failed` it ended before its end, for a fault. `at` is the
    time of the last news.
    """

    who: str
    entries: int
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    done: int = 0
    of: int = 0
    finished: bool = False
    failed: bool = False
    refused: str = ""
    found: tuple[FoundPlate, ...] = ()

    @property
    def hits(self) -> int:
        """The number of finds."""
        return sum(one.hits for one in self.found)


class LookBackJobs:
    """The look-backs of this console, which every console shows. Thread-safe. A restart ends those that run;
    they can be repeated.
    """

    def __init__(self, state: "SharedState", clock: Callable[[], datetime]) -> None:
        self._state, self._clock = state, clock
        self._turn = threading.Semaphore(AT_ONCE)

    def start(self, door: Door, entries: Sequence[HotListEntry], now: datetime, who: str) -> LookBackJob:
        """Begin a look-back through `door`, and return at once."""
        job = LookBackJob(who, len(entries), self._clock())
        self._store(job)
        thread = threading.Thread(
            target=self._run, args=(job, door, entries, now), name="look-back", daemon=True
        )
        thread.start()
        return job

    def find(self, name: str, who: str) -> LookBackJob | None:
        """Return a job of this person."""
        now = self._clock()
        job = self._state.get("look-back", name, LookBackJob, now) if name else None
        if job is None or job.who != who:
            return None
        if not job.finished and now - job.at > SILENT:
            job.finished = job.failed = True  # its console was restarted
        return job

    def _store(self, job: LookBackJob) -> None:
        job.at = self._clock()
        self._state.put("look-back", job.name, job, job.at + LIVES)

    def _run(self, job: LookBackJob, door: Door, entries: Sequence[HotListEntry], now: datetime) -> None:
        def progress(done: int, of: int) -> None:
            begins, job.done, job.of = not job.of, done, of
            if begins or self._clock() - job.at >= NEWS_EVERY:
                self._store(job)

        with self._turn:
            try:
                job.found = tuple(_by_plate(find_and_publish(door, entries, now, progress)))
            except RefusedInquiry as refused:
                job.refused = str(refused)
            except Exception as error:
                job.failed = True
                log.warning("a look-back ended before its end: %s", type(error).__name__)
            job.finished = True
            self._store(job)


class StartedLookBack:
    """Starter of a look-back in the background, in the place of one that is waited for."""

    def __init__(self, jobs: LookBackJobs, who: str) -> None:
        self._jobs, self._who = jobs, who
        self.job: LookBackJob | None = None

    def __call__(self, door: Door, entries: Sequence[HotListEntry], now: datetime) -> tuple[None, str]:
        self.job = self._jobs.start(door, entries, now, self._who)
        return None, ""

    @property
    def name(self) -> str:
        """The job's name in addresses; empty where nothing new was listed."""
        return "" if self.job is None else self.job.name


def _by_plate(hits: Iterable[AlertHit]) -> list[FoundPlate]:
    groups: dict[tuple[str, str, str], list[AlertHit]] = {}
    for hit in hits:
        groups.setdefault((hit.entry.entry_id, hit.entry.plate, hit.detection.plate), []).append(hit)
    found = []
    for (_entry, listed, plate), some in groups.items():
        times = [one.detection.captured_at for one in some]
        cameras = tuple(sorted({one.detection.camera_id for one in some}))
        found.append(FoundPlate(plate, listed, len(some), min(times), max(times), cameras))
    return sorted(found, key=lambda one: one.last, reverse=True)
