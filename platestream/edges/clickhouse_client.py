"""Clients of the database: a ClickHouse server over HTTP(S), or the embedded engine (chDB), by one DSN.

On a server a user has its own roles. The embedded engine has one user that may take any role, and `connect`
takes one on each connection. This tests the grants; the security boundary is access to the folder.

Messages of the database may contain queries or stored values, including plates. Clients are configured to
hide them, and `run` removes the chain of causes, which still has them, from the errors that it raises.
"""

import base64
import fcntl
import ssl
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError

from platestream.edges.dsn import DATABASE as DATABASE
from platestream.edges.dsn import TLS_OPTIONS as TLS_OPTIONS
from platestream.edges.dsn import ConnectError as ConnectError
from platestream.edges.dsn import Dsn as Dsn
from platestream.edges.dsn import current, is_from_file
from platestream.edges.embedded_inserts import keep_in_memory
from platestream.schemas.loopback import is_loopback

# Rows are never pandas tables. To check, the client would import pandas at the first row: half of the time of
# a short command, and 40 MB in each process.
options.pd = options.pd_time_test = None

T = TypeVar("T")

OWNER = "platestream_owner"
INGEST = "platestream_ingest"
SEALER = "platestream_sealer"
ANALYST = "platestream_analyst"
SUPERVISOR = "platestream_supervisor"
AUDITOR = "platestream_auditor"
RETENTION = "platestream_retention"
CUSTODIAN = "platestream_custodian"
DASHBOARD = "platestream_dashboard"
DOOR = "platestream_door"

ACCESS_DENIED = 497
ROLE_NOT_GRANTED = 512
ERROR_TEXTS = {
    ACCESS_DENIED: "the account may not do that",
    ROLE_NOT_GRANTED: "the account has not been given the role for it",
    159: "it took longer than it may",
    201: "a quota is used up: wait",
    202: "too many queries at once",
    241: "the database has not enough memory for it",
    243: "the database's disk is full",
    252: "too many parts: rows come faster than they are merged",
    469: "a constraint of the table forbids it",
    516: "no account of this name and password",
}
# Rate-limited sign-in, too many queries at once, socket timeout, network, memory used by other queries, full
# disk, too many parts: all of these are temporary.
TRANSIENT_CODES = frozenset({201, 202, 209, 210, 241, 243, 252})


class DatabaseError(RuntimeError):
    """A failed call: the attempted action and ClickHouse's code (None: no answer), never a value.

    `why` replaces the standard text if the cause is known and contains no value.
    """

    def __init__(self, attempted: str, code: int | None, passing: bool, why: str = "") -> None:
        known = "no answer" if code is None and passing else f"ClickHouse code {code}"
        said = f"{ERROR_TEXTS[code]} ({known})" if code in ERROR_TEXTS else known
        super().__init__(f"{attempted}: {why or said}")
        self.code = code
        self.passing = passing


class FolderInUseError(ConnectError):
    """The embedded database is in use by another process, such as a command on the same folder."""


def connect(
    dsn: str,
    role: str | None = None,
    *,
    allow_plaintext: bool = False,
    explain: bool = False,
    patience: float = 120,
) -> Client:
    """Return a client that acts in `role`.

    Without a role it has a server user's own roles, or the owner's in the embedded engine. `explain` shows
    the database's own messages: for migrations, which contain no data, and for people who see the messages of
    their own queries. `patience`: seconds to wait for a server's answer. Times are returned aware, in UTC. A
    password from a file (`edges.dsn.read_dsn`) is read again when the server refuses it.
    Raises ConnectError for an unusable DSN or a folder that another process holds, and DatabaseError if a
    server refuses or does not answer.
    """
    parsed = current(Dsn.parse(dsn))
    if parsed.scheme == "chdb":
        return _embedded(parsed.path, role or OWNER, explain)
    if parsed.scheme == "http" and not allow_plaintext and not is_loopback(parsed.host):
        raise ConnectError("http:// would carry plates unencrypted over a network: use https://")
    where = f"connecting to ClickHouse at {parsed.host}:{parsed.port}"
    return run(where, lambda: _server(parsed, role, explain, patience))


