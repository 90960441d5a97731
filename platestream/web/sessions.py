"""Sessions of signed-in people, in the state that all consoles share.

A session ends after 30 minutes without a request, at the end of a shift during which it was used, on signing
out, and at the first request after its person was deactivated or got another password (`Console.session`).
During a shift the heartbeats of an open page count as requests: they show that the device is there.

The browser holds a random token and nothing else. The state holds its hash, and the session encrypted with a
key that takes the token. A restart of a console ends no session. What only shortens work (`Session.memory`)
stays in the console that made it.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from platestream.access.door import Documentation
from platestream.web.forms import SentForm
from platestream.web.shared_state import Seal, SharedState, hashed

IDLE_LIMIT = timedelta(minutes=30)
TOUCHED_EVERY = timedelta(seconds=30)
"""Precision of the time of the last request. The 30 minutes may be shorter by this, never longer."""
LONGEST_SESSION = timedelta(hours=16)
"""Maximum lifetime of a session, the length of a long shift. A shift that is in progress then goes on."""
LINK_LIVES = timedelta(minutes=5)
UPLOAD_LIVES = timedelta(minutes=10)
REST_LIVES = timedelta(minutes=10)
UNDO_LIVES = timedelta(minutes=5)
PENDING_LIVES = timedelta(minutes=10)
"""Time to give a second factor after the first."""
PROVIDER = "provider"
"""`Session.factor` where a provider asked for two factors; versions are hashes."""
K = TypeVar("K")
V = TypeVar("V")
TIMED_OUT = "timed out"


class Recent(Generic[K, V]):
    """Mapping that holds the last few of its items."""

    def __init__(self, most: int) -> None:
        self._items: OrderedDict[K, V] = OrderedDict()
        self._most = most

    def get(self, key: K) -> V | None:
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        self._items[key] = value
        while len(self._items) > self._most:
            self._items.popitem(last=False)


@dataclass(frozen=True)
class Upload:
    """Uploaded file that waits for confirmation, at most UPLOAD_LIVES; `name` is its name in the form.

    `fields` holds the form's other fields, and `shown` the result of its preview.
    """

    file: str
    content: bytes = field(repr=False)
    fields: Mapping[str, str]
    shown: tuple[int, ...]
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class RemainingResults:
    """Rest of a query's result, shown as the page is scrolled; `name` is its name in addresses.

    `groups` are the finds of look-backs at the end of `found`, in groups; `cut`: there are more than `found`.
    """

    found: Sequence[Any] = field(repr=False)
    at: datetime
    groups: Sequence[Any] = field(default=(), repr=False)
    cut: bool = False
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def alerts(self) -> int:
        """The number of results before the groups."""
        return self.groups[0].start if self.groups else len(self.found)


@dataclass(frozen=True)
class Undo:
    """Last action that can be undone, described by `message`. `action` names what undoes it (`undo.Action`),
    and `change` is the change as that encodes it.
    """

    message: str
    action: str
    change: bytes = field(repr=False)
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class HeldForm:
    """Form that waits for the second factor, at most UPLOAD_LIVES: its path and its fields."""

    path: str
    form: SentForm = field(repr=False)
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass
class Memory:
    """Results of a session's last queries, in the console that ran them, at most REST_LIVES. `overviews` are
    what each page of a search shows of all that was found; another console makes them again.
    """

    remaining: RemainingResults | None = None
    overviews: Recent[UUID, Any] = field(default_factory=lambda: Recent(20))
    used: datetime | None = None


class Items(Generic[V]):
    """Last values of a kind that a session holds, by name. Values of an ended session are gone."""

    def __init__(
        self, session: "Session", kind: str, type_: type[V], most: int, lives: timedelta = LONGEST_SESSION
    ) -> None:
        self._session, self._kind, self._type = session, kind, type_
        self._most, self._lives = most, lives

    def put(self, name: object, value: V, now: datetime) -> None:
        """Put a value; the oldest above the limit are dropped."""
        if self._session.stored is not None:
            ends = now + self._lives
            self._session.stored.put_item(self._session, self._kind, str(name), value, ends, self._most)

    def get(self, name: object, now: datetime, *, take: bool = False) -> V | None:
        """Return the value of a name; with `take`, to one caller only. None if there is none any more."""
        if self._session.stored is None:
            return None
        return self._session.stored.item(self._session, self._kind, str(name), self._type, now, take=take)

    def last(self, now: datetime) -> V | None:
        """Return the newest value."""
        return self.get("", now)

    def clear(self) -> None:
        """Drop all values."""
        if self._session.stored is not None:
            self._session.stored.clear_items(self._session, self._kind)


@dataclass(frozen=True)
class Listed:
    """A session as others see it in the list of a person's sessions. `name` identifies it; it is not the
    token.
    """

    key: bytes = field(repr=False)
    who: str
    name: str
    began: datetime
    device: str
    last_request: datetime


@dataclass(frozen=True)
class Session:
    """Session of one person at one browser.

    `csrf` is in each of its forms. `until` is its latest end, and `shift` the shift with which it ends, if
    any. `way` names the first step of the sign-in. `password` is the version of the password at sign-in, None
    with a provider. `resets` marks the account's one-time codes of that time (`accounts.resets`).
    `live_picture` names the one that it shows.
    `notice`: show events of the account that others caused. `device` describes browser and address to the
    person.

    `factor` is the version of the second factor that was given at sign-in, empty for none. A `pending`
    session waits for it and opens no page; then it leads to `where`. `secret` is that of an authenticator app
    that is being set up. `proved_at` is the time at which the second factor was given last.

    This is a copy for one request: `change` changes the session.
    """

    who: str
    began: datetime
    until: datetime
    last_request: datetime
    way: str = ""
    password: str | None = field(default=None, repr=False)
    resets: str = ""
    shift: str = ""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    live_picture: str = field(default="", repr=False)
    notice: bool = False
    factor: str = field(default="", repr=False)
    pending: bool = False
    where: str = "/"
    secret: str = field(default="", repr=False)
    proved_at: datetime | None = None
    device: str = ""
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    link_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    key: bytes = field(default=b"", repr=False)
    stored: "Sessions | None" = field(default=None, repr=False)
    seal: Seal | None = field(default=None, repr=False)

    def change(self, **fields: Any) -> None:
        """Change fields, here and for the next requests of the session if it has not ended."""
        if self.stored is not None:
            self.stored.change(self, fields)
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def documentation(self) -> Items[Documentation]:
        """The documentation of queries, by the name that addresses have."""
        return Items(self, "documentation", Documentation, 50)

    @property
    def pictures(self) -> Items[dict[str, bytes]]:
        """The pictures that were loaded last."""
        return Items(self, "pictures", dict[str, bytes], 4, REST_LIVES)

    @property
    def searches(self) -> Items[SentForm]:
        """The forms of the last searches, by inquiry, for their further pages."""
        return Items(self, "searches", SentForm, 20)

    @property
    def uploads(self) -> Items[Upload]:
        """The file that waits for confirmation."""
        return Items(self, "upload", Upload, 1, UPLOAD_LIVES)

    @property
    def undos(self) -> Items[Undo]:
        """The last action that can be undone."""
        return Items(self, "undo", Undo, 1, UNDO_LIVES)

    @property
    def held(self) -> Items[HeldForm]:
        """The form that waits for the second factor."""
        return Items(self, "held", HeldForm, 1, UPLOAD_LIVES)

    @property
    def memory(self) -> Memory:
        """Results of the last queries that this console remembers."""
        return Memory() if self.stored is None else self.stored.memory(self)

    def is_alive(self, now: datetime) -> bool:
        """Return whether the session is still valid. A last request that is as far in the future is by a
        clock that is wrong.
        """
        return now < self.until and -IDLE_LIMIT < now - self.last_request < IDLE_LIMIT

    def extend(self, now: datetime, shift_ends: datetime) -> None:
        """Restart the 30 minutes: the device of somebody on shift is there. The session then lasts as long as
        the shift, which ends it.
        """
        until = max(self.until, shift_ends)
        if until != self.until or now - self.last_request >= TOUCHED_EVERY:
            self.change(last_request=now, until=until)

    def remember_documentation(self, why: Documentation, now: datetime) -> str:
        """Return a name for the documentation of a query, so that no address holds a reason."""
        name = secrets.token_urlsafe(9)
        self.documentation.put(name, why, now)
        return name

    def sign_link(self, path: str, now: datetime) -> str:
        """Return `path` as a link that is valid in this session for LINK_LIVES."""
        ends = int((now + LINK_LIVES).timestamp())
        return f"{path}?ends={ends}&sign={self._signature(path, ends)}"

    def is_valid_link(self, path: str, ends: str, signature: str, now: datetime) -> bool:
        """Return whether a link was made by `sign_link` and has not expired."""
        if not ends.isdecimal() or len(ends) > 12 or now.timestamp() > int(ends):
            return False
        return hmac.compare_digest(self._signature(path, int(ends)).encode(), signature.encode())

    def _signature(self, path: str, ends: int) -> str:
        return hmac.new(self.link_key, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()


_STORED = tuple(name for name in Session.__dataclass_fields__ if name not in ("key", "stored", "seal"))
OnEnd = Callable[[Sequence[tuple[str, str]], str, str], None]


class Sessions:
    """All sessions, of every console. Thread-safe. `on_end` gets person and name of the sessions that ended,
    by whom, and why; each end goes to one console only.
    """

    def __init__(self, state: SharedState, on_end: OnEnd = lambda _ended, _by, _why: None) -> None:
        self._state, self._on_end = state, on_end
        self._memories: dict[bytes, Memory] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        who: str,
        now: datetime,
        password: str | None = None,
        device: str = "",
        **fields: Any,
    ) -> tuple[str, Session]:
        """Begin a session; return the token that the browser gets, and the session. `fields` are further ones
        of it.
        """
        token = secrets.token_urlsafe(32)
        until = now + (PENDING_LIVES if fields.get("pending") else LONGEST_SESSION)
        own: dict[str, Any] = {"key": hashed(token), "stored": self, "seal": self._state.seal_of(token)}
        session = Session(who, now, until, now, password=password, device=device, **fields, **own)
        self.end_expired(now)
        sql = """INSERT INTO sessions (key, who, name, pending, ends, shown, content)
            VALUES (?, ?, ?, ?, ?, ?, ?)"""
        self._state.run(sql, session.key, who, session.name, session.pending, *self._row(session))
        return token, session

    def end_expired(self, now: datetime) -> None:
        """End the sessions whose time is over."""
        self._end("ends <= ?", (now.timestamp(),), "", TIMED_OUT)
        with self._lock:
            for key, one in list(self._memories.items()):
                if one.used is not None and now - one.used >= REST_LIVES:
                    del self._memories[key]

    def find(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """Return the session of a token. `used` restarts its 30 minutes."""
        key, seal = hashed(token), self._state.seal_of(token)
        found = self._state.run("SELECT content FROM sessions WHERE key = ?", key)
        session = self._opened(key, seal, found[0][0]) if found else None
        if session is None or not session.is_alive(now):
            return None
        if used and now - session.last_request >= TOUCHED_EVERY:
            session.change(last_request=now)
        return session

    def of(self, who: str, now: datetime) -> list[Listed]:
        """Return the sessions of a person, the newest first."""
        sql = "SELECT key, name, shown FROM sessions WHERE who = ? AND NOT pending AND ends > ?"
        found = []
        for key, name, shown in self._state.run(sql, who, now.timestamp()):
            if (one := self._state.own.open(shown, dict[str, Any], f"shown {key.hex()}")) is not None:
                found.append(Listed(key, who, name, **one))
        return sorted(found, key=lambda one: one.began, reverse=True)

    def end(self, session: Session | Listed, by: str = "", why: str = "") -> None:
        """End a session, by a person if one is named."""
        self._end("key = ?", (session.key,), by, why)

    def end_all(self, who: str, by: str = "", why: str = "", *, but: Session | None = None) -> None:
        """End all sessions of a person, but for this one if given."""
        self._end("who = ? AND key <> ?", (who, but.key if but else b""), by, why)

    def change(self, session: Session, fields: Mapping[str, Any]) -> None:
        """Change fields of a session, and no other ones that another request changed."""
        assert session.seal is not None
        with self._state.change():
            found = self._state.run("SELECT content FROM sessions WHERE key = ?", session.key)
            current = self._opened(session.key, session.seal, found[0][0]) if found else None
            if current is None:
                return
            if "last_request" in fields:
                fields = {**fields, "last_request": max(fields["last_request"], current.last_request)}
            current = replace(current, **fields)
            sql = "UPDATE sessions SET ends = ?, shown = ?, content = ? WHERE key = ?"
            self._state.run(sql, *self._row(current), session.key)

    def put_item(
        self, session: Session, kind: str, name: str, value: object, ends: datetime, most: int
    ) -> None:
        """Put a value of a session, as `Items.put` does."""
        assert session.seal is not None
        sealed = session.seal.close(value, f"{kind} {name}")
        with self._state.change():
            if not self._state.run("SELECT 1 FROM sessions WHERE key = ?", session.key):
                return
            self._state.run(f"DELETE {_ITEM} AND name = ?", session.key, kind, name)
            sql = "INSERT INTO items (session, kind, name, ends, content) VALUES (?, ?, ?, ?, ?)"
            self._state.run(sql, session.key, kind, name, ends.timestamp(), sealed)
            sql = f"""DELETE {_ITEM} AND number <=
                (SELECT number {_ITEM} ORDER BY number DESC LIMIT 1 OFFSET ?)"""
            self._state.run(sql, session.key, kind, session.key, kind, most)

    def item(
        self, session: Session, kind: str, name: str, type_: type[V], now: datetime, *, take: bool = False
    ) -> V | None:
        """Return a value of a session, as `Items.get` does; the newest one without a name."""
        assert session.seal is not None
        shown = "name, ends, content"
        if take:
            found = self._state.run(f"DELETE {_ITEM} AND name = ? RETURNING {shown}", session.key, kind, name)
        else:
            sql = f"SELECT {shown} {_ITEM} AND (name = ? OR ? = '') ORDER BY number DESC LIMIT 1"
            found = self._state.run(sql, session.key, kind, name, name)
        if not found or found[0][1] <= now.timestamp():
            return None
        return session.seal.open(found[0][2], type_, f"{kind} {found[0][0]}")

    def clear_items(self, session: Session, kind: str) -> None:
        """Drop the values of a kind."""
        self._state.run(f"DELETE {_ITEM}", session.key, kind)

    def memory(self, session: Session) -> Memory:
        """Return what this console remembers for a session."""
        with self._lock:
            return self._memories.setdefault(session.key, Memory())

    def _opened(self, key: bytes, seal: Seal, content: bytes) -> Session | None:
        read = seal.open(content, dict[str, Any], f"session {key.hex()}")
        if read is None:
            return None
        try:
            stored = {name: read[name] for name in _STORED if name in read}
            return Session(**stored, key=key, stored=self, seal=seal)
        except TypeError:  # of another release
            return None

    def _row(self, session: Session) -> tuple[float, bytes, bytes]:
        """Return the end of a session, and its encrypted texts: for lists, and the whole session."""
        assert session.seal is not None
        named = session.key.hex()
        ends = min(session.until, session.last_request + IDLE_LIMIT).timestamp()
        shown = {name: getattr(session, name) for name in ("began", "device", "last_request")}
        content = {name: getattr(session, name) for name in _STORED}
        return (
            ends,
            self._state.own.close(shown, f"shown {named}"),
            session.seal.close(content, f"session {named}"),
        )

    def _end(self, where: str, parameters: tuple[Any, ...], by: str, why: str) -> None:
        ended = self._state.run(
            f"DELETE FROM sessions WHERE {where} RETURNING key, who, name, pending",  # noqa: S608 - of this file
            *parameters,
        )
        with self._lock:
            for key, _who, _name, _pending in ended:
                self._memories.pop(key, None)
        if real := [(who, name) for _key, who, name, pending in ended if not pending]:
            self._on_end(real, by, why)


_ITEM = "FROM items WHERE session = ? AND kind = ?"
