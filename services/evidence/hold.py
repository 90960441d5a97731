"""Detections of a case, copied with their pictures out of the 30-day store (order, F.8.a and J.2).

What is held is found through the gate like any other look, by a person who may search: the search and each
picture are inquiries of their own, documented by the case number. A hold lasts as long as the records
retention schedule says at least; a lawful action can make it longer, and nothing makes it shorter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import ANALYST, CUSTODIAN, run
from connectors.partners.exchange import agency_print
from schemas.exchange import SignedExchange
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.profile import span
from services import records
from services.door import Door, Why
from services.inquiries import gate


class NothingToHold(ValueError):  # noqa: N818 - an answer, not a failure
    """No such detection, or no such hold."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """For which case, on whose word, and by which series of the retention schedule.

    `release_at` is when it may be purged, instead of the end of the schedule; `purpose` is one of the
    agency's, where it lists purposes, and `violation` what is investigated, where that purpose asks for it.
    """

    case_number: str
    authority: str
    schedule: str
    release_at: datetime | None = None
    purpose: str = ""
    violation: str = ""

    @property
    def why(self) -> Why:
        """How the acts on this hold are documented."""
        return self._said(f"Evidence: {self.authority}")

    def why_of(self, agency: str) -> Why:
        """How another agency is asked for what it has: so its own record says that it is held here."""
        return self._said(f"Held as evidence of {agency}: {self.authority}")

    def _said(self, reason: str) -> Why:
        why: Why = {"case_number": self.case_number, "reason": reason, "purpose": self.purpose}
        return {**why, "violation": self.violation} if self.violation else why


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is held: its detection, `crop` or `vehicle`, and SHA-256 in hex."""

    detection_id: UUID
    kind: str
    sha256: str


class HeldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of another agency that is held: who signed it, by the fingerprint, and SHA-256 in hex."""

    agency: str
    key: str
    sha256: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps of a hold: ids and hashes, no plate.

    It was held at `held_at`, and its schedule keeps it until `schedule_ends` at least; entries of before
    these were recorded have None. `origin` is the agency that has the originals, empty where it is this one.
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


@dataclass
class Found:
    """What is to be held: rows as a search has them, and their pictures by detection and kind.

    Of another `agency` also what it signed.
    """

    agency: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[UUID, dict[str, bytes]] = field(default_factory=dict)
    answers: list[SignedExchange] = field(default_factory=list)


class Times(NamedTuple):
    """When the schedule of a hold ends, and when it is released, which is never before."""

    ends: datetime
    release: datetime


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A release date that was moved, with the lawful ground; `schedule_ends` as of the hold."""

    hold_id: UUID
    case_number: str
    authority: str
    release_at: datetime
    released_before: datetime | None = None
    schedule_ends: datetime | None = None


def schedules(door: Door) -> dict[str, str]:
    """Series of the records retention schedule, and how long each keeps. Raises ProfileError."""
    return door.rules.profile.evidence.schedules


