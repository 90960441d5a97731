"""Client of the inquiry gate: it writes the inquiry first, and then reads the view that the inquiry opens.

The inquiry's row has the search itself, stamped and judged by the database (`clickhouse/views/gate.sql`), so
nothing here can see more than was logged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import DatabaseError, run

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
"""Default of the most different vehicles that an inquiry shows (clickhouse/views/gate.sql)."""
MOST_VEHICLES = 10_000
"""Most vehicles that an inquiry can ask for."""
MOST_DESCRIBED = 200
"""Most characters of the description in a search."""
BEYOND = "more vehicles than are shown in 24 hours were asked for at once, or this inquiry is ten minutes old"
INSTANT = timedelta(milliseconds=1)
MEETING = timedelta(seconds=60)

_RECEIVED = (
    "SELECT outcome, refusal, about, change, superseded FROM platestream.received(inquiry = {inquiry:UUID})"
)
_VERDICT = "SELECT outcome, refusal FROM platestream.verdict(inquiry = {inquiry:UUID})"
_ORDER = {  # of passes down to the id, so that pages neither repeat nor skip one
    "search": "captured_at DESC, detection_id",
    "sightings": "captured_at DESC, detection_id",
    "fuzzy": "indexOf(['same', 'look_alike', 'one_edit'], match), captured_at DESC, detection_id",
    "cotravel": "captured_at DESC, detection_id, other_captured_at, other_detection_id",
    "companions": "meetings DESC, cameras_met DESC, plate",
    "hits": "captured_at DESC",
    "picture": "kind",
    "holdable": "captured_at, detection_id",
}
_VIEWS = {
    view: f"SELECT * FROM platestream.{view}(inquiry = {{inquiry:UUID}}) ORDER BY {order}"  # noqa: S608 - ours
    for view, order in _ORDER.items()
}
_HIT_LIST = (
    "SELECT * FROM platestream.hit_list(inquiry = {{inquiry:UUID}}, historical = {}, most = {})"
    " ORDER BY captured_at DESC, hit_id"
)
_LEFT_OUT = "SELECT passes FROM platestream.left_out(inquiry = {{inquiry:UUID}}, kind = '{}')"
EVERY = 2**32 - 1
STEP = (
    *("action_id", "at", "by", "kind", "case_number", "mvd_result", "actionable", "note", "checked_with"),
    *("result", "confused", "stopped"),
)


class ActorDocumentation(TypedDict, total=False):
    """The person and the documentation of an inquiry; the rules say which of it is required.

    `who` is only for accounts that speak for people. `purpose` is one of the agency's, where it lists them,
    and `violation` the investigated violation, where the purpose requires one; `requester` and `legal_basis`
    document a request from outside of law enforcement. `automatic` marks an act of a system job, set off by
    the person `set_off_by`, and is only for service accounts. `change` is the state before and after an act;
    `refuse` is a rule of the caller that forbids the act, which is then logged as refused. `effect` is the
    SHA-256 of the record that the act writes. `fields` are the words of a hot list entry that section H asks
    for, by name, which the gate judges. `vehicles` is the number of different vehicles that a search shows at
    most, and counts for; without it the gate chooses. `inquiry_id` is the id of a search, for a caller who
    names it later; without it a new one is made.
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
    inquiry_id: UUID


class RefusedInquiry(Exception):  # noqa: N818 - a refusal is an answer, and it is in the log
    """Error for an inquiry that the gate logged as refused; its text is the rule."""


class RepeatedRequest(RefusedInquiry):
    """Error for a partner's request that came before; it is not repeated, and has its row already."""


class DamagedPicture(Exception):  # noqa: N818
    """Error for a picture whose hash differs from the stored one."""


