"""Look-back: what the days that data is kept saw of an entry that is new or lists more than before.

It goes through the inquiry gate with the entry's case and reason, so each search is a sealed row before it
is an answer. The look-back for what a person entered is that person's browsing inquiry: it needs their role,
it is counted and drawn as theirs. Only that for a source's file, or another agency's message, is automatic.
What is found is published as a hit marked historical, never as a fresh alert.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from connectors.changelog import publish
from connectors.clickhouse_client import ANALYST
from connectors.edge import Edge
from connectors.settings import open_edge
from operators.match import Bucket
from operators.matching.judge import RULES, match_entry
from operators.matching.listing import listed
from schemas import plates, tables, topics
from schemas.alert_hit import AlertHit
from schemas.designation import Designations, Sourced
from schemas.detection import Alternative, Detection
from schemas.fields import Box, Vehicle
from schemas.hotlist import KNOWN_CHARACTERS, WILD, HotListEntry
from services.door import Door, Why
from services.inquiries import gate
from services.inquiries.looking import cut

SLICE = timedelta(days=7)  # how long a time may be asked for without two known characters
ONE_BY_ONE = 50  # entries that are asked for each by its own inquiry; of more, all reads are gone through
DAY = timedelta(days=1)


class LookBack:
    """Searches for entries by `door`, a person's or the machine's, in what the agency keeps."""

    def __init__(self, door: Door, now: datetime) -> None:
        rules = door.rules.profile
        self._door, self._client, self._now = door, door.client(ANALYST), now
        self._period, self._purpose = rules.retention.span, rules.purposes.look_back

    def find(self, entries: Sequence[HotListEntry], budget: int = RULES.budget) -> list[AlertHit]:
        """Historical hits that are not yet known, with their pictures. Raises RefusedInquiry."""
        if len(entries) > ONE_BY_ONE and self._door.automatic:  # no person sees all that passed in a month
            found = list(self._all(entries))
        else:
            found = [hit for entry in entries for hit in self._each(entry, budget)]
        return [self._with_pictures(hit) for hit in found]

    def _each(self, entry: HotListEntry, budget: int) -> Iterator[AlertHit]:
        pattern = search_pattern(entry, budget if entry.look_alikes is None else entry.look_alikes)
        known: set[Any] = set()
        found: dict[Any, AlertHit] = {}
        for since, until in self._slices(pattern):
            asked = self._asked(entry, pattern=pattern, since=since, until=until)
            known |= {row["hit_id"] for row in gate.hits(self._client, **asked)}
            for row in self._reads(asked):
                hit = match_entry(detection(row), entry)
                if hit is not None and hit.historical:
                    found[hit.hit_id] = hit
        yield from (hit for name, hit in found.items() if name not in known)

    def _all(self, entries: Sequence[HotListEntry]) -> Iterator[AlertHit]:
        """A day at a time through the whole matcher, alternatives included."""
        bucket = Bucket()
        bucket.designated = _Everything()
        for entry in entries:
            bucket.add(listed(entry))
        reason = f"Look-back of {len(entries)} new or widened hot list entries"
        why: Why = {"reason": reason, "purpose": self._purpose}
        known: set[Any] = set()
        for day in range(-(-self._period // DAY)):
            until = self._now - day * DAY
            asked: dict[str, Any] = {**self._door.said(**why)}
            asked |= {"since": until - DAY, "until": until}
            known |= {row["hit_id"] for row in gate.hits(self._client, **asked)}
            for row in self._reads(asked):
                for hit in bucket.hits(detection(row), patterns=True):
                    if hit.historical and hit.hit_id not in known:
                        known.add(hit.hit_id)  # a read on the edge of two days is in both
                        yield hit

    def _reads(self, asked: dict[str, Any]) -> Iterator[gate.Row]:
        """Yield what a search finds, by more inquiries where one shows fewer vehicles than there are."""
        while True:
            rows = gate.search(self._client, **asked)
            yield from rows
            if not cut(rows):
                return
            oldest = rows[-1]["captured_at"]
            asked["until"] = oldest if oldest < asked["until"] else oldest - gate.INSTANT

    def _slices(self, pattern: str) -> Iterator[tuple[datetime, datetime]]:
        """The whole time at once, or by the week where the pattern alone would be too open."""
        step = self._period if len(WILD.sub("", pattern)) >= KNOWN_CHARACTERS else SLICE
        until = self._now
        while until > self._now - self._period:
            since = max(until - step, self._now - self._period)
            yield since, until
            until = since

    def _asked(self, entry: HotListEntry, **what: Any) -> dict[str, Any]:
        why: Why = {
            "case_number": entry.case_number,
            "reason": f"Look-back of hot list entry {entry.entry_id}: {entry.reason}",
            "purpose": self._purpose,
        }
        return {**self._door.said(**why), "cameras": entry.cameras, **what}

    def _with_pictures(self, hit: AlertHit) -> AlertHit:
        asked = self._asked(hit.entry)
        del asked["cameras"]
        seen = hit.detection
        kept = gate.picture(
            self._client, detection_id=seen.detection_id, captured_at=seen.captured_at, **asked
        )
        pictures = {"crop": kept.get("crop", b""), "picture": kept.get("vehicle", b"")}
        return msgspec.structs.replace(hit, detection=msgspec.structs.replace(seen, **pictures))


class _Everything(Designations):
    """What is looked back for was checked when it was listed."""

    def allow(self, _entry: Sourced) -> bool:
        return True


def search_pattern(entry: HotListEntry, budget: int) -> str:
    """What to ask the gate for so that all that may match is among the answers.

    A character that may be taken for another one is left open where look-alikes count.
    """
    if entry.is_pattern or not budget:
        return entry.plate
    return "".join("?" if _taken_for_others(char) else char for char in entry.plate)


def _taken_for_others(char: str) -> bool:
    others = (other for other in plates.CHARACTERS if plates.equate(other) != plates.equate(char))
    return any(plates.confusable(other, char) for other in others)


def detection(row: dict[str, Any]) -> Detection:
    """A row of the gate's `search` as the detection it was, without its pictures."""
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
    )


def publish_hits(edge: Edge, hits: list[AlertHit]) -> None:
    """To topic and tables, as the match flow does."""
    if not hits:
        return
    publish(edge.topics, topics.ALERT_HITS, hits)
    for table in (tables.ALERT_HITS, tables.HIT_FACTS):
        edge.tables.writer(table).insert(hits)


def look_back(door: Door, entries: Sequence[HotListEntry], now: datetime) -> int:
    """Find and publish what was seen before; how many. By a person's door it is that person's inquiry.

    Raises RefusedInquiry.
    """
    if door.automatic:
        door = replace(door.machine("look-back"), set_off_by=door.set_off_by or door.who)
    hits = LookBack(door, now).find(entries)
    if hits:
        edge = open_edge(door.settings, follow=False)
        try:
            publish_hits(edge, hits)
        finally:
            cast(Any, edge.tables).close()
    return len(hits)


def try_look_back(door: Door, entries: Sequence[HotListEntry], now: datetime) -> tuple[int | None, str]:
    """The same, or None and the rule that refuses it: a person who lists vehicles need not be a searcher."""
    try:
        return look_back(door, entries, now), ""
    except gate.RefusedInquiry as refused:
        return None, str(refused)
