"""State that all consoles of one data folder share, in an SQLite file beside the files of accounts.

Sessions, failed attempts, and what may be used once are here, so that a load balancer may send each request
to another console (docs/decisions/console-state.md). A reader of the file learns who is signed in, and
nothing else: content is encrypted with a key that takes the secret of a browser or command line, and the key
of the accounts. The rollback journal also works on a network file system with locks; a write-ahead log would
not.
"""

import hashlib
import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platestream.keys.account_key import AccountKey
from platestream.keys.key_folder import KeyFolder
from platestream.keys.master import KeysError
from platestream.settings import ACCOUNTS, Settings, open_keys

log = logging.getLogger(__name__)

FILE = "console.sqlite"
WAIT_S = 10.0
"""Time for which a change waits for another console's."""
MOST = 10_000
"""Rows of a kind in `shared`; the oldest are dropped."""
_NONCE = 12
_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
  key BLOB PRIMARY KEY, who TEXT NOT NULL, name TEXT NOT NULL, pending INTEGER NOT NULL,
  ends REAL NOT NULL, shown BLOB NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_who ON sessions (who);
CREATE TABLE IF NOT EXISTS items (
  number INTEGER PRIMARY KEY AUTOINCREMENT, session BLOB NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
  kind TEXT NOT NULL, name TEXT NOT NULL, ends REAL NOT NULL, content BLOB NOT NULL,
  UNIQUE (session, kind, name));
CREATE TABLE IF NOT EXISTS shared (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key BLOB NOT NULL,
  ends REAL NOT NULL, content BLOB NOT NULL, UNIQUE (kind, key));
CREATE INDEX IF NOT EXISTS shared_kind ON shared (kind, number);
CREATE TABLE IF NOT EXISTS failures (
  kind TEXT NOT NULL, key BLOB NOT NULL, count INTEGER NOT NULL, last REAL NOT NULL,
  PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS failures_last ON failures (kind, last);
CREATE TABLE IF NOT EXISTS hits (hit BLOB PRIMARY KEY, number INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (number INTEGER NOT NULL);
INSERT INTO changes SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM changes);
"""
T = TypeVar("T")


class Seal:
    """Encryption of values of one owner, each for one purpose. `of` is a secret that only the owner holds."""

    def __init__(self, of: bytes, key: bytes) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=key, info=b"platestream console").derive(of))

    def close(self, content: object, purpose: str) -> bytes:
        """Return a value, encrypted."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.msgpack.encode(content), purpose.encode())

    def open(self, sealed: bytes, kind: type[T], purpose: str) -> T | None:
        """Return a value of this type; None for one that was altered, or that another release wrote."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
            return msgspec.msgpack.decode(plain, type=kind)
        except (InvalidTag, ValueError) as error:
            log.warning("%s cannot be read: %s", purpose.partition(" ")[0], type(error).__name__)
            return None


class SharedState:
    """The file at `path`, and the key that seals its content. Thread-safe; changes are on the disk when they
    return.
    """

    def __init__(self, path: Path, key: bytes = b"") -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # SQLite gives its journal the same mode
        self.key: Final = key
        self.own = Seal(b"consoles", key)
        """For what belongs to no browser."""
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            path, timeout=WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        self._database.execute("PRAGMA auto_vacuum = FULL")  # counts for a new file
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA secure_delete = ON")
        self._database.execute("PRAGMA journal_mode = TRUNCATE")
        with self.change():
            for statement in _TABLES.split(";"):
                self._database.execute(statement)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Carry out a block as one change, while no other console changes anything. A block within another
        belongs to its change.
        """
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def run(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement, a change of its own outside of `change`, and return its rows."""
        with self._lock:
            return self._database.execute(sql, parameters).fetchall()

    def put(self, kind: str, name: str, content: object, ends: datetime, seal: Seal | None = None) -> None:
        """Put a value in place of an earlier one of this name."""
        key, sealed = hashed(name), (seal or self.own).close(content, kind)
        with self.change():
            self.run("DELETE FROM shared WHERE kind = ? AND key = ?", kind, key)
            sql = "INSERT INTO shared (kind, key, ends, content) VALUES (?, ?, ?, ?)"
            self.run(sql, kind, key, ends.timestamp(), sealed)
            sql = """DELETE FROM shared WHERE kind = ? AND number <=
                (SELECT number FROM shared WHERE kind = ? ORDER BY number DESC LIMIT 1 OFFSET ?)"""
            self.run(sql, kind, kind, MOST)

    def get(
        self,
        kind: str,
        name: str,
        type_: type[T],
        now: datetime,
        seal: Seal | None = None,
        *,
        take: bool = False,
    ) -> T | None:
        """Return a value that has not expired; with `take`, to one caller only."""
        where = "FROM shared WHERE kind = ? AND key = ?"
        sql = f"DELETE {where} RETURNING ends, content" if take else f"SELECT ends, content {where}"
        found = self.run(sql, kind, hashed(name))
        if not found or found[0][0] <= now.timestamp():
            return None
        return (seal or self.own).open(found[0][1], type_, kind)

    def all(self, kind: str, type_: type[T], now: datetime) -> Sequence[T]:
        """Return the values of a kind that have not expired, the oldest first."""
        sql = "SELECT content FROM shared WHERE kind = ? AND ends > ? ORDER BY number"
        read = (self.own.open(content, type_, kind) for (content,) in self.run(sql, kind, now.timestamp()))
        return [one for one in read if one is not None]

    def seal_of(self, secret: str) -> Seal:
        """Return the seal of somebody who holds a secret."""
        return Seal(secret.encode("utf-8", "surrogateescape"), self.key)

    def number_of_hit(self, hit_id: str, now: datetime) -> int:
        """Return the number of an alert, which all consoles give it: its time, above those of before."""
        key = hashed(hit_id)
        with self.change():
            sql = """INSERT INTO hits SELECT ?, max(ifnull(max(number), 0) + 1, ?) FROM hits
                WHERE NOT EXISTS (SELECT 1 FROM hits WHERE hit = ?)
                HAVING NOT EXISTS (SELECT 1 FROM hits WHERE hit = ?)"""
            self.run(sql, key, int(now.timestamp() * 1000), key, key)
            return int(self.run("SELECT number FROM hits WHERE hit = ?", key)[0][0])

    def note_change(self) -> None:
        """Let all consoles read registry and rules again."""
        self.run("UPDATE changes SET number = number + 1")

    @property
    def changes(self) -> int:
        """The number of calls of `note_change`."""
        return int(self.run("SELECT number FROM changes")[0][0])

    def tend(self, now: datetime) -> None:
        """Delete what has expired."""
        for table in ("items", "shared"):
            self.run(f"DELETE FROM {table} WHERE ends <= ?", now.timestamp())  # noqa: S608 - names of ours
        last_day = int((now - timedelta(days=1)).timestamp() * 1000)
        self.run("DELETE FROM hits WHERE number < ?", last_day)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


def open_shared_state(settings: Settings) -> SharedState:
    """Open the state of the consoles of the settings' data folder."""
    key = b""
    try:
        keys = open_keys(settings)
        if isinstance(keys, KeyFolder):
            key = AccountKey(keys).seal("state of consoles", "", may_make=True).encode()
    except (KeysError, OSError) as error:
        log.error("sessions are encrypted without the key of the accounts: %s", error)
    return SharedState(settings.data / ACCOUNTS / FILE, key)


def hashed(name: str) -> bytes:
    """Return the key by which a secret name is stored."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
