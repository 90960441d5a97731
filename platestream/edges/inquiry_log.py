"""Inquiry log as a source: sealed in the database, then read in the order of its seals.

The chain is stored in the table `inquiry_seals` and not in the flow's state. A poll that is replayed after a
crash may see other rows than the first time, because some arrived in between, so a chain in the flow could
give one inquiry two numbers. Sealing therefore continues from the table's own head, and seals are one block,
which ClickHouse writes completely or not at all. A crash before the block leaves nothing; one after it leaves
seals that the next poll finds. Records that were read but not committed are read again from the number of
their seal, and are the same.

Only one process may seal at a time, so `check` is called before. Seals of two would show as faults in
`platestream.transparency_log.log_integrity`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from clickhouse_connect.driver.client import Client
from msgspec import UNSET

from platestream.edges.clickhouse_client import DatabaseError, run
from platestream.edges.rules_history import BEGINNING, read_history
from platestream.runtime.clock import PollSchedule
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.gate_rules import GATE_RULES, RulesInForce
from platestream.schemas.inquiry import FIRST, Inquiry, SealedInquiry, chain
from platestream.schemas.message import EndOfSnapshot

BATCH = 1000
POLL = timedelta(seconds=1)
MAX_FAILED_POLLS = 60  # consecutive failed polls, at most 10 s apart, before the flow fails
COLUMNS = Inquiry.__struct_fields__
SEAL_COLUMNS = ("seal", "entry", "inquiry_id", "at", "previous", "hash")
LOG = "platestream.inquiry_log"
SEAL_TYPES = ("UInt64", "UUID", "UUID", "DateTime64(6, 'UTC')", "String", "String")

_FIELDS = ", ".join(f"log.{name}" for name in COLUMNS)

# The search starts a day before the last seal, because a slow insert arrives with an older time than sealed
# rows. A row that is later still did not come through the gate: it stays unsealed, and verification finds it.
# A seal from the future, of a clock corrected since, must not hide new rows.
_HEAD = """
SELECT seal, hash, least(at, now64(6)) - INTERVAL 1 DAY
FROM platestream.inquiry_seals ORDER BY seal DESC LIMIT 1
"""
_UNSEALED = f"""
SELECT log.entry, {_FIELDS}
FROM (SELECT * FROM platestream.inquiry_log WHERE at > {{after:DateTime64(6, 'UTC')}}) AS log
LEFT ANTI JOIN (
    SELECT entry FROM platestream.inquiry_seals WHERE at > {{after:DateTime64(6, 'UTC')}}
) AS seals ON log.entry = seals.entry
ORDER BY log.at, log.inquiry_id, log.entry
LIMIT {{count:UInt32}}
"""  # noqa: S608 - names of our own columns

# A search that was counted before a crash is inserted again, and counts once.
_COUNT = """
INSERT INTO platestream.inquiry_shown (inquiry_id, at, counted_for, shown, less)
SELECT inquiry_id, at, counted_for, shown, less FROM platestream.vehicles_of(inquiry = {inquiry:UUID})
"""

_SEALS = """
SELECT seal, entry, inquiry_id, at, previous, hash
FROM platestream.inquiry_seals
WHERE seal >= {first:UInt64} ORDER BY seal LIMIT {count:UInt32}
"""

_ENTRIES = f"""
SELECT log.entry, {_FIELDS}
FROM {{log}} AS log
WHERE at BETWEEN {{{{first:DateTime64(6, 'UTC')}}}} AND {{{{last:DateTime64(6, 'UTC')}}}}
  AND entry IN {{{{entries:Array(UUID)}}}}