def search(
    client: Client,
    *,
    pattern: str = "",
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    described: str = "",
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Search detections; return dicts by column, newest first.

    `pattern` is a plate in which `*` matches any characters and `?` one character, with O and 0 as one; empty
    is every plate. No `cameras` means all; the default of `since` is 30 days ago and of `until` now.
    `described` limits the result to vehicles of a description, for example `colour=white;body=pickup`, of at
    most `MOST_DESCRIBED` characters (clickhouse/views/misfit.part). `client` needs the analyst's role.
    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone, and DatabaseError.
    """
    asked = {"pattern": pattern, "other": described, "cameras": list(cameras)}
    return _search(client, "search", why, **asked, since=since, until=until)


class Holdable(NamedTuple):
    """A detection that a search found, as evidence would hold it: the SHA-256 of its record, and its pictures
    with kind, SHA-256 and whether the stored bytes have that hash. Hashes are 64 hex digits. `cut`: more may
    match.
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
    **why: Unpack[ActorDocumentation],
) -> tuple[UUID, list[Holdable]]:
    """Search as `search` does, for evidence; return the id of the inquiry, and the hashes of its results."""
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
    described: str = "",
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Return all detections of 1 to 20 cameras in 7 days at most, newest first; more is refused. Else as
    `search`.
    """
    asked = {"pattern": pattern, "other": described, "cameras": list(cameras)}
    return _search(client, "sightings", why, **asked, since=since, until=until)


def fuzzy(
    client: Client,
    *,
    plate: str,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    described: str = "",
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Search plates that look like `plate` (4 to 8 characters) or differ from it by one character.

    A row's `match` is `same`, `look_alike` or `one_edit` (one added, lost, changed, or two swapped), in this
    order. Else as `search`.
    """
    asked = {"pattern": plate, "other": described, "cameras": list(cameras)}
    return _search(client, "fuzzy", why, **asked, since=since, until=until)


def left_out(client: Client, kind: str, inquiry: UUID) -> int:
    """Return how many passes a search with a description left out, because a described feature is unknown.
    Raises as `read_again`.
    """
    return int(_rows(client, kind, _LEFT_OUT.format(kind), inquiry)[0]["passes"])


