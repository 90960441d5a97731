"""Holds: detections of a case, copied with their pictures out of the 30-day store (order, F.8.a and J.2).

A person who may search finds the detections through the gate, documented by the case number. The act of
holding names the SHA-256 of each record and picture, and the database copies its own stored data with these
hashes, so nobody can write evidence. For another agency's reads it takes the signed answers. A hold lasts at
least as long as the records retention schedule requires; a lawful action can extend it, and nothing shortens
it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access import gate
from platestream.access.door import Documentation, Door, agency_zone
from platestream.edges.clickhouse_client import ANALYST, CUSTODIAN, read_rows, run
from platestream.evidence import held_keys
from platestream.evidence.custody import Held, database_time, history
from platestream.keys.pieces import parse_head
from platestream.ledger import records
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.spans import parse_span

AT_ONCE = 500
"""Most detections that one statement copies, because their pictures are in memory together."""


class NothingToHold(ValueError):  # noqa: N818 - an answer, not a failure
    """Error for a detection or hold that does not exist."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a hold: its case, the authority that ordered it, and its series of the retention schedule.

    `release_at` is the earliest time of its purge, instead of the end of the schedule. `purpose` is one of
    the agency's, where it lists purposes, and `violation` the investigated violation, where that purpose
    requires one. `vehicles` is the number of different vehicles that may be held; with 0 it is the default of
    a search.
    """

    case_number: str
    authority: str
    schedule: str
    release_at: datetime | None = None
    purpose: str = ""
    violation: str = ""
    vehicles: int = 0

    @property
    def why(self) -> Documentation:
        """The documentation of acts on this hold."""
        return {**self._documentation(f"Evidence: {self.authority}"), "vehicles": self.vehicles}

    def why_of(self, agency: str) -> Documentation:
        """Return the documentation of a request to another agency, by which its own log says that its read is
        held here.
        """
        return self._documentation(f"Held as evidence of {agency}: {self.authority}")

    def _documentation(self, reason: str) -> Documentation:
        why: Documentation = {"case_number": self.case_number, "reason": reason, "purpose": self.purpose}
        return {**why, "violation": self.violation} if self.violation else why


class HeldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A held detection, with the SHA-256 in hex of its stored JSON text."""

    detection_id: UUID
    sha256: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A held picture: its detection, `crop` or `vehicle`, and SHA-256 in hex; of an encrypted one `stored` is
    the SHA-256 of what is stored.
    """

    detection_id: UUID
    kind: str
    sha256: str
    stored: str = ""


class HeldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A held answer of another agency: the fingerprint of the signing key, and SHA-256 in hex; `stored` as of
    a picture.
    """

    agency: str
    key: str
    sha256: str
    stored: str = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's record of a hold: ids and hashes, no plate.

    It was held at `held_at` and must be retained until `schedule_ends`; older entries have None for these,
    and no `records`. `inquiry_id` is the search that found the detections. `origin` is the agency that has
    the originals, empty where it is this one.
    """

    hold_id: UUID
    case_number: str
    authority: str
    schedule: str
    release_at: datetime
    detections: list[UUID]
    pictures: list[Picture]
    held_at: datetime | None = None
    schedule_ends: datetime | None = None
    origin: str = ""
    answers: list[HeldAnswer] = []
    records: list[HeldRecord] = []
    inquiry_id: UUID | None = None
    key: str = ""


class HoldTimes(NamedTuple):
    """The begin of a hold, the end of its schedule, and its release, which is never before that end."""

    now: datetime
    ends: datetime
    release: datetime


class ReleaseMove(msgspec.Struct, frozen=True, kw_only=True):
    """A release date that was moved, with the lawful ground; `schedule_ends` is that of the hold."""

    hold_id: UUID
    case_number: str
    authority: str
    release_at: datetime
    released_before: datetime | None = None
    schedule_ends: datetime | None = None


def schedules(door: Door) -> dict[str, str]:
    """Return the series of the records retention schedule, and how long each retains. Raises ProfileError."""
    return door.rules.profile.evidence.schedules


def hold(
    door: Door,
    terms: Terms,
    *,
    pattern: str = "",
    detections: Sequence[UUID] = (),
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Hold:
    """Hold the detections that the search finds, or of them only `detections`.

    Raises RefusedError on terms that the order does not allow; NothingToHold when one of the detections is
    not found or was changed during the hold, or when more vehicles may match than are shown; RefusedInquiry,
    DamagedPicture and DatabaseError. An interrupted hold has less than its entry in the ledger says, which
    `policy check` reports.
    """
    hold_id = uuid4()
    with door.log_refusal("evidence_hold", str(hold_id), **terms.why):
        times = times_of(door, terms)
    looking = replace(door, tool=f"evidence hold {hold_id}")
    asked: dict[str, Any] = {"pattern": pattern, "cameras": cameras, "since": since, "until": until}
    inquiry, every = gate.holdable(door.client(ANALYST), **asked, **looking.documentation(**terms.why))
    selected = set(detections)
    found = [one for one in every if not selected or one.detection_id in selected]
    missing = selected - {one.detection_id for one in found}
    if every and every[0].cut and (missing or not selected):
        raise NothingToHold(
            "more vehicles may fit than one inquiry shows: hold fewer (plate, --camera, --since, --until), "
            "or ask for more, --vehicles"
        )
    if missing or not found:
        raise NothingToHold(f"not found: {', '.join(map(str, sorted(missing))) or 'no detection fits'}")
    for one in found:
        for kind, _sha256, intact, _head in one.pictures:
            if not intact:
                raise gate.DamagedPicture(f"{kind} of detection {one.detection_id}")
    records_held = {one.detection_id: one.sha256 for one in found}
    held = held_of(terms, hold_id, times, inquiry, records_held, list(_pictures(found)))
    with door.log_refusal("evidence_hold", str(hold_id), **terms.why):
        key = held_keys.retain(door.keys, hold_id, dict(_heads(found)))
    held = msgspec.structs.replace(held, key=key)
    act = records.put(door, "evidence_hold", held, **terms.why).permit.inquiry_id
    custodian = door.writer(CUSTODIAN)
    append(custodian, act, [])
    for first in range(0, len(found), AT_ONCE):
        append(custodian, act, found[first : first + AT_ONCE])
    require_complete(custodian, act, held)
    return held


def extend(door: Door, hold_id: UUID, terms: Terms) -> LedgerEntry:
    """Move the release date to `terms.release_at`, for a lawful action (J.2).

    Raises NothingToHold where there is no such hold, RefusedError where the release would be earlier than
    before or than the schedule says, RefusedInquiry and DatabaseError.
    """
    with door.log_refusal("evidence_keep", str(hold_id), **terms.why):
        before = _held(door, hold_id)
        release = _later(terms, before.release_at, before.due, agency_zone(door))
    moved = ReleaseMove(
        hold_id=hold_id,
        case_number=before.case_number,
        authority=terms.authority,
        release_at=release,
        released_before=before.release_at,
        schedule_ends=before.due,
    )
    change = f"release date {before.release_at:%Y-%m-%d} -> {release:%Y-%m-%d}"
    entry, permit = records.put(door, "evidence_keep", moved, change=change, **terms.why)
    append(door.writer(CUSTODIAN), permit.inquiry_id, [])
    return entry


def record_not_needed(door: Door, case_number: str, reason: str) -> None:
    """Record why no data of a case is held as evidence (F.8.a). Raises RefusedInquiry."""
    door.enter("evidence_not_needed", case_number=case_number, reason=reason)


def _documented(terms: Terms) -> None:
    if not terms.case_number.strip() or not terms.authority.strip():
        raise RefusedError(
            "terms", "evidence needs its case number, and who ordered it (order, section F.8.a)"
        )


def times_of(door: Door, terms: Terms) -> HoldTimes:
    """Return the times of a hold of these terms that begins now.

    Raises RefusedError on terms that the order does not allow, and DatabaseError.
    """
    _documented(terms)
    now, zone = database_time(door.client(CUSTODIAN)), agency_zone(door)
    series = schedules(door)
    if terms.schedule not in series:
        known = ", ".join(series)
        raise RefusedError("schedule", f"the retention schedule has no such series; it is one of {known}")
    ends = parse_span(series[terms.schedule]).after(now, zone)
    release = terms.release_at or ends
    if release < ends:
        raise RefusedError(
            "release",
            f"the schedule keeps {terms.schedule} evidence longer: the first release date that it allows is "
            f"{_first_day(ends, zone)} (order, section J.2)",
        )
    return HoldTimes(now, ends, release)


def _later(terms: Terms, before: datetime, ends: datetime, zone: tzinfo) -> datetime:
    """Return the new release date. Raises RefusedError where it would shorten a hold."""
    _documented(terms)
    if terms.release_at is None:
        raise RefusedError("release", "a hold is kept until a date, and none was given")
    if terms.release_at < before:
        raise RefusedError(
            "release",
            f"a hold is never shortened: this one is kept until {before.astimezone(zone):%Y-%m-%d}, and the "
            f"first date that would keep it longer is {_first_day(before, zone)} (order, section J.2)",
        )
    if terms.release_at < ends:
        raise RefusedError(
            "release",
            f"the schedule keeps this evidence longer: the first release date that it allows is "
            f"{_first_day(ends, zone)} (order, section J.2)",
        )
    return terms.release_at


def _first_day(at: datetime, zone: tzinfo) -> str:
    """Return the first day in `zone` that begins at `at` or later."""
    at = at.astimezone(zone)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{midnight if midnight == at else midnight + timedelta(days=1):%Y-%m-%d}"


def _held(door: Door, hold_id: UUID) -> Held:
    """Return a hold that is not purged, according to the ledger. Raises NothingToHold."""
    held = history(door.client(CUSTODIAN), door.rules.profile).holds.get(hold_id)
    if held is None or held.purged_at is not None:
        raise NothingToHold(f"no hold {hold_id}")
    return held


def held_of(
    terms: Terms,
    hold_id: UUID,
    times: HoldTimes,
    inquiry: UUID,
    texts: Mapping[UUID, str],
    pictures: list[Picture],
) -> Hold:
    """Return the ledger's record of a hold; `texts` are the SHA-256 of its records by detection."""
    return Hold(
        hold_id=hold_id,
        case_number=terms.case_number,
        authority=terms.authority,
        schedule=terms.schedule,
        release_at=times.release,
        detections=list(texts),
        pictures=pictures,
        held_at=times.now,
        schedule_ends=times.ends,
        records=[HeldRecord(detection_id=one, sha256=digest) for one, digest in texts.items()],
        inquiry_id=inquiry,
    )


