"""chDB: a connection for each request, whose account and roles are fixed before the client's words reach it.

A new connection costs 0.3 ms and leaves nothing behind. It first says in `log_comment` who asks under which
query id, takes the account's profile and roles, then the profile after which `log_comment` cannot be changed.
Only then come the client's settings and its statement. Views read the account back (`platestream.caller`).
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

from connectors.engine.checks import Checks
from connectors.engine.configuration import SIGNED_IN
from connectors.engine.errors import EngineError
from connectors.engine.statements import Token, folded

# Statements whose tokens are kept: those of programs are short and come again and again. A person's may have
# 256 KiB, a token for each character, and each token takes a hundred bytes.
KEPT, KEPT_CHARACTERS = 256, 2_000

# The engine's own rewriting of a statement, and its tokens.
_PARSE = """
SELECT arrayMap(t -> (toString(t.3), substring(f, t.1 + 1, t.2 - t.1)), tokenizeQuery(f))
FROM (SELECT formatQuerySingleLine({sql:String}) AS f)
"""


@dataclass(frozen=True)
class Work:
    """What a request brings besides its statement. `before` are the statements its session remembers."""

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
        """What the engine is told of who asks: JSON, as the views read it."""
        return json.dumps({"account": self.account, "query_id": self.query_id})

    def opening(self, profile: Mapping[str, str]) -> Iterator[str]:
        """Statements that make a new connection this account's, in order.

        `profile` are the settings of its profile: SET profile takes constraints in chDB, and no values.
        """
        yield f"SET ROLE {', '.join(named(role) for role in self.roles) or 'NONE'}"
        own = {"log_comment": self.comment, **{k: v for k, v in profile.items() if k != "readonly"}}
        yield _set(own)
        if self.profile != "default":
            yield f"SET profile = {quoted(self.profile)}"
        yield f"SET profile = {quoted(SIGNED_IN)}"
        if "readonly" in profile:
            yield _set({"readonly": profile["readonly"]})
        yield from self.before
        if self.database:
            yield f"USE {named(self.database)}"
        if self.settings:  # readonly last: it may forbid the others
            yield _set(dict(sorted(self.settings.items(), key=lambda item: item[0] == "readonly")))


@dataclass(frozen=True)
class Summary:
    """What a statement did: rows and bytes, and nanoseconds."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_ns: int = 0


class Runner:
    """The engine of this process. All methods block and may be called from any thread."""

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
        self.checks = Checks(frozenset(json.loads(functions)[0]), frozenset(json.loads(storage)[0]))
        self._kept = lru_cache(maxsize=KEPT)(self._tokens)

    def close(self) -> None:
        self._own.close()

    def run(self, work: Work, sql: str) -> Summary:
        """Run one statement. Raises EngineError with the engine's code."""
        with self._opened(work) as connection:
            try:
                return _summary(_query(connection, sql, dict(work.parameters)))
            except EngineError as error:
                raise error.told_to(work.account) from None

    def cancel(self, work: Work) -> None:
        """Ask the engine to end what `work` runs; returns at once."""
        with self._lock:
            sql = f"KILL QUERY WHERE Settings['log_comment'] = {quoted(work.comment)} ASYNC"
            _query(self._own, sql, {})

    def tokens(self, sql: str) -> tuple[Token, ...]:
        """Of one statement, as the engine writes it. Raises EngineError where it cannot be parsed."""
        return self._kept(sql) if len(sql) <= KEPT_CHARACTERS else self._tokens(sql)

    def _tokens(self, sql: str) -> tuple[Token, ...]:
        with self._lock:
            answer = _query(self._own, _PARSE + "FORMAT JSONCompactEachRow", {"sql": escaped(sql)})
        ((pairs,),) = [json.loads(answer.bytes())]
        return folded(pairs)

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
        """Return the answer to a statement of the engine's own, as text. Raises EngineError."""
        with self._lock:
            return str(_query(self._own, sql, {}).bytes().decode()).strip()

    def own(self, sql: str, *before: str) -> None:
        """Run a statement of the engine's own on a new connection, behind `before`. Raises EngineError."""
        connection = self._connect()
        try:
            for one in (*before, sql):
                _query(connection, one, {})
        finally:
            connection.close()


def _set(settings: Mapping[str, str]) -> str:
    return "SET " + ", ".join(f"{named(name)} = {quoted(value)}" for name, value in settings.items())


def quoted(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def named(text: str) -> str:
    """An SQL name."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def escaped(text: str) -> str:
    """A parameter's value: the engine reads it as a field of TabSeparated."""
    for plain, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(plain, written)
    return text


def _query(connection: Any, sql: str, parameters: dict[str, str]) -> Any:
    try:
        return connection.query(sql, "TSV", params=parameters)
    except UnicodeDecodeError as error:  # a message that quotes binary data
        raise EngineError.of_engine(error.object.decode(errors="replace")) from None
    except (RuntimeError, ValueError) as error:
        raise EngineError.of_engine(str(error)) from None


def _summary(result: Any) -> Summary:
    return Summary(
        read_rows=int(result.rows_read()),
        read_bytes=int(result.bytes_read()),
        written_rows=int(getattr(result, "rows_written", lambda: 0)()),
        written_bytes=int(getattr(result, "bytes_written", lambda: 0)()),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
