"""Sessions of signed-in people, in memory.

A session ends after 30 minutes without a request, at the end of a shift during which it was used, on signing
out, and at the first request after its person was deactivated or got another password (`Console.session`).
During a shift the heartbeats of an open page count as requests: they show that the device is there.

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

from starlette.datastructures import FormData

from platestream.access.door import Documentation

if TYPE_CHECKING:
    from platestream.web.page_request import PageRequest

IDLE_LIMIT = timedelta(minutes=30)
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
OnEnd = Callable[[Sequence["Session"], str, str], None]


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
    at: datetime
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
        return len(self.found) - sum(len(one.hits) for one in self.groups)


@dataclass(frozen=True)
class Undo:
    """Last action that can be undone, described by `message`. `back` undoes it and returns the address of the
    next page.
    """

    message: str
    back: "Callable[[PageRequest], str]" = field(repr=False)
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class HeldForm:
    """Form that waits for the second factor, at most UPLOAD_LIVES: its path and its fields."""

    path: str
    form: FormData = field(repr=False)
    at: datetime
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass
class Session:
    """Session of one person at one browser.

    `csrf` is in each of its forms. `until` is its latest end, and `shift` the shift with which it ends, if
    any. `way` names the first step of the sign-in. `password` is the version of the password at sign-in, None
    with a provider. `resets` marks the account's one-time codes of that time (`accounts.resets`).
    `live_picture` names the one that it shows.
    `notice`: show events of the account that others caused. `searches` are the forms of its last searches, by
    inquiry, for their further pages, and `overviews` what each page shows of all that was found. `device`
    describes browser and address to the person, and `name` identifies the session in the list of their
    sessions; it is not the token.

    `factor` is the version of the second factor that was given at sign-in, empty for none. A `pending`
    session waits for it and opens no page; then it leads to `where`. `secret` is that of an authenticator app
    that is being set up. `proved_at` is the time at which the second factor was given last, and `held` a form
    that waits for it.
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
    documentation: Recent[str, Documentation] = field(default_factory=lambda: Recent(50), repr=False)
    pictures: Recent[UUID, dict[str, bytes]] = field(default_factory=lambda: Recent(4), repr=False)
    searches: Recent[UUID, FormData] = field(default_factory=lambda: Recent(20), repr=False)
    overviews: Recent[UUID, Any] = field(default_factory=lambda: Recent(20), repr=False)
    upload: Upload | None = field(default=None, repr=False)
    remaining: RemainingResults | None = field(default=None, repr=False)
    undo: Undo | None = field(default=None, repr=False)
    live_picture: str = field(default="", repr=False)
    notice: bool = False
    factor: str = field(default="", repr=False)
    pending: bool = False
    where: str = "/"
    secret: str = field(default="", repr=False)
    proved_at: datetime | None = None
    held: HeldForm | None = field(default=None, repr=False)
    device: str = ""
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def is_alive(self, now: datetime) -> bool:
        """Return whether the session is still valid."""
        return now < self.until and now - self.last_request < IDLE_LIMIT

    def extend(self, now: datetime, shift_ends: datetime) -> None:
        """Restart the 30 minutes: the device of somebody on shift is there. The session then lasts as long as
        the shift, which ends it.
        """
        self.last_request = now
        self.until = max(self.until, shift_ends)

    def drop_expired(self, now: datetime) -> None:
        """Drop what waited too long."""
        if self.upload is not None and now - self.upload.at >= UPLOAD_LIVES:
            self.upload = None
        if self.held is not None and now - self.held.at >= UPLOAD_LIVES:
            self.held = None
        if self.remaining is not None and now - self.remaining.at >= REST_LIVES:
            self.remaining = None
        if self.undo is not None and now - self.undo.at >= UNDO_LIVES:
            self.undo = None

    def remember_documentation(self, why: Documentation) -> str:
        """Return a name for the documentation of a query, so that no address holds a reason."""
        name = secrets.token_urlsafe(9)
        self.documentation.put(name, why)
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
        return hmac.new(self._key, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()


class Sessions:
    """All sessions. Thread-safe. `on_end` gets the sessions that ended, by whom, and why."""

    def __init__(self, on_end: OnEnd = lambda _ended, _by, _why: None) -> None:
        self._open: dict[bytes, Session] = {}
        self._lock = threading.Lock()
        self._on_end = on_end

    def begin(
        self,
        who: str,
        now: datetime,
        password: str | None = None,
        device: str = "",
        *,
        pending: bool = False,
        way: str = "",
        name: str = "",
    ) -> tuple[str, Session]:
        """Begin a session; return the token that the browser gets, and the session."""
        token = secrets.token_urlsafe(32)
        until = now + (PENDING_LIVES if pending else LONGEST_SESSION)
        session = Session(who, began=now, until=until, last_request=now, password=password, device=device)
        session.pending, session.way, session.name = pending, way, name or session.name
        self.end_expired(now)
        with self._lock:
            self._open[_hash(token)] = session
        return token, session

    def end_expired(self, now: datetime) -> None:
        """End the sessions whose time is over."""
        self._end(lambda one: not one.is_alive(now), "", TIMED_OUT)

    def find(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """Return the session of a token. `used` restarts its 30 minutes."""
        with self._lock:
            for other in self._open.values():
                other.drop_expired(now)
            session = self._open.get(_hash(token))
            if session is None or not session.is_alive(now):
                return None
            if used:
                session.last_request = now
            return session

    def of(self, who: str, now: datetime) -> list[Session]:
        """Return the sessions of a person, the newest first."""
        with self._lock:
            found = [
                one for one in self._open.values() if one.who == who and one.is_alive(now) and not one.pending
            ]
        return sorted(found, key=lambda one: one.began, reverse=True)

    def end(self, session: Session, by: str = "", why: str = "") -> None:
        """End a session, by a person if one is named."""
        self._end(lambda one: one is session, by, why)

    def end_all(self, who: str, by: str = "", why: str = "", *, but: Session | None = None) -> None:
        """End all sessions of a person, but for this one if given."""
        self._end(lambda one: one.who == who and one is not but, by, why)

    def _end(self, ends: Callable[[Session], bool], by: str, why: str) -> None:
        with self._lock:
            ended = [one for one in self._open.values() if ends(one)]
            self._open = {key: one for key, one in self._open.items() if not ends(one)}
        if real := [one for one in ended if not one.pending]:
            self._on_end(real, by, why)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