_COPIED = "SELECT detections, pictures FROM platestream.copied(inquiry = {inquiry:UUID})"


def _pictures(found: Sequence[gate.Holdable]) -> Iterator[Picture]:
    for one in found:
        for kind, digest, _intact, head in sorted(one.pictures):
            if head:
                plain, stored = parse_head(bytes.fromhex(head))[2], digest
            else:
                plain, stored = digest, ""
            yield Picture(detection_id=one.detection_id, kind=kind, sha256=plain, stored=stored)


def _heads(found: Sequence[gate.Holdable]) -> Iterator[tuple[tuple[UUID, str], bytes]]:
    """Yield detection, kind and head of the encrypted pictures."""
    for one in found:
        for kind, _sha256, _intact, head in one.pictures:
            if head:
                yield (one.detection_id, kind), bytes.fromhex(head)


def append(client: Client, act: UUID, found: Sequence[gate.Holdable]) -> None:
    """Make the database copy these detections of the hold of `act`; with none, only the hold itself."""
    row = [act, [one.detection_id for one in found], sorted({one.captured_at for one in found})]
    run(
        "holding evidence",
        lambda: client.insert(
            "platestream.evidence_append",
            [row],
            column_names=["act", "detections", "times"],
            column_type_names=["UUID", "Array(UUID)", "Array(DateTime64(3, 'UTC'))"],
            settings={"async_insert": 0},
        ),
    )


def require_complete(client: Client, act: UUID, held: Hold) -> None:
    """Check that the hold is complete. Raises NothingToHold where less is held than the ledger says."""
    ((detections, pictures),) = read_rows(client, "counting what is held", _COPIED, inquiry=act)
    if (detections, pictures) != (len(held.detections), len(held.pictures)):
        raise NothingToHold(
            f"hold {held.hold_id} is not complete: {detections} of {len(held.detections)} detections and"
            f" {pictures} of {len(held.pictures)} pictures are as they were found; hold them again"
        )