def hold(
    door: Door,
    terms: Terms,
    now: datetime,
    *,
    pattern: str = "",
    detections: Sequence[UUID] = (),
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Hold:
    """Hold what the search finds, or of it only `detections`.

    Raises RefusedError on terms that the order does not allow, NothingToHold when one of the detections is
    not found, RefusedInquiry, DamagedPicture and DatabaseError. One that was interrupted has fewer pictures
    than detections, and `policy check` says so.
    """
    hold_id = uuid4()
    with door.on_record("evidence_hold", str(hold_id), **terms.why):
        times = released(door, terms, now)
    looking = replace(door, tool=f"evidence hold {hold_id}")
    why = looking.said(**terms.why)
    asked: dict[str, Any] = {"pattern": pattern, "cameras": cameras, "since": since, "until": until}
    found = gate.search(door.client(ANALYST), **asked, **why)
    rows = [row for row in found if not detections or row["detection_id"] in detections]
    missing = set(detections) - {row["detection_id"] for row in rows}
    if missing or not rows:
        raise NothingToHold(f"not found: {', '.join(map(str, sorted(missing))) or 'no detection fits'}")
    pictures = {row["detection_id"]: _pictures(door.client(ANALYST), row, why) for row in rows}
    return put(door, terms, hold_id, times, Found(rows=rows, pictures=pictures), now)


def put(door: Door, terms: Terms, hold_id: UUID, times: Times, found: Found, now: datetime) -> Hold:
    """Put what was found on record as held, and keep it. Raises RefusedInquiry and DatabaseError."""
    rows, pictures = found.rows, found.pictures
    answers = [(one, msgspec.json.encode(one)) for one in found.answers]
    held = Hold(
        hold_id=hold_id,
        case_number=terms.case_number,
        authority=terms.authority,
        schedule=terms.schedule,
        release_at=times.release,
        detections=[row["detection_id"] for row in rows],
        pictures=[
            Picture(detection_id=one, kind=kind, sha256=sha256(jpeg).hexdigest())
            for one, kinds in pictures.items()
            for kind, jpeg in sorted(kinds.items())
        ],
        held_at=now,
        schedule_ends=times.ends,
        origin=found.agency,
        answers=[
            HeldAnswer(agency=one.agency, key=agency_print(one), sha256=sha256(raw).hexdigest())
            for one, raw in answers
        ],
    )
    records.put(door, "evidence_hold", "evidence", "hold", held, **terms.why)
    custodian = door.client(CUSTODIAN)
    _insert(custodian, "evidence_holds", [_hold_row(held, door.who, now, _inquiry(custodian, hold_id))])
    _insert(custodian, "evidence_images", _image_rows(hold_id, pictures))
    _insert(custodian, "evidence_detections", [_detection_row(hold_id, row) for row in rows])
    _insert(custodian, "evidence_answers", _answer_rows(hold_id, answers))
    return held


def keep(door: Door, hold_id: UUID, terms: Terms) -> LedgerEntry:
    """Move the release date to `terms.release_at`, for a lawful action (J.2).

    Raises NothingToHold where there is no such hold, RefusedError where it would be released earlier than
    now or than its schedule says, RefusedInquiry and DatabaseError.
    """
    with door.on_record("evidence_keep", str(hold_id), **terms.why):
        row = _held(door.client(CUSTODIAN), hold_id)
        ends = _schedule_ends(door, row)
        release = _later(terms, row["release_at"].astimezone(UTC), ends)
    moved = Kept(
        hold_id=hold_id,
        case_number=row["case_number"],
        authority=terms.authority,
        release_at=release,
        released_before=row["release_at"],
        schedule_ends=ends,
    )
    change = f"release date {row['release_at']:%Y-%m-%d} -> {release:%Y-%m-%d}"
    entry = records.put(door, "evidence_keep", "evidence", "keep", moved, change=change, **terms.why)
    _insert(door.client(CUSTODIAN), "evidence_holds", [tuple({**row, "release_at": release}.values())])
    return entry


def _documented(terms: Terms) -> None:
    if not terms.case_number.strip() or not terms.authority.strip():
        raise RefusedError(
            "terms", "evidence needs its case number, and who ordered it (order, section F.8.a)"
        )


def released(door: Door, terms: Terms, now: datetime) -> Times:
    """When a hold of these terms is released. Raises RefusedError on terms that the order does not allow."""
    _documented(terms)
    series = schedules(door)
    if terms.schedule not in series:
        known = ", ".join(series)
        raise RefusedError("schedule", f"the retention schedule has no such series; it is one of {known}")
    ends = now + span(series[terms.schedule])
    release = terms.release_at or ends
    if release < ends:
        raise RefusedError(
            "release",
            f"the schedule keeps {terms.schedule} evidence longer: the first release date that it allows is "
            f"{_first_day(ends)} (order, section J.2)",
        )
    return Times(ends, release)


def _later(terms: Terms, before: datetime, ends: datetime) -> datetime:
    """The new release date. Raises RefusedError where a hold would be shortened."""
    _documented(terms)
    if terms.release_at is None:
        raise RefusedError("release", "a hold is kept until a date, and none was given")
    if terms.release_at < before:
        raise RefusedError(
            "release",
            f"a hold is never shortened: this one is kept until {before:%Y-%m-%d}, and the first date that "
            f"would keep it longer is {_first_day(before)} (order, section J.2)",
        )
    if terms.release_at < ends:
        raise RefusedError(
            "release",
            f"the schedule keeps this evidence longer: the first release date that it allows is "
            f"{_first_day(ends)} (order, section J.2)",
        )
    return terms.release_at


def _first_day(at: datetime) -> str:
    """The first day that begins at `at` or later."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{midnight if midnight == at else midnight + timedelta(days=1):%Y-%m-%d}"


def _schedule_ends(door: Door, row: dict[str, Any]) -> datetime:
    """As it was recorded; of a hold that recorded none, by its series now; else as long as it is held."""
    for entry, _hash in ledger.read(door.client(CUSTODIAN), "evidence", "hold"):
        held = msgspec.json.decode(entry.record, type=Hold)
        if held.hold_id == row["hold_id"] and held.schedule_ends is not None:
            return held.schedule_ends
    series = schedules(door).get(row["schedule"])
    kept: datetime = row["release_at"] if series is None else row["held_at"] + span(series)
    return kept.astimezone(UTC)


def _held(custodian: Client, hold_id: UUID) -> dict[str, Any]:
    columns = ", ".join(_HOLDS)
    sql = f"SELECT {columns} FROM platestream.evidence_holds FINAL WHERE hold_id = {{hold:UUID}}"  # noqa: S608
    asked = {"hold": hold_id}
    rows = run("reading the hold", partial(custodian.query, sql, parameters=asked)).result_rows
    if not rows:
        raise NothingToHold(f"no hold {hold_id}")
    return dict(zip(_HOLDS, rows[0], strict=True))


_HOLDS = (
    *("hold_id", "case_number", "authority", "schedule", "inquiry_id", "who", "held_at"),
    *("release_at", "detections", "origin"),
)
_COLUMNS = {
    "evidence_holds": _HOLDS,
    "evidence_detections": ("hold_id", "detection_id", "captured_at", "record"),
    "evidence_images": ("hold_id", "detection_id", "kind", "sha256", "jpeg"),
    "evidence_answers": ("hold_id", "number", "agency", "key", "sha256", "exchange"),
}
_LED_THERE = """
SELECT inquiry_id FROM platestream.inquiry_log
WHERE tool = {tool:String} AND kind IN ('search', 'partner_search') AND outcome = 'allowed'
ORDER BY at LIMIT 1
"""


def _pictures(analyst: Client, row: gate.Row, why: gate.Why) -> dict[str, bytes]:
    return gate.picture(analyst, detection_id=row["detection_id"], captured_at=row["captured_at"], **why)


def _image_rows(hold_id: UUID, pictures: dict[UUID, dict[str, bytes]]) -> list[tuple[Any, ...]]:
    return [
        (hold_id, one, kind, sha256(jpeg).digest(), jpeg)
        for one, kinds in pictures.items()
        for kind, jpeg in kinds.items()
    ]


def _answer_rows(hold_id: UUID, answers: Sequence[tuple[SignedExchange, bytes]]) -> list[tuple[Any, ...]]:
    return [
        (hold_id, number, one.agency, agency_print(one), sha256(raw).digest(), raw)
        for number, (one, raw) in enumerate(answers, 1)
    ]


def _detection_row(hold_id: UUID, row: gate.Row) -> tuple[Any, ...]:
    return (hold_id, row["detection_id"], row["captured_at"], msgspec.json.encode(row).decode())


def _hold_row(held: Hold, who: str, at: datetime, inquiry: UUID) -> tuple[Any, ...]:
    return (
        *(held.hold_id, held.case_number, held.authority, held.schedule, inquiry, who, at),
        *(held.release_at, len(held.detections), held.origin),
    )


def _inquiry(custodian: Client, hold_id: UUID) -> UUID:
    """The inquiry that led there."""
    told = {"tool": f"evidence hold {hold_id}"}
    rows = run("reading the log", partial(custodian.query, _LED_THERE, parameters=told)).result_rows
    return UUID(str(rows[0][0]))


def _insert(client: Client, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    data = list(rows)
    if data:
        run(
            f"writing {table}",
            lambda: client.insert(
                f"platestream.{table}",
                data,
                column_names=list(_COLUMNS[table]),
                settings={"async_insert": 0},
            ),
        )
