"""Clients of the database: a ClickHouse server over HTTP(S), or the embedded engine (chDB), by one DSN.

On a server a user has its roles; the embedded engine has one user that may take any role, and `connect` takes
one on each connection. That proves the grants there; the boundary is who may read the folder.

Messages of the database can hold what was asked or stored, plates included: clients are told to hide them,
and `run` keeps the chain of causes, which still has them, out of what is raised.
"""

import fcntl
import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError

# Rows are what is sent here, never tables of pandas. Whether there is one the client asks by loading it with
# the first row: half of what a short command takes, and 40 MB in each process.
options.pd = options.pd_time_test = None

T = TypeVar("T")

DATABASE = "platestream"
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
SAID = {
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
# Sign-ins that wait, too many queries at once, socket timeout, network, no memory beside what others ask,
# full disk, too many parts: all pass.
PASSING = frozenset({201, 202, 209, 210, 241, 243, 252})
TLS_OPTIONS = ("ca_cert", "client_cert", "client_cert_key")


class DatabaseError(RuntimeError):
    """A call failed; says what was attempted and ClickHouse's code (None: no answer), never a value.

    `why` is said instead, where it is known and no value is in it.
    """

    def __init__(self, attempted: str, code: int | None, passing: bool, why: str = "") -> None:
        known = "no answer" if code is None and passing else f"ClickHouse code {code}"
        said = f"{SAID[code]} ({known})" if code in SAID else known
        super().__init__(f"{attempted}: {why or said}")
        self.code = code
        self.passing = passing


class ConnectError(ValueError):
    """The DSN cannot be used; the message holds no secret."""


class FolderHeldError(ConnectError):
    """The embedded database is in use by another process, as it is while a command of that folder works."""


@dataclass(frozen=True)
class Dsn:
    """`https://user:password@host:8443/platestream` or `chdb:///absolute/path/platestream`."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    path: Path = Path()
    tls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Dsn":
        """Raises ConnectError, which never repeats `text`: it holds a password."""
        try:
            url = urlsplit(text)
            scheme, port = url.scheme, url.port
        except ValueError:
            raise ConnectError("the ClickHouse DSN is not a URL") from None
        if scheme == "chdb":
            path = Path(unquote(url.path))
            if url.netloc or not path.is_absolute() or path == Path("/"):
                raise ConnectError("an embedded database is named chdb:///absolute/path/platestream")
            return cls("chdb", path=path)
        if scheme not in ("http", "https") or not url.hostname:
            raise ConnectError("the ClickHouse DSN starts with https:// and a host, or with chdb:///")
        if url.path.strip("/") not in ("", DATABASE):
            raise ConnectError(f"the database is called {DATABASE}: let the DSN end with /{DATABASE}")
        options = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if unknown := sorted(set(options) - set(TLS_OPTIONS)):
            raise ConnectError(f"ClickHouse DSN: unknown option {', '.join(unknown)}")
        return cls(
            scheme=scheme,
            host=url.hostname,
            port=port or (8443 if scheme == "https" else 8123),
            user=unquote(url.username or "default"),
            password=unquote(url.password or ""),
            tls=options,
        )


def connect(
    dsn: str,
    role: str | None = None,
    *,
    allow_plaintext: bool = False,
    explain: bool = False,
    patience: float = 120,
) -> Client:
    """A client that acts in `role`; None: a server user's own roles, in the embedded engine the owner's.

    `explain` shows the database's own messages, for migrations, which hold no data, and for people who are
    told what they asked themselves. `patience`: seconds to wait for a server's answer. Times come back aware,
    in UTC. Raises ConnectError for a DSN that cannot be used or a folder that another process holds,
    and DatabaseError where a server refuses or does not answer.
    """
    parsed = Dsn.parse(dsn)
    if parsed.scheme == "chdb":
        return _embedded(parsed.path, role or OWNER, explain)
    if parsed.scheme == "http" and not allow_plaintext and not _is_loopback(parsed.host):
        raise ConnectError("http:// would carry plates unencrypted over a network: use https://")
    where = f"connecting to ClickHouse at {parsed.host}:{parsed.port}"
    return run(where, lambda: _server(parsed, role, explain, patience))


def run(attempted: str, call: Callable[[], T]) -> T:
    """`call()`. Its database errors become a DatabaseError without message, cause or context of theirs."""
    try:
        return call()
    except Error as error:
        passing = error.code in PASSING or (error.code is None and isinstance(error, OperationalError))
        distrusted = _distrusted(error)
        failure = DatabaseError(attempted, error.code, passing and not distrusted, distrusted)
    except UnicodeDecodeError:  # of the client, over a message that quotes binary data
        failure = DatabaseError(attempted, None, passing=False)
    raise failure


def _distrusted(error: BaseException | None) -> str:
    """Why the certificate of the server was not accepted; empty where that is not what failed."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the server's certificate was not accepted: {error.verify_message.rstrip('.')}"
        error = error.__cause__ or error.__context__
    return ""


class SharedClient:
    """A factory that opens its client when it is first called and hands out the same one from then on."""

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
        """Close what was opened; the next call opens it again."""
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
    return clickhouse_connect.get_client(
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
        # Without a session several threads may share a client; parameters stay out of URLs, which get logged.
        autogenerate_session_id=False,
        form_encode_query_params=True,
        **tls,
    )


def _embedded(path: Path, role: str, explain: bool) -> Client:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        client = clickhouse_connect.get_client(
            interface="chdb",
            path=str(path),
            chdb_options={"config-file": str(_embedded_config())},
            tz_mode="aware",
            show_clickhouse_errors=explain,
        )
    except Error as error:
        raise _why_not(path, str(error)) from None
    run("taking a role", lambda: client.command(f"SET ROLE `{role}`"))
    return client


@cache
def _embedded_config() -> Path:
    """Configuration of the embedded engine, which wants absolute paths; lives as long as the process."""
    folder = Path(_scratch().name)
    package = files("clickhouse")
    users = package.joinpath("embedded-users.xml").read_text(encoding="utf-8")
    (folder / "users.xml").write_text(users.replace("@ROLES@", str(package.joinpath("roles.xml"))))
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{folder}/users.xml</users_config></clickhouse>")
    return config


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="platestream-chdb-")


def _why_not(path: Path, message: str) -> ConnectError:
    if "already initialized with path" in message:
        return ConnectError(f"this process has another embedded database open; close it before {path}")
    try:
        with (path / "status").open() as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = (path / "status").read_text().partition("\n")[0].removeprefix("PID: ")
        return FolderHeldError(
            f"another process (PID {holder}) holds the embedded database {path}; only one can at a time"
        )
    except OSError as error:
        return ConnectError(f"the embedded database {path} cannot be opened: {error.strerror}")
    return ConnectError(f"the embedded database {path} cannot be opened: is it a folder this user may write?")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
