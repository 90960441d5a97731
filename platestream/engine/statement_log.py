"""Log of the statements that clients ran: account, time, tables, and the inquiries that opened views.

Rows are written to `platestream.statements` every few seconds. A statement that names tables behind the gate
is written before it runs, so that killing this process hides none. Once an hour, and at the end, the digest
of the new rows is logged in the inquiry log as an automatic act, where it is sealed and published like any
act.
"""

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from platestream.clickhouse import migrate
from platestream.engine.errors import EngineError
from platestream.engine.named_tables import named_tables, verb
from platestream.engine.plan import Plan
from platestream.engine.runner import Runner, Summary, quote_string
from platestream.engine.statements import Kind, join_tokens
from platestream.schemas.statement import (
    ACT,
    OTHER,
    SENSITIVE_TABLES,
    SERVICE_ACCOUNTS,
    EngineStatement,
    add,
)

ACCOUNT = "platestream_engine"
FLUSH_SECONDS = 5.0  # seconds between writes
ANCHOR_INTERVAL = timedelta(hours=1)
MAX_WAITING_ROWS = 20_000
"""Limit of waiting rows while the table cannot be written; beyond it no statement may bypass the gate."""
NO_SPACE = 243
_COLUMNS = ", ".join(EngineStatement._fields)
_HEAD = f"""
SELECT {_COLUMNS} FROM platestream.statements WHERE number > (
    SELECT max(toUInt64OrZero(splitByChar('-', about)[2])) FROM platestream.inquiry_log
    WHERE kind = '{ACT}' AND account = '{ACCOUNT}' AND outcome = 'allowed'
      AND at > (SELECT max(at) FROM platestream.inquiry_log WHERE kind = 'restore' AND outcome = 'allowed'))
ORDER BY number
"""  # noqa: S608 - our own names
_LAST = "SELECT max(number) FROM platestream.statements"
_EXISTS = "EXISTS TABLE platestream.statements"

logger = logging.getLogger(__name__)


