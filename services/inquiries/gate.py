"""A client of the inquiry gate: first the inquiry is written, then the view that it opens is read.

What is searched stands in the inquiry's row, stamped and judged by the database
(`clickhouse/views/gate.sql`), so nothing here can look at more than was logged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DatabaseError, run

Row = dict[str, Any]

TYPES = {
    "inquiry_id": "UUID",
    "on_behalf_of": "String",
    "agency": "String",
    "tool": "String",
    "kind": "String",
    "case_number": "String",
    "reason": "String",
    "pattern": "String",
    "other": "String",
    "cameras": "Array(String)",
    "since": "DateTime64(3, 'UTC')",
    "until": "DateTime64(3, 'UTC')",
    "within_s": "UInt32",
    "purpose": "String",
    "violation": "String",
    "requester": "String",
    "legal_basis": "String",
    "automatic": "Bool",
    "set_off_by": "String",
    "change": "String",
    "refuse": "String",
    "partner": "String",
    "trained_on": "String",
    "effect": "String",
    "fields": "Map(String, String)",
    "vehicles": "UInt32",
}
THROWN = 395
SHOWN = 50
"""Different vehicles that an inquiry shows at most, unless it asks for more (clickhouse/views/gate.sql)."""
MOST_VEHICLES = 10_000
"""More than these an inquiry cannot ask for."""
BEYOND = "more vehicles than are shown in 24 hours were asked for at once, or this inquiry is ten minutes old"
INSTANT = timedelta(milliseconds=1)
MEETING = timedelta(seconds=60)

_RECEIVED = (
    "SELECT outcome, refusal, about, change, superseded FROM platestream.received(inquiry = {inquiry:UUID})"
)
_VERDICT = "SELECT outcome, refusal FROM platestream.verdict(inquiry = {inquiry:UUID})"
_ORDER = {
    "search": "captured_at DESC",
    "sightings": "captured_at DESC",
    "fuzzy": "indexOf(['same', 'look_alike', 'one_edit'], match), captured_at DESC",
    "cotravel": "captured_at DESC",
    "companions": "meetings DESC, cameras_met DESC, plate",
    "hits": "captured_at DESC",
    "hit_steps": "hit_id, at, toString(action_id)",
    "picture": "kind",
    "holdable": "captured_at, detection_id",
}
_VIEWS = {
    view: f"SELECT * FROM platestream.{view}(inquiry = {{inquiry:UUID}}) ORDER BY {order}"  # noqa: S608 - ours
    for view, order in _ORDER.items()
}


class Why(TypedDict, total=False):
    """Who looks, and why; the rules say what of it must be there.

    `who` is for accounts that speak for people and left out by all others. `purpose` is one of the agency's,
    where it lists them, and `violation` what is investigated, where the purpose asks for it; `requester` and
    `legal_basis` document a request from outside of law enforcement.
    `automatic`: the machine acts by itself, set off by the person `set_off_by`, for accounts of the machine
    only. `change` is what an act changes, before and after; with `refuse` the caller has a rule that forbids
    the act, and it is on record as refused by it. `effect` is the SHA-256 of the record that the act writes.
    `fields` are the words of an entry of the hot list that section H asks for, by name; the gate judges them.
    `vehicles`: how many different vehicles a look shows at most, and counts for, unless the gate chooses.
    """

    who: str
    agency: str
    tool: str
    case_number: str
    reason: str
    purpose: str
    violation: str
    requester: str
    legal_basis: str
    automatic: bool
    set_off_by: str
    change: str
    refuse: str
    effect: str
    fields: Mapping[str, str]
    vehicles: int


class RefusedInquiry(Exception):  # noqa: N818 - a refusal is an answer, and it is in the log
    """The gate logged the inquiry as refused; says by which rule."""


class AskedBefore(RefusedInquiry):
    """A partner's request came before, so nothing of it is done; it has its row already."""


class DamagedPicture(Exception):  # noqa: N818
    """A picture is not the one that was stored: its hash differs."""


