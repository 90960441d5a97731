"""A person's own connection for SQL: over HTTP, to a ClickHouse server or to the engine of a folder.

It is no act of the door: the database signs the person in, judges each query by an inquiry that was written
before, and stores that inquiry; without one it shows no data. Messages here are the database's.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import IOBase
from typing import Any, Self, cast
from uuid import UUID, uuid4

from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.query import QueryResult
from urllib3.exceptions import HTTPError

from platestream.edges.clickhouse_client import ConnectError, DatabaseError, Dsn, connect
from platestream.inquiries.sql import text
from platestream.inquiries.sql.failure import SESSION_NOT_FOUND, THROWN, SqlError, failure, unreached
from platestream.settings import Settings

PATIENCE = 900.0  # seconds, the longest time of a statement of any account
PIECE = 1 << 16
_SECONDS = "3600"  # seconds until an idle session ends
_VERDICT = "SELECT outcome, refusal FROM platestream.verdict(inquiry = {inquiry:UUID})"
_WORDS = """
SELECT DISTINCT arrayJoin(splitByChar(' ', word)) FROM (
    SELECT keyword AS word FROM system.keywords
    UNION ALL SELECT name FROM system.functions
    UNION ALL SELECT name FROM system.table_functions
    UNION ALL SELECT name FROM system.settings
    UNION ALL SELECT name FROM system.data_type_families
    UNION ALL SELECT name FROM system.formats
    UNION ALL SELECT name FROM system.databases
    UNION ALL SELECT 'inquiry'
    UNION ALL SELECT name FROM system.tables WHERE database IN ('platestream', 'system')
    UNION ALL SELECT name FROM system.columns WHERE database IN ('platestream', 'system'))
"""
_NOBODY_SIGNS_IN = """\
the database of {0} is inside each process, where nobody signs in. Start the system, whose engine has
accounts, with platestream up, or name yours, in PLATESTREAM_CLICKHOUSE or a file that
PLATESTREAM_CLICKHOUSE_FILE names:
  http://NAME:PASSWORD@127.0.0.1:8123/platestream
(docs/how-to/operator/up.md says how others get an account)"""


@dataclass(frozen=True)
class Rows:
    """The result of a statement: names of its columns, and its rows in blocks, as they come."""

    columns: Sequence[str]
    blocks: Iterator[Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on an inquiry; `refusal` names the rule, and is empty where it was allowed."""

    inquiry: UUID
    outcome: str
    refusal: str


class Session:
    """Statements of one account, one at a time. SET and USE hold until `cancel`, or an hour without a
    statement.
    """

    def __init__(self, settings: Settings) -> None:
        """Sign in. Raises ConnectError, with advice where no engine or server is named, and SqlError."""
        dsn = Dsn.parse(settings.clickhouse)
        if dsn.scheme == "chdb":
            raise ConnectError(_NOBODY_SIGNS_IN.format(settings.data))
        self.account = dsn.user
        self.host = f"{dsn.host}:{dsn.port}"
        try:
            self._client = connect(
                settings.clickhouse,
                allow_plaintext=settings.allow_plaintext,
                explain=True,
                patience=PATIENCE,
            )
        except DatabaseError as error:
            raise unreached(self.host, error.code) from None
        self._begin()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """The version of the database."""
        return str(self._client.server_version)

    @contextmanager
    def rows(self, statement: str) -> Iterator[Rows]:
        """Run a statement that reads; its values are Python objects, with aware times. Raises SqlError, also
        inside the context.
        """
        with (
            self._translate_errors(statement),
            self._client.query_row_block_stream(statement, settings=self._query_settings()) as stream,
        ):
            yield Rows(cast(QueryResult, stream.source).column_names, iter(stream))

    def pieces(self, statement: str, written_as: str = "") -> Iterator[bytes]:
        """Yield the bytes of the result as the database writes it, in the statement's own format if it names
        one. Raises SqlError.
        """
        with self._translate_errors(statement):
            asked = self._client.raw_stream(
                statement, fmt=written_as or None, settings=self._query_settings()
            )
            with closing(cast(IOBase, asked)) as stream:
                while piece := stream.read(PIECE):
                    yield piece

    def change(self, statement: str) -> list[Verdict]:
        """Run a statement without rows; return the gate's verdicts on inquiries whose ids are in it. Raises
        SqlError.
        """
        with self._translate_errors(statement):
            self._client.raw_query(statement, settings=self._query_settings())
        if text.changes_settings(statement):
            self._session["session_check"] = "1"  # its expiry is an error from now on
        return self.verdicts(statement) if text.writes_inquiry(statement) else []

    def verdicts(self, statement: str) -> list[Verdict]:
        """Return the verdicts on one's own inquiries of the last ten minutes whose ids are in a statement."""
        found = []
        for inquiry in text.ids(statement)[:10]:
            with self._translate_errors(""):
                answer = self._client.query(_VERDICT, parameters={"inquiry": inquiry})
            found += [Verdict(inquiry, *row) for row in answer.result_rows]
        return found

    def cancel(self) -> bool:
        """Cancel this session's query; return False where there is none. Raises SqlError where it may still
        run.
        """
        if not self._query_id:
            return False
        kill = f"KILL QUERY WHERE query_id = '{self._query_id}' ASYNC"
        self._begin()
        with self._translate_errors(""):
            self._client.raw_query(kill)
        return True

    def words(self) -> list[str]:
        """Return the names that the database knows: keywords, functions, tables, columns … Raises
        SqlError.
        """
        with self._translate_errors(""):
            return [str(row[0]) for row in self._client.query(_WORDS).result_rows]

    def _begin(self) -> None:
        self._session = {"session_id": str(uuid4()), "session_timeout": _SECONDS}
        self._query_id = ""

    def _query_settings(self) -> dict[str, str]:
        self._query_id = str(uuid4())
        return {**self._session, "query_id": self._query_id, "database": "platestream"}

    @contextmanager
    def _translate_errors(self, statement: str) -> Iterator[None]:
        try:
            yield
        except Error as error:
            raised = failure(error, self.host)
        except HTTPError:
            raised = SqlError("the answer broke off", todo="what came so far is not all")
        else:
            self._query_id = ""
            return
        self._query_id = ""
        if raised.code == SESSION_NOT_FOUND:
            self._begin()
            raised = SqlError("this session has ended, and what SET and USE said is forgotten", raised.code)
        if raised.code == THROWN and text.ids(statement):
            raised = self._refused(raised, statement)
        raise raised

    def _refused(self, raised: SqlError, statement: str) -> SqlError:
        """Return the same error with the gate's verdict on the inquiry that was to open a view."""
        found = self.verdicts(statement)
        refused = [one for one in found if one.outcome != "allowed"]
        if refused:
            todo = f"inquiry {refused[0].inquiry} was refused: {refused[0].refusal}"
        elif found:
            todo = f"inquiry {found[0].inquiry} is allowed, but of another kind than this view"
        else:
            todo = (
                f"write yours first, into platestream.inquire: {text.ids(statement)[0]} is none that counts"
            )
        return SqlError(raised.sentence, raised.code, todo)