def cotravel(
    client: Client,
    *,
    plate: str,
    other_plate: str,
    within: timedelta = MEETING,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Return the passes of two plates at the same camera within this time (1 s to an hour), newest first."""
    asked = {"pattern": plate, "other": other_plate, "within_s": round(within.total_seconds())}
    return _search(client, "cotravel", why, **asked, cameras=list(cameras), since=since, until=until)


def companions(
    client: Client,
    *,
    plate: str,
    within: timedelta = MEETING,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Return other plates that met `plate` twice or more at a camera, those with the most meetings first."""
    asked = {"pattern": plate, "within_s": round(within.total_seconds())}
    return _search(client, "companions", why, **asked, cameras=list(cameras), since=since, until=until)


def hits(
    client: Client,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Return alert hits as dicts by column, newest first; `pattern` is of the plate as read. Else as
    `search`.
    """
    other = "" if hit_id is None else str(hit_id)
    asked = {"pattern": pattern, "other": other, "cameras": list(cameras)}
    return _search(client, "hits", why, **asked, since=since, until=until)


def hit_list(
    client: Client,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    most: int | None = None,
    historical: bool | None = None,
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Return the newest `most` alert hits as `hits` does. `historical` limits them to finds of look-backs, or
    to alerts.

    A row has two more columns: `steps`, dicts of the steps recorded on the hit, oldest first, and `recorded`,
    which changes with each step recorded on any hit.
    """
    inquiry = uuid4()
    other = "" if hit_id is None else str(hit_id)
    asked = {"pattern": pattern, "other": other, "cameras": list(cameras), "since": since, "until": until}
    _ask(client, inquiry, "hits", why, asked)
    listed = [0, 1] if historical is None else [int(historical)]
    rows = _rows(client, "hits", _HIT_LIST.format(listed, EVERY if most is None else int(most)), inquiry)
    for row in rows:
        row["steps"] = [dict(zip(STEP, step, strict=True)) for step in row["steps"]]
    return rows


def picture(
    client: Client,
    *,
    detection_id: UUID,
    captured_at: datetime,
    cameras: Sequence[str] = (),
    **why: Unpack[ActorDocumentation],
) -> dict[str, bytes]:
    """Return the pictures of a detection by kind (`crop`, `vehicle`), JPEG; empty when there are none any
    more.

    Raises RefusedInquiry, DamagedPicture where a picture's hash differs, and DatabaseError.
    """
    rows = _search(
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


class RemoteRequest(TypedDict, total=False):
    """A request to another agency; no view opens by it here."""

    pattern: str
    cameras: Sequence[str]
    since: datetime | None
    until: datetime | None


class Partner(TypedDict):
    """The author of another agency's signed request: `who` as that agency names them, `partner` the agency in
    our registry, `agency` its own short name, and the day of training that it asserts.
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
    elsewhere: RemoteRequest | None = None,
    inquiry: UUID | None = None,
    **why: Unpack[ActorDocumentation],
) -> UUID:
    """Log an act that opens no view; return the id of its row, which is judged and sealed like any other.

    `kind` is an act of `platestream.schemas.acts`. `other` is its subject: an entry of the hot list, a file,
    a draw; never a plate, and at most 64 characters are stored. Call it before the act, which must not happen
    when this raises: RefusedInquiry when the rules refuse it, and DatabaseError. `inquiry` is the row's id
    where it counts once, such as that of a message. Only `platestream.access.door` and the ledger call it.
    """
    inquiry = inquiry or uuid4()
    _ask(client, inquiry, kind, why, {"other": other, **(elsewhere or {})})
    _refuse(client, inquiry)
    return inquiry


def search_for_partner(
    client: Client,
    inquiry: UUID,
    kind: str,
    partner: Partner,
    asked: Mapping[str, Any],
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Search for a person of another agency: return rows of `search`, `fuzzy`, `sightings` or `picture`.

    `inquiry` is the id that the request was signed with. A second request with it shows nothing, because a
    view opens only by an id that the log has once. Raises AskedBefore, RefusedInquiry, DamagedPicture and
    DatabaseError.
    """
    if was_requested(client, inquiry):
        raise RepeatedRequest("this request was sent before")
    _ask(client, inquiry, kind, {**why, **partner}, asked)  # type: ignore[typeddict-unknown-key]
    _refuse(client, inquiry)
    return _undamaged(_read(client, kind, inquiry)) if kind == "picture" else _read(client, kind, inquiry)


def record_for_partner(
    client: Client, inquiry: UUID, kind: str, partner: Partner, other: str, **why: Unpack[ActorDocumentation]
) -> None:
    """Log an act of another agency's person that opens no view, judged as their searches are.

    `inquiry` is the id that the request was signed with. Raises AskedBefore, RefusedInquiry and
    DatabaseError.
    """
    if was_requested(client, inquiry):
        raise RepeatedRequest("this request was sent before")
    _ask(client, inquiry, kind, {**why, **partner}, {"other": other})  # type: ignore[typeddict-unknown-key]
    _refuse(client, inquiry)


class Received(NamedTuple):
    """The outcome of another agency's message, from the row of its first receipt. `superseded`: its entry was
    changed or removed since.
    """

    outcome: str
    refusal: str
    about: str
    change: str
    superseded: bool


def received(client: Client, inquiry: UUID) -> Received | None:
    """Return the first receipt of a BOLO with this id, however long ago. Raises DatabaseError."""
    found = run("reading receipts", lambda: client.query(_RECEIVED, parameters={"inquiry": inquiry}))
    return Received(*found.result_rows[0]) if found.result_rows else None


def was_requested(client: Client, inquiry: UUID) -> bool:
    """Return whether the log of the last minutes has this id. Raises DatabaseError."""
    found = run("reading the verdict", lambda: client.query(_VERDICT, parameters={"inquiry": inquiry}))
    return bool(found.result_rows)


def record_each(
    client: Client, *, kind: str, other: str, people: Sequence[str], **why: Unpack[ActorDocumentation]
) -> dict[str, str]:
    """Log one act for several people at once; return the rule that refused each, empty where allowed.

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
    verdicts = _verdicts(client, list(made))
    return {who: verdicts[one] for one, who in made.items()}


def record_several(
    client: Client, *, kind: str, subjects: Sequence[tuple[str, str, str]], **why: Unpack[ActorDocumentation]
) -> list[UUID]:
    """Log one act for several things at once, each with its subject, change and effect; return the ids of
    their rows.

    As `record` otherwise; raises RefusedInquiry where one of them is refused, and DatabaseError.
    """
    made = {uuid4(): one for one in subjects}
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


def record_acts(
    client: Client, acts: Sequence[tuple[str, str]], **why: Unpack[ActorDocumentation]
) -> list[UUID]:
    """Log several acts, each with its subject, by one statement; return the ids of their rows. As `record`
    otherwise; raises RefusedInquiry where one of them is refused, and DatabaseError.
    """
    made = {uuid4(): one for one in acts}
    rows = [
        {"inquiry_id": one, "kind": kind, **_reasons(why), "other": other}
        for one, (kind, other) in made.items()
    ]
    _write(client, rows)
    for refusal in _verdicts(client, list(made)).values():
        if refusal:
            raise RefusedInquiry(refusal)
    return list(made)


def record_entries(
    client: Client, *, kind: str, about: Sequence[str], whys: Sequence[ActorDocumentation]
) -> list[str]:
    """Log one act for several things with their own documentation; return the rule that refused each, empty
    where allowed. All documentations have the same columns. Raises DatabaseError.
    """
    made = [uuid4() for _one in about]
    if not made:
        return []
    documented = zip(made, about, whys, strict=True)
    _write(
        client,
        [
            {"inquiry_id": one, "kind": kind, **_reasons(why), "other": other}
            for one, other, why in documented
        ],
    )
    verdicts = _verdicts(client, made)
    return [verdicts[one] for one in made]


def _verdicts(client: Client, inquiries: Sequence[UUID]) -> dict[UUID, str]:
    """Return the rule that refused each inquiry, empty where allowed."""
    asked = " UNION ALL ".join(
        f"SELECT '{one}' AS inquiry, outcome, refusal FROM platestream.verdict(inquiry = '{one}')"  # noqa: S608
        for one in inquiries
    )
    rows = run("reading the verdicts", lambda: client.query(asked)).result_rows
    verdicts = {UUID(one): "" if outcome == "allowed" else refusal for one, outcome, refusal in rows}
    return {one: verdicts.get(one, "the inquiry did not reach the log") for one in inquiries}


def read_again(client: Client, kind: str, inquiry: UUID, skip: int = 0, most: int | None = None) -> list[Row]:
    """Return the rows of a search of this account in the last ten minutes again: what it showed, and nothing
    more; with `most`, so many after the first `skip`. Raises RefusedInquiry for any other id, and
    DatabaseError.
    """
    return _read(client, kind, inquiry, most, skip=skip)


def _search(client: Client, kind: str, why: ActorDocumentation, **parameters: Any) -> list[Row]:
    inquiry = why.get("inquiry_id") or uuid4()
    _ask(client, inquiry, kind, why, parameters)
    return _read(client, kind, inquiry)


def _refuse(client: Client, inquiry: UUID) -> None:
    """Raise RefusedInquiry unless the inquiry is in the log as allowed."""
    found = run("reading the verdict", lambda: client.query(_VERDICT, parameters={"inquiry": inquiry}))
    if len(found.result_rows) != 1:
        raise RefusedInquiry("the inquiry did not reach the log")
    outcome, refusal = found.result_rows[0]
    if outcome != "allowed":
        raise RefusedInquiry(refusal)


def _ask(
    client: Client, inquiry: UUID, kind: str, why: ActorDocumentation, request: Mapping[str, Any]
) -> None:
    """Write the inquiry; for None the table's default applies."""
    given = {"inquiry_id": inquiry, "kind": kind, **_reasons(why), **request}
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
    _write(client, [given])


def _reasons(why: ActorDocumentation) -> Row:
    return {"on_behalf_of" if name == "who" else name: value for name, value in why.items()}


def _write(client: Client, rows: Sequence[Row]) -> None:
    """Write inquiries that have the same columns, by one statement."""
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


def _read(client: Client, kind: str, inquiry: UUID, most: int | None = None, skip: int = 0) -> list[Row]:
    limit = "" if most is None else f" LIMIT {most:d} OFFSET {skip:d}"
    return _rows(client, kind, _VIEWS[kind] + limit, inquiry)


def _rows(client: Client, kind: str, sql: str, inquiry: UUID) -> list[Row]:
    try:
        answer = run(
            f"reading {kind}",
            lambda: client.query(sql, parameters={"inquiry": inquiry}, column_formats={"jpeg": "bytes"}),
        )
    except DatabaseError as error:
        if error.code == THROWN:
            _refuse(client, inquiry)
            raise RefusedInquiry(BEYOND) from None
        raise
    return list(answer.named_results())
