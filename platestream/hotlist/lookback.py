"""Look-back: a search of stored reads for an entry that is new or lists more than before.

It passes the inquiry gate with the entry's case and reason, so each search is a sealed row before it has an
answer. The look-back for an entry that a person made is that person's browsing inquiry: it needs their role,
and is counted and sampled as theirs. Only the look-back for a source's file, or for another agency's message,
is automatic. Each match is published as a hit marked historical, never as a fresh alert.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from platestream.access import gate, inquire
from platestream.access.door import Documentation, Door
from platestream.access.rows import put_at_once
from platestream.edges.changelog import publish
from platestream.edges.clickhouse_client import ANALYST
from platestream.edges.edge import Topics
from platestream.inquiries.search import is_cut
from platestream.operators.match import Bucket
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.entry_match import RULES, match_entry
from platestream.schemas import plates, tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.designation import Designations
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.fields import Box, Vehicle
from platestream.schemas.hotlist import KNOWN_CHARACTERS, WILD, HotListEntry
from platestream.settings import Settings

SLICE = timedelta(days=7)  # longest period of a search without two known characters
MAX_SINGLE_SEARCHES = 50  # most entries with an inquiry each; for more, all reads are matched
DAY = timedelta(days=1)
Progress = Callable[[int, int], None]  # called with the number of finds that have their pictures, and of all


class LookBack:
    """Searches for entries through `door`, a person's or a system job's, in the stored reads."""

    def __init__(self, door: Door, now: datetime) -> None:
        rules = door.rules.profile
        self._door, self._client, self._now = door, door.client(ANALYST), now
        self._period, self._purpose = rules.retention.span, rules.purposes.look_back

    def find(
        self,
        entries: Sequence[HotListEntry],
        budget: int = RULES.budget,
        progress: Progress = lambda _done, _of: None,
    ) -> list[AlertHit]:
        """Find historical hits that are not yet known, with their pictures. Raises RefusedInquiry."""
        if (
            len(entries) > MAX_SINGLE_SEARCHES and self._door.automatic
        ):  # a person must not see all reads of a month
            found = list(self._all(entries))
        else:
            found = [hit for entry in entries for hit in self._each(entry, budget)]
        complete = []
        for done, hit in enumerate(found):
            progress(done, len(found))
            complete.append(self._with_pictures(hit))
        return complete

    def _each(self, entry: HotListEntry, budget: int) -> Iterator[AlertHit]:
        pattern = search_pattern(entry, budget if entry.look_alikes is None else entry.look_alikes)
        known: set[Any] = set()
        found: dict[Any, AlertHit] = {}
        for since, until in self._slices(pattern):
            filters = self._asked(entry, pattern=pattern, since=since, until=until)
            known |= {row["hit_id"] for row in gate.search(self._client, "hits", **filters)}
            for row in self._reads(filters):
                hit = match_entry(detection(row), entry)
                if hit is not None and hit.historical:
                    found[hit.hit_id] = hit
        yield from (hit for name, hit in found.items() if name not in known)

    def _all(self, entries: Sequence[HotListEntry]) -> Iterator[AlertHit]:
        """Search by day through the complete matcher, alternatives included."""
        bucket = Bucket()
        bucket.designated = _AllDesignated()
        for entry in entries:
            bucket.add(pack_entry(entry))
        reason = f"Look-back of {len(entries)} new or widened hot list entries"
        why: Documentation = {"reason": reason, "purpose": self._purpose}
        known: set[Any] = set()
        for day in range(-(-self._period // DAY)):
            until = self._now - day * DAY
            filters: dict[str, Any] = {**self._door.documentation(**why)}
            filters |= {"since": until - DAY, "until": until}
            known |= {row["hit_id"] for row in gate.search(self._client, "hits", **filters)}
            for row in self._reads(filters):
                for hit in bucket.hits(detection(row), patterns=True):
                    if hit.historical and hit.hit_id not in known:
                        known.add(hit.hit_id)  # a read at midnight is in both days
                        yield hit

    def _reads(self, filters: dict[str, Any]) -> Iterator[gate.Row]:
        """Yield the results of a search, by more inquiries where one shows fewer vehicles than there are."""
        while True:
            rows = gate.search(self._client, **filters)
            yield from rows
            if not is_cut(rows):
                return
            oldest = rows[-1]["captured_at"]
            filters["until"] = oldest if oldest < filters["until"] else oldest - gate.INSTANT

    def _slices(self, pattern: str) -> Iterator[tuple[datetime, datetime]]:
        """Yield the whole period at once, or by week where the pattern alone would be too open."""
        step = self._period if len(WILD.sub("", pattern)) >= KNOWN_CHARACTERS else SLICE
        until = self._now
        while until > self._now - self._period:
            since = max(until - step, self._now - self._period)
            yield since, until
            until = since

    def _asked(self, entry: HotListEntry, **what: Any) -> dict[str, Any]:
        why: Documentation = {
            "case_number": entry.case_number,
            "reason": f"Look-back of hot list entry {entry.entry_id}: {entry.reason}",
            "purpose": self._purpose,
        }
        return {**self._door.documentation(**why), "cameras": entry.cameras, **what}

    def _with_pictures(self, hit: AlertHit) -> AlertHit:
        filters = self._asked(hit.entry, keys=self._door.keys)
        del filters["cameras"]
        seen = hit.detection
        images = gate.picture(
            self._client, detection_id=seen.detection_id, captured_at=seen.captured_at, **filters
        )
        pictures = {"crop": images.get("crop", b""), "picture": images.get("vehicle", b"")}
        return msgspec.structs.replace(hit, detection=msgspec.structs.replace(seen, **pictures))


class _AllDesignated(Designations):
    """Designations that allow every entry, because each was checked when it was listed."""

    def allow(self, _source: str, _category: str) -> bool:
        return True


def search_pattern(entry: HotListEntry, budget: int) -> str:
    """Return the pattern for the gate whose results include every possible match.

    A character that may be read as another one is left open where look-alikes count.
    """
    if entry.is_pattern or not budget:
        return entry.plate
    return "".join("?" if _is_often_misread(char) else char for char in entry.plate)


def _is_often_misread(char: str) -> bool:
    others = (other for other in plates.CHARACTERS if plates.equate(other) != plates.equate(char))
    return any(plates.confusable(other, char) for other in others)


def detection(row: dict[str, Any]) -> Detection:
    """Convert a row of the gate's `search` into a detection without its pictures."""
    words = {name: row[f"vehicle_{name}"] or None for name in ("make", "model", "colour", "body")}
    box = row["box"].values() if isinstance(row["box"], dict) else row["box"]
    alternatives = (one.values() if isinstance(one, dict) else one for one in row["alternatives"])
    return Detection(
        detection_id=row["detection_id"],
        camera_id=row["camera_id"],
        captured_at=row["captured_at"],
        best_at=row["best_at"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        plate=row["plate"],
        confidence=min(1.0, row["confidence"]),
        state=row["state"] or None,
        state_confidence=min(1.0, row["state_confidence"]),
        alternatives=tuple(Alternative(plate, min(1.0, sure)) for plate, sure in alternatives),
        box=Box(*box),
        frames=row["frames"],
        agreeing=row["agreeing"],
        models=tuple(row["models"]),
        vehicle=Vehicle(**words, other=dict(row["vehicle_other"])),
        crop=b"",
        picture=b"",
        stayed_ms=row["stayed_ms"],
        camera_read=msgspec.json.decode(row["camera_read"], type=CameraRead) if row["camera_read"] else None,
        opinion=row["opinion"],
    )


def publish_hits(streams: Topics, settings: Settings, hits: list[AlertHit]) -> None:
    """Publish hits that an inquiry found or that another agency sent.

    Where this account may not write them to the tables, the match flow does.
    """
    if not hits:
        return
    publish(streams, topics.ALERT_HITS, hits)
    for table in (tables.ALERT_HITS, tables.HIT_FACTS):
        put_at_once(settings, table, hits)


def find_and_publish(
    door: Door,
    entries: Sequence[HotListEntry],
    now: datetime,
    progress: Progress = lambda _done, _of: None,
) -> list[AlertHit]:
    """Find and publish earlier sightings; return them. By a person's door it is that person's inquiry.

    Raises RefusedInquiry.
    """
    if door.automatic:
        door = replace(door.system_job("look-back"), set_off_by=door.set_off_by or door.who)
    hits = LookBack(door, now).find(entries, progress=progress)
    publish_hits(door.streams, door.settings, hits)
    return hits


def look_back(door: Door, entries: Sequence[HotListEntry], now: datetime) -> int:
    """Do the same as `find_and_publish`, and return the number of sightings."""
    return len(find_and_publish(door, entries, now))


SearchBack = Callable[[Door, Sequence[HotListEntry], datetime], tuple[int | None, str]]
"""A look-back as `try_look_back` makes it, or its start in the background, which has no number yet."""


def try_look_back(door: Door, entries: Sequence[HotListEntry], now: datetime) -> tuple[int | None, str]:
    """Do the same as `look_back`, but return None and the rule where it is refused: a person who lists
    vehicles need not be allowed to search.
    """
    try:
        return look_back(door, entries, now), ""
    except inquire.RefusedInquiry as refused:
        return None, str(refused)
