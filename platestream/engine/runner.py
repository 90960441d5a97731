"""chDB connections: one for each request, with account and roles fixed before the client's statement runs.

A new connection costs 0.3 ms and leaves nothing behind. It first stores the account and query id in
`log_comment` and takes the account's profile and roles, then a profile in which `log_comment` cannot be
changed. Only then do the client's settings and its statement follow. Views read the account from
`log_comment` (`platestream.caller`).
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import chdb

from platestream.engine.configuration import SIGNED_IN
from platestream.engine.errors import EngineError
from platestream.engine.statement_checks import StatementChecks
from platestream.engine.statements import Token, make_tokens

# Statements whose tokens are cached: those of programs are short and repeated. A person's may have 256 KiB
# and a token for each character, and each token takes a hundred bytes.
CACHED_STATEMENTS, CACHED_CHARACTERS = 256, 2_000

# The statement as the engine formats it, and its tokens.
_PARSE = """
SELECT arrayMap(t -> (toString(t.3), substring(f, t.1 + 1, t.2 - t.1)), tokenizeQuery(f))
FROM (SELECT formatQuerySingleLine({sql:String}) AS f)
"""


@dataclass(frozen=True)
class Work:
    """The parts of a request besides its statement. `before` are the statements that its session stores."""

    account: str
    roles: tuple[str, ...]
    query_id: str
    profile: str = "default"
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    @property
    def comment(self) -> str:
        """The account and query id as JSON, as the views read them from `log_comment`."""
        return json.dumps({"account": self.account, "query_id": self.query_id})

    def opening(self, profile: Mapping[str, str]) -> Iterator[str]:
        """Yield the statements that set up a new connection for the account, in order.

        `profile` are the settings of its profile: SET profile applies constraints in chDB, but no values.
        """
        yield f"SET ROLE {', '.join(quote_name(role) for role in self.roles) or 'NONE'}"
        own = {"log_comment": self.comment, **{k: v for k, v in profile.items() if k != "readonly"}}
        yield _set(own)
        if self.profile != "default":
            yield f"SET profile = {quote_string(self.profile)}"
        yield f"SET profile = {quote_string(SIGNED_IN)}"
        if "readonly" in profile:
            yield _set({"readonly": profile["readonly"]})
        yield from self.before
        if self.database:
            yield f"USE {quote_name(self.database)}"
        if self.settings:  # readonly last, because it may forbid the others
            yield _set(dict(sorted(self.settings.items(), key=lambda item: item[0] == "readonly")))


@dataclass(frozen=True)
class Summary:
    """The effect of a statement: rows, bytes and nanoseconds."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_ns: int = 0


class Runner:
    """The engine of this process. All methods block and are thread-safe."""

    def __init__(self, folder: Path, config: Path, profiles: Mapping[str, Mapping[str, str]]) -> None:
        self._profiles = profiles
        self._target = f"{folder}?config-file={config}"
        self._lock = threading.Lock()
        self._own = self._connect()  # keeps the engine open between requests
        self.version = self.value("SELECT version()")
        self.timezone = self.value("SELECT serverTimeZone()")
        functions = self.value(
            "SELECT groupArray(lower(name)) FROM system.table_functions FORMAT JSONCompactEachRow"
        )
        storage = self.value(
            "SELECT groupArray(name) FROM system.merge_tree_settings FORMAT JSONCompactEachRow"
        )
        self.checks = StatementChecks(frozenset(json.loads(functions)[0]), frozenset(json.loads(storage)[0]))
        self._kept = lru_cache(maxsize=CACHED_STATEMENTS)(self._tokens)

    def close(self) -> None:
        self._own.close()

    def run(self, work: Work, sql: str) -> Summary:
        """Run one statement. Raises EngineError with the engine's code."""
        with self._opened(work) as connection:
            try:
                return _summary(_query(connection, sql, dict(work.parameters)))
            except EngineError as error:
                raise error.for_account(work.account) from None

    def cancel(self, work: Work) -> None:
        """Ask the engine to end the statement of `work`; returns at once."""
        with self._lock:
            sql = f"KILL QUERY WHERE Settings['log_comment'] = {quote_string(work.comment)} ASYNC"
            _query(self._own, sql, {})

    def tokens(self, sql: str) -> tuple[Token, ...]:
        """Return the tokens of one statement as the engine formats it.

        Raises EngineError if it cannot be parsed.
        """
        return self._kept(sql) if len(sql) <= CACHED_CHARACTERS else self._tokens(sql)

    def _tokens(self, sql: str) -> tuple[Token, ...]:
        with self._lock:
            answer = _query(self._own, _PARSE + "FORMAT JSONCompactEachRow", {"sql": escape_parameter(sql)})
        ((pairs,),) = [json.loads(answer.bytes())]
        return make_tokens(pairs)

    @contextmanager
    def _opened(self, work: Work) -> Iterator[Any]:
        connection = self._connect()
        try:
            for sql in work.opening(self._profiles.get(work.profile, {})):
                _query(connection, sql, {})
            yield connection
        finally:
            connection.close()

    def _connect(self) -> Any:
        return chdb.connect(self._target)

    def value(self, sql: str) -> str:
        """Return the result of an internal statement as text. Raises EngineError."""
        with self._lock:
            return str(_query(self._own, sql, {}).bytes().decode()).strip()

    def run_internal(self, sql: str, *before: str) -> None:
        """Run an internal statement on a new connection, after the statements `before`.

        Raises EngineError.
        """
        connection = self._connect()
        try:
            for one in (*before, sql):
                _query(connection, one, {})
        finally:
            connection.close()


def _set(settings: Mapping[str, str]) -> str:
    return "SET " + ", ".join(
        f"{quote_name(name)} = {quote_string(value)}" for name, value in settings.items()
    )


def quote_string(text: str) -> str:
    """Return an SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(text: str) -> str:
    """Return an SQL name."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def escape_parameter(text: str) -> str:
    """Return the value of a parameter, which the engine reads as a field of TabSeparated."""
    for plain, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(plain, written)
    return text


def _query(connection: Any, sql: str, parameters: dict[str, str]) -> Any:
    try:
        return connection.query(sql, "TSV", params=parameters)
    except UnicodeDecodeError as error:  # a message with binary data
        raise EngineError.from_engine(error.object.decode(errors="replace")) from None
    except (RuntimeError, ValueError) as error:
        raise EngineError.from_engine(str(error)) from None


def _summary(result: Any) -> Summary:
    return Summary(
        read_rows=int(result.rows_read()),
        read_bytes=int(result.bytes_read()),
        written_rows=int(getattr(result, "rows_written", lambda: 0)()),
        written_bytes=int(getattr(result, "bytes_written", lambda: 0)()),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