"""  # noqa: S608 - names of our own columns

logger = logging.getLogger(__name__)


class Seal(NamedTuple):
    """A row of `inquiry_seals`."""

    seal: int
    entry: UUID
    inquiry_id: UUID
    at: datetime
    previous: str
    hash: str


def seal_new(client: Client, count: int = BATCH, check: Callable[[], None] = lambda: None) -> int:
    """Seal at most `count` rows of the log that have no seal yet. Returns their number."""
    head = client.query(_HEAD).result_rows
    seal, last_hash, after = head[0] if head else _START
    rows = client.query(_UNSEALED, parameters={"after": after, "count": count}).result_rows
    if not rows:
        return 0
    check()
    sealed = chain(map(inquiry_of, rows), seal, last_hash)
    block = [
        (one.seal, row[0], one.inquiry.inquiry_id, one.inquiry.at, one.previous, one.hash)
        for row, one in zip(rows, sealed, strict=True)
    ]
    client.insert(
        "platestream.inquiry_seals",
        block,
        column_names=list(SEAL_COLUMNS),
        column_type_names=list(SEAL_TYPES),
        settings={"async_insert": 0},
    )
    return len(rows)


def count_shown(client: Client, inquiries: Iterable[Inquiry]) -> None:
    """Store how many vehicles recent searches really showed. Until then the reserved number counts."""
    for one in inquiries:
        if (
            one.kind in ("search", "sightings")
            and one.outcome == "allowed"
            and one.vehicles not in (UNSET, 1)
        ):
            client.command(_COUNT, parameters={"inquiry": one.inquiry_id}, settings={"async_insert": 0})


def readable_log(act: UUID) -> str:
    """Return the log as a person may read it: by one of their acts in the last hour (views/logged.sql)."""
    return f"platestream.logged(inquiry = '{act}')"


def read_seals(
    client: Client, first: int, count: int = BATCH, log: str = LOG
) -> list[tuple[Seal, list[Inquiry]]]:
    """Return at most `count` seals from number `first`, each with its rows of the log: one, unless altered.

    `log` is the table, which services may read directly, or `readable_log` of a person's act.
    """
    rows = client.query(_SEALS, parameters={"first": first, "count": count}).result_rows
    seals = [Seal(*row) for row in rows]
    if not seals:
        return []
    rows = client.query(
        _ENTRIES.format(log=log),
        parameters={
            "first": min(seal.at for seal in seals),
            "last": max(seal.at for seal in seals),
            "entries": [str(seal.entry) for seal in seals],
        },
    ).result_rows
    found: dict[UUID, list[Inquiry]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(inquiry_of(row))
    return [(seal, found.get(seal.entry, [])) for seal in seals]


class InquiryLogSource(FixedPartitionedSource[SealedInquiry | RulesInForce | EndOfSnapshot, int]):
    """Source that seals new rows, then reads from the seal number where the flow stopped.

    The gate's rules come first, all of them at every start, followed by the mark at their end. Each inquiry
    follows the rules that it was judged by.

    `client` needs the sealer's role. With `follow` it polls once a second, else it ends at the log's end. A
    seal whose row is gone is skipped: the copy then lacks that number, and verification reports it.
    """

    def __init__(
        self,
        client: Callable[[], Client],
        *,
        follow: bool = True,
        batch: int = BATCH,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._follow, self._batch, self._check = client, follow, batch, check

    def list_parts(self) -> list[str]:
        return ["log"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "InquiryLogPart":
        return InquiryLogPart(self._client, resume_state or 1, self._follow, self._batch, self._check)


class InquiryLogPart(StatefulSourcePartition[SealedInquiry | RulesInForce | EndOfSnapshot, int]):
    """The partition of the source. Its state is the number of the next seal."""

    def __init__(
        self,
        client: Callable[[], Client],
        position: int,
        follow: bool,
        batch: int,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._position, self._check = client, position, check
        self._follow, self._batch = follow, batch
        self._failed = 0
        self._ruled = BEGINNING
        self._marks = [EndOfSnapshot(GATE_RULES, 0, 1)]
        self._awake: datetime | None = None
        self._looks = PollSchedule()

    def next_batch(self) -> list[SealedInquiry | RulesInForce | EndOfSnapshot]:
        if self._awake is not None and datetime.now(UTC) < self._awake:
            return []
        try:
            more, items = run("following the inquiry log", self._poll)
        except DatabaseError as error:
            self._retry_or_fail(error)
            return []
        self._failed = 0
        self._awake = None if more or (items and not self._follow) else self._looks.for_long()
        if not more and not items and not self._follow:
            raise StopIteration
        return items

    def next_awake(self) -> datetime | None:
        due = self._looks.next(idle=self._awake is not None)
        return due if due is None or self._awake is None else min(due, self._awake)

    def snapshot(self) -> int:
        self._looks.epoch_ended()
        return self._position

    def _poll(self) -> tuple[bool, list[SealedInquiry | RulesInForce | EndOfSnapshot]]:
        """Return whether there may be more seals, and the items to send.

        Rules are read after the log, so those that an inquiry in it was judged by are available.
        """
        client = self._client()
        if seal_new(client, self._batch, self._check) < self._batch:
            meters.put(metrics.SEALED_UNTIL, to=datetime.now(UTC).timestamp())
        read = read_seals(client, self._position, self._batch)
        ruled = read_history(client, self._ruled)
        if ruled:
            self._ruled = ruled[-1].set_at
        count_shown(client, (one for _seal, rows in read for one in rows[:1] if one.at > _count_horizon()))
        if read:
            self._position = read[-1][0].seal + 1
        marks, self._marks = self._marks, []
        return len(read) >= self._batch, [*ruled, *marks, *_is_intact(read)]

    def _retry_or_fail(self, error: DatabaseError) -> None:
        self._failed += 1
        if not error.passing or self._failed > MAX_FAILED_POLLS:
            raise error
        logger.warning("inquiry log: attempt %d: %s", self._failed, error)
        self._awake = datetime.now(UTC) + min(self._failed * POLL, timedelta(seconds=10))


# Columns that were added later; an empty value means that the column did not exist.
_LATER = (
    *("within_s", "purpose", "requester", "legal_basis", "automatic", "set_off_by", "change"),
    *("violation", "declaration"),
    *("partner", "trained_on", "effect", "vehicles"),
)
_START = (0, FIRST, datetime(1970, 1, 1, tzinfo=UTC))


def inquiry_of(row: Sequence[Any]) -> Inquiry:
    """Return the inquiry of a row of `entry` and COLUMNS."""
    values = dict(zip(COLUMNS, row[1:], strict=True))
    for name in _LATER:
        values[name] = values[name] or UNSET
    return Inquiry(**{**values, "cameras": tuple(values["cameras"])})


def _count_horizon() -> datetime:
    """Return the time before which results are no longer counted, because some may be deleted by now."""
    return datetime.now(UTC) - timedelta(minutes=10)


def _is_intact(read: Iterable[tuple[Seal, list[Inquiry]]]) -> Iterator[SealedInquiry]:
    for seal, inquiries in read:
        for inquiry in inquiries[:1]:
            yield SealedInquiry(seal=seal.seal, previous=seal.previous, hash=seal.hash, inquiry=inquiry)
