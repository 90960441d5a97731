"""A client of the inquiry gate: first the inquiry is written, then the view that it opens is read.

What is searched stands in the inquiry's row, stamped and judged by the database
(`clickhouse/migrations/0005_inquiry_log.sql`), so nothing here can look at more than was logged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DatabaseError, run

Row = dict[str, Any]
Recorded = Literal["hotlist", "export", "evidence", "audit", "retention"]

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
}
THROWN = 395
INSTANT = timedelta(milliseconds=1)

_VERDICT = "SELECT outcome, refusal FROM platestream.verdict(inquiry = {inquiry:UUID})"
_VIEWS = {
    "search": "SELECT * FROM platestream.search(inquiry = {inquiry:UUID}) ORDER BY captured_at DESC",
    "hits": "SELECT * FROM platestream.hits(inquiry = {inquiry:UUID}) ORDER BY captured_at DESC",
    "picture": "SELECT * FROM platestream.picture(inquiry = {inquiry:UUID}) ORDER BY kind",
}


class RefusedInquiry(Exception):  # noqa: N818 - a refusal is an answer, and it is in the log
    """The gate logged the inquiry as refused; says by which rule."""


class DamagedPicture(Exception):  # noqa: N818
    """A picture is not the one that was stored: its hash differs."""


def search(
    client: Client,
    *,
    who: str = "",
    agency: str = "",
    tool: str = "",
    case_number: str = "",
    reason: str = "",
    pattern: str = "",
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Row]:
    """Detections as dicts by column, newest first.

    `pattern` is a plate, `*` standing for any characters and `?` for one, O and 0 counting as one; empty is
    every plate. No `cameras` means all; without `since` the last 30 days, without `until` up to now. `who` is
    for accounts that speak for people and left empty by all others. `client` needs the analyst's role.

    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone, and DatabaseError.
    """
    return _look(
        client,
        "search",
        on_behalf_of=who,
        agency=agency,
        tool=tool,
        case_number=case_number,
        reason=reason,
        pattern=pattern,
        cameras=list(cameras),
        since=since,
        until=until,
    )


def hits(
    client: Client,
    *,
    who: str = "",
    agency: str = "",
    tool: str = "",
    case_number: str = "",
    reason: str = "",
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Row]:
    """Alert hits as dicts by column, newest first; `pattern` is of the plate as read. Else as `search`."""
    return _look(
        client,
        "hits",
        on_behalf_of=who,
        agency=agency,
        tool=tool,
        case_number=case_number,
        reason=reason,
        pattern=pattern,
        other="" if hit_id is None else str(hit_id),
        cameras=list(cameras),
        since=since,
        until=until,
    )


def picture(
    client: Client,
    *,
    detection_id: UUID,
    captured_at: datetime,
    who: str = "",
    agency: str = "",
    tool: str = "",
    case_number: str = "",
    reason: str = "",
) -> dict[str, bytes]:
    """The pictures of a detection by kind (`crop`, `vehicle`), JPEG; empty when there are none any more.

    Raises RefusedInquiry, DamagedPicture where a picture's hash differs, and DatabaseError.
    """
    rows = _look(
        client,
        "picture",
        on_behalf_of=who,
        agency=agency,
        tool=tool,
        case_number=case_number,
        reason=reason,
        other=str(detection_id),
        since=captured_at - INSTANT,
        until=captured_at + INSTANT,
    )
    for row in rows:
        if sha256(row["jpeg"]).digest() != row["sha256"]:
            raise DamagedPicture(f"{row['kind']} of detection {detection_id}")
    return {row["kind"]: row["jpeg"] for row in rows}


def record(
    client: Client,
    *,
    kind: Recorded,
    who: str = "",
    agency: str = "",
    tool: str = "",
    case_number: str = "",
    reason: str = "",
    other: str = "",
) -> UUID:
    """Put an event on record that opens no view; the id of its row, judged and sealed like any other.

    `other` says what it was about: an entry of the hot list, a file, a draw; never a plate, and 64 characters
    of it are kept. To be called before the event, which must not happen when this raises: RefusedInquiry when
    the rules refuse it, and DatabaseError. `client` needs a role that may write `inquire`.
    """
    inquiry = uuid4()
    _ask(
        client,
        {
            "inquiry_id": inquiry,
            "kind": kind,
            "on_behalf_of": who,
            "agency": agency,
            "tool": tool,
            "case_number": case_number,
            "reason": reason,
            "other": other,
        },
    )
    _refuse(client, inquiry)
    return inquiry


def _look(client: Client, kind: str, **asked: Any) -> list[Row]:
    inquiry = uuid4()
    _ask(client, {"inquiry_id": inquiry, "kind": kind, **asked})
    _refuse(client, inquiry)
    return _read(client, kind, inquiry)


def _refuse(client: Client, inquiry: UUID) -> None:
    """Raises RefusedInquiry unless the inquiry is in the log as allowed."""
    found = run("reading the verdict", lambda: client.query(_VERDICT, parameters={"inquiry": inquiry}))
    if len(found.result_rows) != 1:
        raise RefusedInquiry("the inquiry did not reach the log")
    outcome, refusal = found.result_rows[0]
    if outcome != "allowed":
        raise RefusedInquiry(refusal)


def _ask(client: Client, asked: Mapping[str, Any]) -> None:
    """Write the inquiry; what is None is left to the table's default."""
    given = {name: value for name, value in asked.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
    run(
        "writing the inquiry",
        lambda: client.insert(
            "platestream.inquire",
            [list(given.values())],
            column_names=list(given),
            column_type_names=[TYPES[name] for name in given],
            settings={"async_insert": 0},
        ),
    )


def _read(client: Client, kind: str, inquiry: UUID) -> list[Row]:
    try:
        answer = run(
            f"reading {kind}",
            lambda: client.query(
                _VIEWS[kind], parameters={"inquiry": inquiry}, column_formats={"jpeg": "bytes"}
            ),
        )
    except DatabaseError as error:
        if error.code == THROWN:
            raise RefusedInquiry("the gate found no valid inquiry") from None
        raise
    return list(answer.named_results())