class StatementLog:
    """The log of one engine; all methods are thread-safe. `now` gives the time, UTC."""

    def __init__(self, runner: Runner, starter: str, now: Callable[[], datetime] | None = None) -> None:
        self._runner, self._starter = runner, starter
        self._now = now or (lambda: datetime.now(UTC))
        self._lock = threading.Lock()
        self._waiting: list[EngineStatement] = []
        self._number: int | None = None  # number of the last row; None until the table was read
        self._first = 1
        self._digest = hashlib.sha256()
        self._anchored = time.monotonic()
        self._ended = threading.Event()
        self._release: frozenset[str] = frozenset()  # SHA-256 of its statements; empty until they are needed
        self._thread = threading.Thread(target=self._run, name="statement-log", daemon=True)
        self._thread.start()

    @contextmanager
    def logged(self, made: Plan) -> Iterator[Callable[[Summary], None]]:
        """Log the statement that runs inside; call the yielded function with its summary.

        Raises EngineError if a statement that must be logged first cannot be.
        """
        seen = _row_of(made, self._now())
        if seen is None:
            yield lambda _summary: None
            return
        if made.statement.kind is not Kind.READ and self._is_other(made):
            seen = seen._replace(statement=f"{OTHER}{seen.statement}")
        ahead = bool(set(seen.tables) & set(SENSITIVE_TABLES)) and seen.account not in SERVICE_ACCOUNTS
        if ahead:
            self._add(seen)
            self._write_ahead()
        rows = 0

        def done(summary: Summary) -> None:
            nonlocal rows
            rows = summary.read_rows

        try:
            yield done
        except EngineError as error:
            self._add(seen._replace(state="failed", code=error.code))
            raise
        self._add(seen._replace(state="done", read_rows=rows))

    def _is_other(self, made: Plan) -> bool:
        """Return whether an account that may define views runs a statement that is none of this release's
        migrations and views.
        """
        if not made.owner or made.work.account in SERVICE_ACCOUNTS:
            return False
        if not self._release:
            formatted = (join_tokens(self._runner.tokens(text)) for text in migrate.texts())
            self._release = frozenset(map(_sha256, formatted))
        return _sha256(made.statement.text) not in self._release

    def close(self) -> None:
        """Write the waiting rows and their digest."""
        self._ended.set()
        self._thread.join(10)
        self._flush(anchor=True)

    def _add(self, row: EngineStatement) -> None:
        with self._lock:
            self._waiting.append(row._replace(at=self._now()))

    def _write_ahead(self) -> None:
        if not self._flush() and len(self._waiting) > MAX_WAITING_ROWS:
            raise EngineError(NO_SPACE, "the log of statements cannot be written, so this does not run")

    def _run(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            self._flush(anchor=time.monotonic() - self._anchored > ANCHOR_INTERVAL.total_seconds())

    def _flush(self, *, anchor: bool = False) -> bool:
        """Write the waiting rows. Returns whether none are left."""
        with self._lock:
            try:
                if self._number is None and not self._begin():
                    return False
                self._insert()
                if anchor:
                    self._anchor()
            except EngineError as error:  # its text may contain the query
                logger.error("the log of statements could not be written: code %d", error.code)
                return False
            return True

    def _begin(self) -> bool:
        """Continue after the last row, with those without a digest. Returns False while there is no table."""
        if self._runner.value(_EXISTS) != "1":
            return False
        self._number = int(self._runner.value(_LAST) or 0)
        left = [_row(line) for line in self._runner.value(f"{_HEAD} FORMAT JSONEachRow").splitlines()]
        self._first = left[0].number if left else self._number + 1
        for row in left:
            add(self._digest, row)
        self._anchored = -math.inf if left else time.monotonic()
        return True

    def _insert(self) -> None:
        if not self._waiting:
            return
        assert self._number is not None
        rows = [row._replace(number=number) for number, row in enumerate(self._waiting, self._number + 1)]
        lines = "\n".join(msgspec.json.encode(_written(row)).decode() for row in rows)
        self._runner.run_internal(
            f"INSERT INTO platestream.statements ({_COLUMNS}) FORMAT JSONEachRow {lines}"
        )
        for row in rows:
            add(self._digest, row)
        self._number = rows[-1].number
        self._waiting = []

    def _anchor(self) -> None:
        assert self._number is not None
        self._anchored = time.monotonic()
        if self._number < self._first:
            return
        act = {
            "inquiry_id": str(uuid4()),
            "kind": ACT,
            "tool": "platestream engine",
            "on_behalf_of": "engine",
            "automatic": 1,
            "set_off_by": self._starter,
            "other": f"{self._first}-{self._number}",
            "effect": self._digest.hexdigest(),
        }
        names = ", ".join(act)
        line = msgspec.json.encode(act).decode()
        comment = msgspec.json.encode({"account": ACCOUNT, "query_id": ""}).decode()
        self._runner.run_internal(
            f"INSERT INTO platestream.inquire ({names}) FORMAT JSONEachRow {line}",
            f"SET log_comment = {quote_string(comment)}",
        )
        self._first, self._digest = self._number + 1, hashlib.sha256()


def _row_of(made: Plan, at: datetime) -> EngineStatement | None:
    """Return the row of a statement that starts, without its number, or None.

    Statements without tables of `platestream` are not logged, nor those of the pipeline's accounts unless
    they read plates or change stored data.
    """
    if made.statement.kind in (Kind.SESSION, Kind.KILL):
        return None
    work, tokens = made.work, made.statement.tokens
    tables = named_tables(tokens, _database(made), work.parameters)
    does = verb(tokens)
    if not tables or (
        work.account in SERVICE_ACCOUNTS and (does == "INSERT" or not set(tables) & set(SENSITIVE_TABLES))
    ):
        return None
    found = _inquiries(made)
    return EngineStatement(
        0, at, work.account, list(work.roles), work.query_id, does, tables, found, "started", 0, 0
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _database(made: Plan) -> str:
    """Return the current database.

    It is `platestream` if none is named, because a session's USE may have set it.
    """
    return made.work.database or "platestream"


def _inquiries(made: Plan) -> list[UUID]:
    """Return the ids that could open views: the UUIDs in the statement's text and parameters."""
    texts = [token.text[1:-1] for token in made.statement.tokens if token.type == "StringLiteral"]
    found: dict[UUID, None] = {}
    for text in (*texts, *made.work.parameters.values()):
        if len(text) == 36:
            try:
                found[UUID(text)] = None
            except ValueError:
                continue
    return list(found)[:100]


def _written(row: EngineStatement) -> dict[str, object]:
    at = row.at.strftime("%Y-%m-%d %H:%M:%S.%f")
    return {**row._asdict(), "at": at, "inquiries": [str(one) for one in row.inquiries]}


def _row(line: str) -> EngineStatement:
    fields = msgspec.json.decode(line)
    at = datetime.strptime(fields["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    ids = [UUID(one) for one in fields["inquiries"]]
    number, rows = int(fields["number"]), int(fields["read_rows"])
    return EngineStatement(**{**fields, "number": number, "at": at, "inquiries": ids, "read_rows": rows})
