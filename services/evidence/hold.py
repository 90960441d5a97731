"""Detections of a case, copied with their pictures out of the 30-day store (order, F.8.a and J.2).

What is held is found through the gate like any other look, by a person with the analyst's role: the search
and each picture are inquiries of their own, documented by the case number.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from services import records
from services.inquiries import gate

TOOL = "platestream evidence"


class NothingToHold(ValueError):  # noqa: N818 - an answer, not a failure
    """No such detection, or no such hold."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """For which case, on whose word, and until when; `purpose` where the agency lists purposes.

    Raises RefusedError on what is missing or past.
    """

    case_number: str
    authority: str
    schedule: str
    release_at: datetime
    who: str
    purpose: str = ""

    def __post_init__(self) -> None:
        if not self.case_number.strip() or not self.authority.strip():
            raise RefusedError("terms", "evidence needs its case number, and who ordered it")
        if self.release_at <= datetime.now(UTC):
            raise RefusedError("terms", "the release date is past")


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is held: its detection, `crop` or `vehicle`, and SHA-256 in hex."""

    detection_id: UUID
    kind: str
    sha256: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps of a hold: ids and hashes, no plate."""

    hold_id: UUID
    case_number: str
    authority: str
    schedule: str
    release_at: datetime
    detections: list[UUID]
    pictures: list[Picture]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A release date that was moved, with the lawful ground."""

    hold_id: UUID
    case_number: str
    authority: str
    release_at: datetime


def hold(
    analyst: Client,
    custodian: Client,
    terms: Terms,
    *,
    pattern: str = "",
    detections: Sequence[UUID] = (),
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Hold, LedgerEntry]:
    """Hold what the search finds, or of it only `detections`.

    Raises NothingToHold when one of them is not found, RefusedInquiry, DamagedPicture and DatabaseError. One
    that was interrupted has fewer pictures than detections, and `policy check` says so.
    """
    hold_id = uuid4()
    ask: dict[str, Any] = {
        "who": terms.who,
        "tool": f"evidence hold {hold_id}",
        "case_number": terms.case_number,
        "reason": f"Evidence: {terms.authority}",
        "purpose": terms.purpose,
    }
    found = gate.search(analyst, pattern=pattern, cameras=cameras, since=since, until=until, **ask)
    rows = [row for row in found if not detections or row["detection_id"] in detections]
    missing = set(detections) - {row["detection_id"] for row in rows}
    if missing or not rows:
        raise NothingToHold(f"not found: {', '.join(map(str, sorted(missing))) or 'no detection fits'}")
    pictures = {row["detection_id"]: _pictures(analyst, row, ask) for row in rows}
    held = Hold(
        hold_id=hold_id,
        case_number=terms.case_number,
        authority=terms.authority,
        schedule=terms.schedule,
        release_at=terms.release_at,
        detections=[row["detection_id"] for row in rows],
        pictures=[
            Picture(detection_id=one, kind=kind, sha256=sha256(jpeg).hexdigest())
            for one, kinds in pictures.items()
            for kind, jpeg in sorted(kinds.items())
        ],
    )
    entry = _put(custodian, "hold", held, terms)
    _insert(custodian, "evidence_holds", [_hold_row(held, terms, entry.at, _inquiry(custodian, hold_id))])
    _insert(custodian, "evidence_images", _image_rows(hold_id, pictures))
    _insert(custodian, "evidence_detections", [_detection_row(hold_id, row) for row in rows])
    return held, entry


def keep(custodian: Client, hold_id: UUID, terms: Terms) -> LedgerEntry:
    """Move the release date, for a lawful action (J.2). Raises as `hold` does."""
    asked = {"hold": hold_id}
    columns = ", ".join(_HOLDS)
    sql = f"SELECT {columns} FROM platestream.evidence_holds FINAL WHERE hold_id = {{hold:UUID}}"  # noqa: S608
    rows = run("reading the hold", partial(custodian.query, sql, parameters=asked)).result_rows
    if not rows:
        raise NothingToHold(f"no hold {hold_id}")
    row = dict(zip(_HOLDS, rows[0], strict=True))
    moved = Kept(
        hold_id=hold_id,
        case_number=row["case_number"],
        authority=terms.authority,
        release_at=terms.release_at,
    )
    entry = _put(custodian, "keep", moved, terms)
    _insert(custodian, "evidence_holds", [tuple({**row, "release_at": terms.release_at}.values())])
    return entry


_HOLDS = (
    *("hold_id", "case_number", "authority", "schedule", "inquiry_id", "who", "held_at"),
    *("release_at", "detections"),
)
_COLUMNS = {
    "evidence_holds": _HOLDS,
    "evidence_detections": ("hold_id", "detection_id", "captured_at", "record"),
    "evidence_images": ("hold_id", "detection_id", "kind", "sha256", "jpeg"),
}
_LED_THERE = """
SELECT inquiry_id FROM platestream.inquiry_log
WHERE tool = {tool:String} AND kind = 'search' AND outcome = 'allowed' ORDER BY at LIMIT 1
"""


def _pictures(analyst: Client, row: gate.Row, ask: dict[str, Any]) -> dict[str, bytes]:
    return gate.picture(analyst, detection_id=row["detection_id"], captured_at=row["captured_at"], **ask)


def _put(custodian: Client, kind: str, record: Any, terms: Terms) -> LedgerEntry:
    return records.put(
        custodian,
        "evidence",
        kind,
        record,
        who=terms.who,
        tool=TOOL,
        case_number=terms.case_number,
        reason=f"Evidence: {terms.authority}",
        purpose=terms.purpose,
    )


def _image_rows(hold_id: UUID, pictures: dict[UUID, dict[str, bytes]]) -> list[tuple[Any, ...]]:
    return [
        (hold_id, one, kind, sha256(jpeg).digest(), jpeg)
        for one, kinds in pictures.items()
        for kind, jpeg in kinds.items()
    ]


def _detection_row(hold_id: UUID, row: gate.Row) -> tuple[Any, ...]:
    return (hold_id, row["detection_id"], row["captured_at"], msgspec.json.encode(row).decode())


def _hold_row(held: Hold, terms: Terms, at: datetime, inquiry: UUID) -> tuple[Any, ...]:
    return (
        *(held.hold_id, held.case_number, held.authority, held.schedule, inquiry, terms.who, at),
        *(held.release_at, len(held.detections)),
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
