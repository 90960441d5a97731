"""Rows of the inquiry gate: an act, or the inquiry of a search, as it is written, and its verdict.

The database stamps and judges each row (`clickhouse/views/gate.sql`). `platestream.access.gate` reads the
views that an inquiry opens.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run
from platestream.schemas.gate_class import gate_table

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
_RECEIVED = (
    "SELECT outcome, refusal, about, change, superseded FROM platestream.received(inquiry = {inquiry:UUID})"
)
_VERDICT = "SELECT outcome, refusal FROM platestream.verdict(inquiry = {inquiry:UUID})"


class Documentation(TypedDict, total=False):
    """The documentation of an act; the order defines which fields each act needs.

    `purpose` is one of the agency's, where it lists them, and `violation` the investigated violation, where
    the purpose requires one; `requester` and `legal_basis` document a request from outside of law
    enforcement. `fields` are the words of a hot list entry that section H asks for, by name, which the gate
    judges. `vehicles` is the number of different vehicles that a search shows at most, and counts for;
    without it the gate chooses.
    """

    case_number: str
    reason: str
    purpose: str
    violation: str
    requester: str
    legal_basis: str
    agency: str
    fields: Mapping[str, str]
    vehicles: int


class ActorDocumentation(Documentation, total=False):
    """The person and the documentation of an inquiry; the rules say which of it is required.

    `who` is only for accounts that speak for people. `automatic` marks an act of a system job, set off by
    the person `set_off_by`, and is only for service accounts. `change` is the state before and after an act;
    `refuse` is a rule of the caller that forbids the act, which is then logged as refused. `effect` is the
    SHA-256 of the record that the act writes. `inquiry_id` is the id of a search, for a caller who names it
    later; without it a new one is made.
    """

    who: str
    tool: str
    automatic: bool
    set_off_by: str
    change: str
    refuse: str
    effect: str
    inquiry_id: UUID


class RefusedInquiry(Exception):  # noqa: N818 - a refusal is an answer, and it is in the log
    """Error for an inquiry that the gate logged as refused; its text is the rule."""


class RepeatedRequest(RefusedInquiry):
    """Error for a partner's request that came before; it is not repeated, and has its row already."""


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
    write(client, inquiry, kind, why, {"other": other, **(elsewhere or {})})
    require_allowed(client, inquiry)
    return inquiry


def record_for_partner(
    client: Client, inquiry: UUID, kind: str, partner: Partner, other: str, **why: Unpack[ActorDocumentation]
) -> None:
    """Log an act of another agency's person that opens no view, judged as their searches are.

    `inquiry` is the id that the request was signed with. Raises RepeatedRequest, RefusedInquiry and
    DatabaseError.
    """
    if was_requested(client, inquiry):
        raise RepeatedRequest("this request was sent before")
    write(client, inquiry, kind, {**why, **partner}, {"other": other})  # type: ignore[typeddict-unknown-key]
    require_allowed(client, inquiry)


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
    found = read_rows(client, "reading receipts", _RECEIVED, inquiry=inquiry)
    return Received(*found[0]) if found else None


def was_requested(client: Client, inquiry: UUID) -> bool:
    """Return whether the log of the last minutes has this id. Raises DatabaseError."""
    return bool(read_rows(client, "reading the verdict", _VERDICT, inquiry=inquiry))


def record_many(client: Client, acts: Sequence[tuple[str, str, ActorDocumentation]]) -> dict[UUID, str]:
    """Log several acts by one statement, each with its kind, subject and documentation; return the rule that
    refused each row, empty where allowed, by its id and in order.

    All documentations have the same columns. `client` is of an account that speaks for people where they
    name several. As `record` otherwise; raises DatabaseError.
    """
    made = {uuid4(): act for act in acts}
    if not made:
        return {}
    rows = [
        {"inquiry_id": one, "kind": kind, **reasons(why), "other": other}
        for one, (kind, other, why) in made.items()
    ]
    _write(client, rows)
    return _verdicts(client, list(made))


def record_all(client: Client, acts: Sequence[tuple[str, str, ActorDocumentation]]) -> list[UUID]:
    """Log several acts as `record_many` does; return the ids of their rows.

    Raises RefusedInquiry where one of them is refused, and DatabaseError.
    """
    verdicts = record_many(client, acts)
    for refusal in verdicts.values():
        if refusal:
            raise RefusedInquiry(refusal)
    return list(verdicts)


def _verdicts(client: Client, inquiries: Sequence[UUID]) -> dict[UUID, str]:
    """Return the rule that refused each inquiry, empty where allowed."""
    asked = " UNION ALL ".join(
        f"SELECT '{one}' AS inquiry, outcome, refusal FROM platestream.verdict(inquiry = '{one}')"  # noqa: S608
        for one in inquiries
    )
    rows = read_rows(client, "reading the verdicts", asked)
    verdicts = {UUID(one): "" if outcome == "allowed" else refusal for one, outcome, refusal in rows}
    return {one: verdicts.get(one, "the inquiry did not reach the log") for one in inquiries}


def require_allowed(client: Client, inquiry: UUID) -> None:
    """Raise RefusedInquiry unless the inquiry is in the log as allowed."""
    found = read_rows(client, "reading the verdict", _VERDICT, inquiry=inquiry)
    if len(found) != 1:
        raise RefusedInquiry("the inquiry did not reach the log")
    outcome, refusal = found[0]
    if outcome != "allowed":
        raise RefusedInquiry(refusal)


def write(
    client: Client, inquiry: UUID, kind: str, why: ActorDocumentation, request: Mapping[str, Any]
) -> None:
    """Write the inquiry; for None the table's default applies."""
    given = {"inquiry_id": inquiry, "kind": kind, **reasons(why), **request}
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
    _write(client, [given])


def reasons(why: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a documentation, where the person has another name."""
    return {"on_behalf_of" if name == "who" else name: value for name, value in why.items()}


def _write(client: Client, rows: Sequence[dict[str, Any]]) -> None:
    """Write inquiries that have the same columns, by one statement."""
    names = list(rows[0])
    run(
        "writing the inquiry",
        lambda: client.insert(
            gate_table(rows),
            [list(row.values()) for row in rows],
            column_names=names,
            column_type_names=[TYPES[name] for name in names],
            settings={"async_insert": 0},
        ),
    )
