"""Sessions of people who are signed in, in memory.

A session ends after 30 minutes without a request, with a shift during which it was used, by signing out, and
at the first request after its person was deactivated or got another password (`Console.session`).

The browser holds a random token and nothing else; a restart of the console signs everybody out.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from services.door import Why

if TYPE_CHECKING:
    from platestream.console.visit import Visit

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=16)
"""As long as a shift at most."""
LINK_LIVES = timedelta(minutes=5)
UPLOAD_LIVES = timedelta(minutes=10)
REST_LIVES = timedelta(minutes=10)
UNDO_LIVES = timedelta(minutes=5)
K = TypeVar("K")
V = TypeVar("V")


class _Few(Generic[K, V]):
    """The last few of what was put in."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._most = most

    def get(self, key: K) -> V | None:
        return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        self._kept[key] = value
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class Upload:
    """A file that was looked at and waits to be confirmed, at most UPLOAD_LIVES; `name` is the form's for it.

    `told` is what was said with it, and `shown` what its preview came to.
    """

    file: str
    content: bytes = field(repr=False)
    told: Mapping[str, str]
    shown: tuple[int, ...]
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class Rest:
    """What was found by one look and is shown as the page is scrolled; `name` stands in its addresses."""

    found: Sequence[Any] = field(repr=False)
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class Undo:
    """What was done last, `said` in a sentence. `back` takes it back, and says where to go on."""

    said: str
    back: "Callable[[Visit], str]" = field(repr=False)
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass
class Session:
    """One person at one browser. `csrf` stands in each of its forms; `until` is when it ends at the latest,
    and `shift` the shift that it ends with, where there is one. `password` is the version of the password
    that the person signed in with, None where a provider signed them in; `resets` marks the codes that there
    were for the account then (`accounts.resets`). `watching` names the live picture that it shows: one at a
    time. `notice`: what others did with the account is to be shown first.
    """

    who: str
    began: datetime
    until: datetime
    seen: datetime
    password: str | None = field(default=None, repr=False)
    resets: str = ""
    shift: str = ""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    looks: _Few[str, Why] = field(default_factory=lambda: _Few(50), repr=False)
    pictures: _Few[UUID, dict[str, bytes]] = field(default_factory=lambda: _Few(4), repr=False)
    upload: Upload | None = field(default=None, repr=False)
    rest: Rest | None = field(default=None, repr=False)
    undo: Undo | None = field(default=None, repr=False)
    watching: str = field(default="", repr=False)
    notice: bool = False
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def alive(self, now: datetime) -> bool:
        """Whether it still counts."""
        return now < self.until and now - self.seen < IDLE

    def forget_late(self, now: datetime) -> None:
        """Drop what waited too long."""
        if self.upload is not None and now - self.upload.at >= UPLOAD_LIVES:
            self.upload = None
        if self.rest is not None and now - self.rest.at >= REST_LIVES:
            self.rest = None
        if self.undo is not None and now - self.undo.at >= UNDO_LIVES:
            self.undo = None

    def remember(self, why: Why) -> str:
        """A name for what a look was documented with, so that no address holds a reason."""
        name = secrets.token_urlsafe(9)
        self.looks.put(name, why)
        return name

    def sign(self, path: str, now: datetime) -> str:
        """`path` as a link that works in this session for LINK_LIVES."""
        ends = int((now + LINK_LIVES).timestamp())
        return f"{path}?ends={ends}&sign={self._signature(path, ends)}"

    def signed(self, path: str, ends: str, signature: str, now: datetime) -> bool:
        """Whether a link is one that `sign` made and has not ended."""
        if not ends.isdecimal() or len(ends) > 12 or now.timestamp() > int(ends):
            return False
        return hmac.compare_digest(self._signature(path, int(ends)).encode(), signature.encode())

    def _signature(self, path: str, ends: int) -> str:
        return hmac.new(self._key, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()


class Sessions:
    """All of them. Safe for several threads."""

    def __init__(self) -> None:
        self._open: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, who: str, now: datetime, password: str | None = None) -> tuple[str, Session]:
        """Begin a session; return the token that the browser gets, and the session."""
        token = secrets.token_urlsafe(32)
        session = Session(who, began=now, until=now + LONGEST, seen=now, password=password)
        with self._lock:
            self._open = {one: kept for one, kept in self._open.items() if kept.alive(now)}
            self._open[_hash(token)] = session
        return token, session

    def find(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """The session of a token, which begins its 30 minutes anew where it is `used`."""
        with self._lock:
            for kept in self._open.values():
                kept.forget_late(now)
            session = self._open.get(_hash(token))
            if session is None or not session.alive(now):
                return None
            if used:
                session.seen = now
            return session

    def end(self, session: Session) -> None:
        """It counts no more."""
        with self._lock:
            self._open = {one: kept for one, kept in self._open.items() if kept is not session}

    def end_all(self, who: str) -> None:
        """None of this person's counts any more."""
        with self._lock:
            self._open = {one: kept for one, kept in self._open.items() if kept.who != who}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