def run(attempted: str, call: Callable[[], T]) -> T:
    """Return `call()`. Its database errors become a DatabaseError without their message, cause or context."""
    try:
        return call()
    except Error as error:
        passing = error.code in TRANSIENT_CODES or (
            error.code is None and isinstance(error, OperationalError)
        )
        distrusted = _certificate_fault(error)
        failure = DatabaseError(attempted, error.code, passing and not distrusted, distrusted)
    except UnicodeDecodeError:  # of the client, for binary data
        failure = DatabaseError(attempted, None, passing=False)
    raise failure


def read_rows(client: Client, attempted: str, sql: str, **parameters: Any) -> Sequence[Any]:
    """Return the rows of a query with these parameters. Raises DatabaseError, as `run` does."""
    return run(attempted, lambda: client.query(sql, parameters=parameters or None)).result_rows


def _certificate_fault(error: BaseException | None) -> str:
    """Return the reason why the server's certificate was not accepted, or an empty string."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the server's certificate was not accepted: {error.verify_message.rstrip('.')}"
        error = error.__cause__ or error.__context__
    return ""


class SharedClient:
    """Factory that opens a client on the first call and returns the same one afterwards."""

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self._open = open_client
        self._lock = threading.Lock()
        self._client: Client | None = None

    def __call__(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def close(self) -> None:
        """Close the client; the next call opens it again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None


def _server(dsn: Dsn, role: str | None, explain: bool, patience: float) -> Client:
    settings: dict[str, Any] = {"role": role} if role else {}
    tls: dict[str, Any] = dict(dsn.tls)
    for name, file in dsn.tls.items():
        if not Path(file).is_file():
            raise ConnectError(f"ClickHouse DSN: {name} names {file}, and there is no such file")
    client = clickhouse_connect.get_client(
        interface=dsn.scheme,
        host=dsn.host,
        port=dsn.port,
        username=dsn.user,
        password=dsn.password,
        settings=settings,
        connect_timeout=10,
        send_receive_timeout=patience,
        tz_mode="aware",
        show_clickhouse_errors=explain,
        # Without a session several threads can share a client. Form encoding keeps parameters out of logs.
        autogenerate_session_id=False,
        form_encode_query_params=True,
        **tls,
    )
    if is_from_file(dsn) and dsn.password:
        _follow_password(client, dsn)
    return client


def _follow_password(client: Any, dsn: Dsn) -> None:
    """Let a refused request be sent once more, with the password that the account's file has now.

    The library does that for tokens only, and knows which bodies it can send again; there is no public way to
    give it a password instead.
    """
    backend = client._backend
    backend.token_provider = lambda: _basic(current(dsn))
    backend.set_access_token = partial(backend.headers.__setitem__, "Authorization")


def _basic(dsn: Dsn) -> str:
    return f"Basic {base64.b64encode(f'{dsn.user}:{dsn.password}'.encode()).decode()}"


def _embedded(path: Path, role: str, explain: bool) -> Client:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_in_memory()
    try:
        client = clickhouse_connect.get_client(
            interface="chdb",
            path=str(path),
            chdb_options={"config-file": str(_embedded_config())},
            tz_mode="aware",
            show_clickhouse_errors=explain,
        )
    except Error as error:
        raise _open_failure(path, str(error)) from None
    run("taking a role", lambda: client.command(f"SET ROLE `{role}`"))
    return client


@cache
def _embedded_config() -> Path:
    """Write the configuration of the embedded engine, which needs absolute paths.

    The file lives as long as the process.
    """
    folder = Path(_scratch().name)
    package = files("platestream.clickhouse")
    users = package.joinpath("embedded-users.xml").read_text(encoding="utf-8")
    (folder / "users.xml").write_text(users.replace("@ROLES@", str(package.joinpath("roles.xml"))))
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{folder}/users.xml</users_config></clickhouse>")
    return config


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="platestream-chdb-")


def _open_failure(path: Path, message: str) -> ConnectError:
    if "already initialized with path" in message:
        return ConnectError(f"this process has another embedded database open; close it before {path}")
    try:
        with (path / "status").open() as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = (path / "status").read_text().partition("\n")[0].removeprefix("PID: ")
        return FolderInUseError(
            f"another process (PID {holder}) holds the embedded database {path}; only one can at a time"
        )
    except OSError as error:
        return ConnectError(f"the embedded database {path} cannot be opened: {error.strerror}")
    return ConnectError(f"the embedded database {path} cannot be opened: is it a folder this user may write?")
