"""Client of the inquiry gate: it writes the inquiry first, and then reads the view that the inquiry opens.

The inquiry's row has the search itself, stamped and judged by the database (`clickhouse/views/gate.sql`), so
nothing here can see more than was logged.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Unpack
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.query import QueryResult

from platestream.access.inquire import (
    ActorDocumentation,
    Partner,
    RefusedInquiry,
    RepeatedRequest,
    reasons,
    require_allowed,
    was_requested,
    write,
)
from platestream.edges.clickhouse_client import DatabaseError, run
from platestream.keys.envelope import SealError
from platestream.keys.key_folder import KeyDestroyedError, Sealer
from platestream.keys.master import KeysError
from platestream.keys.pieces import open_picture

Row = dict[str, Any]
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
_BRIEF = {
    view: _VIEWS[view].replace("SELECT *", "SELECT * EXCEPT (alternatives, box, models)", 1)
    for view in ("search", "sightings", "fuzzy")
}
_HIT_LIST = (
    "SELECT {} FROM platestream.hit_list(inquiry = {{inquiry:UUID}}, historical = {}, most = {})"
    " ORDER BY captured_at DESC, hit_id"
)
_BRIEF_HITS = (
    "* EXCEPT (detection_id, latitude, longitude, confidence, match, differences, state_check, rank,"
    " likelihood, matched, case_number, reason, requested_by, contact, instructions, other, expires_at,"
    " silenced_for, agency, read_vehicle)"
)
_LEFT_OUT = "SELECT passes FROM platestream.left_out(inquiry = {{inquiry:UUID}}, kind = '{}')"
EVERY = 2**32 - 1
STEP = (
    *("action_id", "at", "by", "kind", "case_number", "mvd_result", "actionable", "note", "checked_with"),
    *("result", "confused", "stopped"),
)


class DamagedPicture(Exception):  # noqa: N818
    """Error for a picture whose hash differs from the stored one, or that cannot be opened."""


class Query(ActorDocumentation, total=False):
    """A search and its documentation. Fields that are left out are as in the table: all cameras, the last 30
    days.

    `pattern` is a plate in which `*` matches any characters and `?` one character, with O and 0 as one; empty
    is every plate. `other` is the second plate of `cotravel`, the id of one of `hits`, and else a description
    that limits the result to its vehicles, for example `colour=white;body=pickup`, of at most
    `MOST_DESCRIBED` characters (clickhouse/views/misfit.part). `within` is the time between the passes of
    `cotravel` and `companions`, 1 s to an hour.
    """

    pattern: str
    other: str
    within: timedelta
    cameras: Sequence[str]
    since: datetime | None
    until: datetime | None


def search(client: Client, view: str = "search", *, brief: bool = False, **asked: Unpack[Query]) -> list[Row]:
    """Search by a view of the gate; return dicts by column, newest first. `client` needs the view's role.

    - `search`: detections. A `brief` row has no `alternatives`, `box` and `models`, which take a quarter of
      the time; so of the next two.
    - `sightings`: all detections of 1 to 20 cameras in 7 days at most; more is refused.
    - `fuzzy`: plates that look like `pattern` (4 to 8 characters) or differ from it by one character. A row's
      `match` is `same`, `look_alike` or `one_edit` (one added, lost, changed, or two swapped), in this order.
    - `cotravel`: the passes of two plates at the same camera `within` this time.
    - `companions`: other plates that met `pattern` twice or more at a camera, those with the most meetings
      first.
    - `hits`: alert hits; `pattern` is of the plate as read.

    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone, and DatabaseError.
    """
    return _read(client, view, _inquire(client, view, asked), brief=brief)


def _inquire(client: Client, kind: str, asked: Query) -> UUID:
    """Write the inquiry of a search; return its id."""
    given: dict[str, Any] = {"pattern": "", "other": "", "cameras": (), **asked}
    inquiry: UUID = given.pop("inquiry_id", None) or uuid4()
    within: timedelta = given.pop("within", MEETING)
    if kind in ("cotravel", "companions"):
        given["within_s"] = round(within.total_seconds())
    write(client, inquiry, kind, {}, {**reasons(given), "cameras": list(given["cameras"])})
    return inquiry


class Holdable(NamedTuple):
    """A detection that a search found, as evidence would hold it: the SHA-256 of its record, and its pictures
    with kind, SHA-256, whether the stored bytes have that hash, and in hex the head of an encrypted one
    (`platestream.keys.pieces`), else an empty text. Hashes are 64 hex digits. `cut`: more may match.
    """

    detection_id: UUID
    captured_at: datetime
    sha256: str
    pictures: list[tuple[str, str, bool, str]]
    cut: bool


def holdable(client: Client, **asked: Unpack[Query]) -> tuple[UUID, list[Holdable]]:
    """Search as `search` does, for evidence; return the id of the inquiry, and the hashes of its results."""
    inquiry = _inquire(client, "search", asked)
    require_allowed(client, inquiry)
    return inquiry, [Holdable(**row) for row in _read(client, "holdable", inquiry)]


def left_out(client: Client, kind: str, inquiry: UUID) -> int:
    """Return how many passes a search with a description left out, because a described feature is unknown.
    Raises as `read_again`.
    """
    return int(_rows(client, kind, _LEFT_OUT.format(kind), inquiry)[0]["passes"])


class HitRows(NamedTuple):
    """Rows of alert hits by the names of their columns. The last two are `steps`, tuples of STEP that were
    recorded on the hit, oldest first, and `recorded`, which changes with each step recorded on any hit.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column. Without rows the client names no columns."""
        at = self.columns.index(name) if self.rows else 0
        return [row[at] for row in self.rows]


def hit_list(
    client: Client,
    *,
    most: int | None = None,
    historical: bool | None = None,
    brief: bool = False,
    **asked: Unpack[Query],
) -> HitRows:
    """Return the newest `most` alert hits of a search for `hits`. `historical` limits them to finds of
    look-backs, or to alerts. `brief` rows have the columns that a list shows.
    """
    inquiry = _inquire(client, "hits", asked)
    shown = _BRIEF_HITS if brief else "*"
    listed = [0, 1] if historical is None else [int(historical)]
    statement = _HIT_LIST.format(shown, listed, EVERY if most is None else int(most))
    answer = _answer(client, "hits", statement, inquiry)
    return HitRows(answer.column_names, answer.result_rows)


def picture(
    client: Client,
    *,
    detection_id: UUID,
    captured_at: datetime,
    keys: Sealer,
    **asked: Unpack[Query],
) -> dict[str, bytes]:
    """Return the pictures of a detection by kind (`crop`, `vehicle`), JPEG, opened by `keys`; empty when
    there are none any more, or the key of their hour is destroyed.

    Raises RefusedInquiry, DamagedPicture where a picture's hash differs, and DatabaseError.
    """
    asked |= {"since": captured_at - INSTANT, "until": captured_at + INSTANT, "other": str(detection_id)}
    rows = search(client, "picture", **asked)
    return {row["kind"]: row["jpeg"] for row in _opened(rows, keys)}


def _opened(rows: list[Row], keys: Sealer) -> Iterator[Row]:
    for row in rows:
        named = f"{row['kind']} of detection {row['detection_id']}"
        if sha256(row["jpeg"]).digest() != row["sha256"]:
            raise DamagedPicture(named)
        try:
            yield {**row, "jpeg": open_picture(keys, row["detection_id"], row["kind"], row["jpeg"])}
        except KeyDestroyedError:
            continue
        except (SealError, KeysError) as error:
            raise DamagedPicture(f"{named}: {error}") from None


def search_for_partner(
    client: Client,
    inquiry: UUID,
    kind: str,
    partner: Partner,
    asked: Mapping[str, Any],
    keys: Sealer,
    **why: Unpack[ActorDocumentation],
) -> list[Row]:
    """Search for a person of another agency: return rows of `search`, `fuzzy`, `sightings` or `picture`, the
    latter opened by `keys`.

    `inquiry` is the id that the request was signed with. A second request with it shows nothing, because a
    view opens only by an id that the log has once. Raises RepeatedRequest, RefusedInquiry, DamagedPicture and
    DatabaseError.
    """
    if was_requested(client, inquiry):
        raise RepeatedRequest("this request was sent before")
    write(client, inquiry, kind, {**why, **partner}, asked)  # type: ignore[typeddict-unknown-key]
    require_allowed(client, inquiry)
    rows = _read(client, kind, inquiry)
    return list(_opened(rows, keys)) if kind == "picture" else rows


def read_again(
    client: Client, kind: str, inquiry: UUID, skip: int = 0, most: int | None = None, *, brief: bool = False
) -> list[Row]:
    """Return the rows of a search of this account in the last ten minutes again: what it showed, and nothing
    more; with `most`, so many after the first `skip`. `brief` as in `search`. Raises RefusedInquiry for any
    other id, and DatabaseError.
    """
    return _read(client, kind, inquiry, most, skip, brief=brief)


def _read(
    client: Client, kind: str, inquiry: UUID, most: int | None = None, skip: int = 0, *, brief: bool = False
) -> list[Row]:
    limit = "" if most is None else f" LIMIT {most:d} OFFSET {skip:d}"
    statement = _BRIEF.get(kind, _VIEWS[kind]) if brief else _VIEWS[kind]
    return _rows(client, kind, statement + limit, inquiry)


def _rows(client: Client, kind: str, sql: str, inquiry: UUID) -> list[Row]:
    return list(_answer(client, kind, sql, inquiry).named_results())


def _answer(client: Client, kind: str, sql: str, inquiry: UUID) -> QueryResult:
    try:
        return run(
            f"reading {kind}",
            lambda: client.query(sql, parameters={"inquiry": inquiry}, column_formats={"jpeg": "bytes"}),
        )
    except DatabaseError as error:
        if error.code == THROWN:
            require_allowed(client, inquiry)
            raise RefusedInquiry(BEYOND) from None
        raise
