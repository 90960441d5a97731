"""Names of databases with the accounts that sign in to them, and the files that hold them.

A password in a file may change while a process runs (`platestream keys rotate`): it is read again.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

DATABASE = "platestream"
TLS_OPTIONS = ("ca_cert", "client_cert", "client_cert_key")


class ConnectError(ValueError):
    """An unusable DSN; the message contains no secret."""


@dataclass(frozen=True)
class Dsn:
    """A parsed `https://user:password@host:8443/platestream` or `chdb:///absolute/path/platestream`."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    path: Path = Path()
    tls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Dsn":
        """Return the parsed DSN.

        Raises ConnectError, which never repeats `text`, because it contains a password.
        """
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

    @property
    def account(self) -> tuple[str, str, int, str, Path]:
        """The account without its password: scheme, host, port, user, and path."""
        return self.scheme, self.host, self.port, self.user, self.path


_FILES: dict[tuple[str, str, int, str, Path, str], Path] = {}
"""File that each account and password was read from."""


def read_dsn(file: Path) -> str:
    """Return the DSN in a file, where this process finds the password of its account from now on. Raises
    OSError.
    """
    text = file.read_text().strip()
    with suppress(ConnectError):
        _FILES[_key(Dsn.parse(text))] = file
    return text


def is_from_file(dsn: Dsn) -> bool:
    """Return whether this process has read account and password from a file."""
    return _key(dsn) in _FILES


def current(dsn: Dsn) -> Dsn:
    """Return a DSN that was read from a file with the password that is there now; any other DSN unchanged."""
    file = _FILES.get(_key(dsn))
    if file is None:
        return dsn
    with suppress(OSError, ConnectError):
        found = Dsn.parse(read_dsn(file))
        if found.account == dsn.account:
            return replace(dsn, password=found.password)
    return dsn


def with_password(text: str, password: str) -> str:
    """Return a DSN of an account with another password."""
    url = urlsplit(text)
    user, host = url.netloc.rpartition("@")[0].partition(":")[0], url.netloc.rpartition("@")[2]
    return url._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


def is_same_account(one: str, other: str) -> bool:
    """Return whether two texts are DSNs of one account, whatever its password."""
    with suppress(ConnectError):
        return Dsn.parse(one).account == Dsn.parse(other).account
    return False


def _key(dsn: Dsn) -> tuple[str, str, int, str, Path, str]:
    return *dsn.account, dsn.password