def search(
    client: Client,
    *,
    pattern: str = "",
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> list[Row]:
    """Detections as dicts by column, newest first.

    `pattern` is a plate, `*` standing for any characters and `?` for one, O and 0 counting as one; empty is
    every plate. No `cameras` means all; without `since` the last 30 days, without `until` up to now. `client`
    needs the analyst's role.

    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone, and DatabaseError.
    """
    return _look(client, "search", why, pattern=pattern, cameras=list(cameras), since=since, until=until)


class Holdable(NamedTuple):
    """A detection that a search found, as evidence would hold it: the SHA-256 of its record, and its pictures
    with kind, SHA-256 and whether the stored bytes have it. Hashes are 64 hex digits. `cut`: more may fit.
    """

    detection_id: UUID
    captured_at: datetime
    sha256: str
    pictures: list[tuple[str, str, bool]]
    cut: bool


def holdable(
    client: Client,
    *,
    pattern: str = "",
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> tuple[UUID, list[Holdable]]:
    """Search as `search` does, for evidence: return the id of the inquiry, and hashes of what it found."""
    inquiry = uuid4()
    asked = {"pattern": pattern, "cameras": list(cameras), "since": since, "until": until}
    _ask(client, inquiry, "search", why, asked)
    _refuse(client, inquiry)
    return inquiry, [Holdable(**row) for row in _read(client, "holdable", inquiry)]


def sightings(
    client: Client,
    *,
    cameras: Sequence[str],
    since: datetime | None,
    until: datetime | None = None,
    pattern: str = "",
    **why: Unpack[Why],
) -> list[Row]:
    """All that passed 1 to 20 cameras in 7 days at most, newest first; more is refused. Else as `search`."""
    return _look(client, "sightings", why, pattern=pattern, cameras=list(cameras), since=since, until=until)


def fuzzy(
    client: Client,
    *,
    plate: str,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> list[Row]:
    """Plates that look like `plate` (4 to 8 characters) or are one character away from it.

    A row's `match` is `same`, `look_alike` or `one_edit` (one added, lost, changed, or two swapped), in this
    order. Else as `search`.
    """
    return _look(client, "fuzzy", why, pattern=plate, cameras=list(cameras), since=since, until=until)


def cotravel(
    client: Client,
    *,
    plate: str,
    other_plate: str,
    within: timedelta = MEETING,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> list[Row]:
    """Where two plates passed one camera within so many seconds (1 s to an hour), newest first."""
    asked = {"pattern": plate, "other": other_plate, "within_s": round(within.total_seconds())}
    return _look(client, "cotravel", why, **asked, cameras=list(cameras), since=since, until=until)


def companions(
    client: Client,
    *,
    plate: str,
    within: timedelta = MEETING,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> list[Row]:
    """Other plates that met `plate` twice or more at a camera, beginning with the most meetings."""
    asked = {"pattern": plate, "within_s": round(within.total_seconds())}
    return _look(client, "companions", why, **asked, cameras=list(cameras), since=since, until=until)


def hits(
    client: Client,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[Why],
) -> list[Row]:
    """Alert hits as dicts by column, newest first; `pattern` is of the plate as read. Else as `search`."""
    other = "" if hit_id is None else str(hit_id)
    asked = {"pattern": pattern, "other": other, "cameras": list(cameras)}
    return _look(client, "hits", why, **asked, since=since, until=until)


def hits_and_steps(
    client: Client,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    most: int | None = None,
    **why: Unpack[Why],
) -> tuple[list[Row], list[Row]]:
    """Alert hits as `hits` finds them, the newest `most`, and the recorded steps, all by one inquiry."""
    other = "" if hit_id is None else str(hit_id)
    inquiry = uuid4()
    asked = {"pattern": pattern, "other": other, "cameras": list(cameras), "since": since, "until": until}
    _ask(client, inquiry, "hits", why, asked)
    _refuse(client, inquiry)
    return _read(client, "hits", inquiry, most), _read(client, "hit_steps", inquiry)


def picture(
    client: Client,
    *,
    detection_id: UUID,
    captured_at: datetime,
    cameras: Sequence[str] = (),
    **why: Unpack[Why],
) -> dict[str, bytes]:
    """The pictures of a detection by kind (`crop`, `vehicle`), JPEG; empty when there are none any more.

    Raises RefusedInquiry, DamagedPicture where a picture's hash differs, and DatabaseError.
    """
    rows = _look(
        client,
        "picture",
        why,
        other=str(detection_id),
        cameras=list(cameras),
        since=captured_at - INSTANT,
        until=captured_at + INSTANT,
    )
    return {row["kind"]: row["jpeg"] for row in _undamaged(rows)}


def _undamaged(rows: list[Row]) -> list[Row]:
    for row in rows:
        if sha256(row["jpeg"]).digest() != row["sha256"]:
            raise DamagedPicture(f"{row['kind']} of detection {row['detection_id']}")
    return rows


class Elsewhere(TypedDict, total=False):
    """What another agency is asked for: no view opens by it here."""

    pattern: str
    cameras: Sequence[str]
    since: datetime | None
    until: datetime | None


class Partner(TypedDict):
    """By whom a signed request of another agency was: `who` as it names them, `partner` the agency as the
    registry has it, `agency` as it calls itself, and the day of training that it asserts.
    """

    who: str
    partner: str
    agency: str
    trained_on: str


def record(
    client: Client,
    *,
    kind: str,
    other: str = "",
    elsewhere: Elsewhere | None = None,
    inquiry: UUID | None = None,
    **why: Unpack[Why],
) -> UUID:
    """Put an act on record that opens no view; the id of its row, judged and sealed like any other.

    `kind` is an act of `schemas.acts`; `other` says what it is about: an entry of the hot list, a file, a
    draw; never a plate, and 64 characters of it are kept. To be called before the act, which must not happen
    when this raises: RefusedInquiry when the rules refuse it, and DatabaseError. `inquiry` is the row's id
    where it counts once, such as that of a message. Only `services.door` and the ledger call it.
    """
    inquiry = inquiry or uuid4()
    _ask(client, inquiry, kind, why, {"other": other, **(elsewhere or {})})
    _refuse(client, inquiry)
    return inquiry


def look_for_partner(
    client: Client, inquiry: UUID, kind: str, partner: Partner, asked: Mapping[str, Any], **why: Unpack[Why]
) -> list[Row]:
    """What a person of another agency may see: rows of `search`, `fuzzy`, `sightings` or `picture`.

    `inquiry` is the id that the request was signed with: of a second request with it nothing is shown, as a
    view opens by an id that the log has once. Raises RefusedInquiry, DamagedPicture and DatabaseError.
    """
    if was_asked(client, inquiry):
        raise AskedBefore("this request was sent before")
    _ask(client, inquiry, kind, {**why, **partner}, asked)  # type: ignore[typeddict-unknown-key]
    _refuse(client, inquiry)
    return _undamaged(_read(client, kind, inquiry)) if kind == "picture" else _read(client, kind, inquiry)


def record_for_partner(
    client: Client, inquiry: UUID, kind: str, partner: Partner, other: str, **why: Unpack[Why]
) -> None:
    """Put on record what a person of another agency does here that opens no view, judged as their looks are.

    `inquiry` is the id that the request was signed with. Raises AskedBefore, RefusedInquiry, DatabaseError.
    """
    if was_asked(client, inquiry):
        raise AskedBefore("this request was sent before")
    _ask(client, inquiry, kind, {**why, **partner}, {"other": other})  # type: ignore[typeddict-unknown-key]
    _refuse(client, inquiry)


class Received(NamedTuple):
    """What became of another agency's message: the row of its first receipt. `superseded`: the entry that it
    is about was changed or removed since.
    """

    outcome: str
    refusal: str
    about: str
    change: str
    superseded: bool


def received(client: Client, inquiry: UUID) -> Received | None:
    """The first receipt of a BOLO with this id, however long ago. Raises DatabaseError."""
    found = run("reading receipts", lambda: client.query(_RECEIVED, parameters={"inquiry": inquiry}))
    return Received(*found.result_rows[0]) if found.result_rows else None


def was_asked(client: Client, inquiry: UUID) -> bool:
    """Whether the log has this id, of the last minutes. Raises DatabaseError."""
    found = run("reading the verdict", lambda: client.query(_VERDICT, parameters={"inquiry": inquiry}))
    return bool(found.result_rows)


def record_each(
    client: Client, *, kind: str, other: str, people: Sequence[str], **why: Unpack[Why]
) -> dict[str, str]:
    """Put one act on record for several people at once; by which rule each was refused, empty where allowed.

    `client` is of an account that speaks for people. As `record` otherwise; raises DatabaseError.
    """
    made = {uuid4(): who for who in people}
    if not made:
        return {}
    _write(
        client,
        [
            {"inquiry_id": one, "kind": kind, **_reasons(why), "on_behalf_of": who, "other": other}
            for one, who in made.items()
        ],
    )
    said = _verdicts(client, list(made))
    return {who: said[one] for one, who in made.items()}


def record_several(
    client: Client, *, kind: str, told: Sequence[tuple[str, str, str]], **why: Unpack[Why]
) -> list[UUID]:
    """Log one act for several things at once: what each is about, its change and its effect; the ids of their
    rows. As `record` otherwise; raises RefusedInquiry where one of them is refused, and DatabaseError.
    """
    made = {uuid4(): one for one in told}
    if not made:
        return []
    _write(
        client,
        [
            {
                "inquiry_id": one,
                "kind": kind,
                **_reasons(why),
                "other": other,
                "change": change,
                "effect": effect,
            }
            for one, (other, change, effect) in made.items()
        ],
    )
    for refusal in _verdicts(client, list(made)).values():
        if refusal:
            raise RefusedInquiry(refusal)
    return list(made)


def record_entries(client: Client, *, kind: str, about: Sequence[str], whys: Sequence[Why]) -> list[str]:
    """Put one act on record for several things, each documented by itself; by which rule each was refused,
    empty where allowed. The documentations name the same columns. Raises DatabaseError.
    """
    made = [uuid4() for _one in about]
    if not made:
        return []
    told = zip(made, about, whys, strict=True)
    _write(
        client,
        [{"inquiry_id": one, "kind": kind, **_reasons(why), "other": other} for one, other, why in told],
    )
    said = _verdicts(client, made)
    return [said[one] for one in made]


def _verdicts(client: Client, inquiries: Sequence[UUID]) -> dict[UUID, str]:
    """By which rule each was refused, empty where allowed."""
    asked = " UNION ALL ".join(
        f"SELECT '{one}' AS inquiry, outcome, refusal FROM platestream.verdict(inquiry = '{one}')"  # noqa: S608
        for one in inquiries
    )
    rows = run("reading the verdicts", lambda: client.query(asked)).result_rows
    said = {UUID(one): "" if outcome == "allowed" else refusal for one, outcome, refusal in rows}
    return {one: said.get(one, "the inquiry did not reach the log") for one in inquiries}


def _look(client: Client, kind: str, why: Why, **asked: Any) -> list[Row]:
    inquiry = uuid4()
    _ask(client, inquiry, kind, why, asked)
    return _read(client, kind, inquiry)


def _refuse(client: Client, inquiry: UUID) -> None:
    """Raises RefusedInquiry unless the inquiry is in the log as allowed."""
    found = run("reading the verdict", lambda: client.query(_VERDICT, parameters={"inquiry": inquiry}))
    if len(found.result_rows) != 1:
        raise RefusedInquiry("the inquiry did not reach the log")
    outcome, refusal = found.result_rows[0]
    if outcome != "allowed":
        raise RefusedInquiry(refusal)


def _ask(client: Client, inquiry: UUID, kind: str, why: Why, asked: Mapping[str, Any]) -> None:
    """Write the inquiry; what is None is left to the table's default."""
    given = {"inquiry_id": inquiry, "kind": kind, **_reasons(why), **asked}
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
    _write(client, [given])


def _reasons(why: Why) -> Row:
    return {"on_behalf_of" if name == "who" else name: value for name, value in why.items()}


def _write(client: Client, rows: Sequence[Row]) -> None:
    """Inquiries that have the same columns, by one statement."""
    names = list(rows[0])
    run(
        "writing the inquiry",
        lambda: client.insert(
            "platestream.inquire",
            [list(row.values()) for row in rows],
            column_names=names,
            column_type_names=[TYPES[name] for name in names],
            settings={"async_insert": 0},
        ),
    )


def _read(client: Client, kind: str, inquiry: UUID, most: int | None = None) -> list[Row]:
    limit = "" if most is None else f" LIMIT {most:d}"
    try:
        answer = run(
            f"reading {kind}",
            lambda: client.query(
                _VIEWS[kind] + limit, parameters={"inquiry": inquiry}, column_formats={"jpeg": "bytes"}
            ),
        )
    except DatabaseError as error:
        if error.code == THROWN:
            _refuse(client, inquiry)
            raise RefusedInquiry(BEYOND) from None
        raise
    return list(answer.named_results())
