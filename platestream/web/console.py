"""State that the pages of the console and the API share."""

import gc
import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from platestream.access import accounts, passkey_file, second_factor, shifts
from platestream.access.device_file import known_devices
from platestream.access.door import Clients, Door, agency_zone
from platestream.access.openid import provider
from platestream.access.presence import Devices
from platestream.access.registry import load_people_and_cameras
from platestream.access.sign_in_log import SignInLog
from platestream.hits.alert_feed import LiveHitFeed
from platestream.hits.handling import RecentSteps
from platestream.hotlist.lookback_jobs import LookBackJobs
from platestream.notifications.factory import read_rules
from platestream.operations.up.status import planned_ports
from platestream.operators.notify.rules import NotifyRules
from platestream.operators.people import People, PeopleRules
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.message import RefusedError
from platestream.schemas.sign_in_event import EVERY_BROWSER, SignInEvent
from platestream.settings import Settings
from platestream.web import cookies
from platestream.web.attempts import SharedAttempts
from platestream.web.challenges import Challenges
from platestream.web.device_codes import DeviceCodes
from platestream.web.failures import FAILURES
from platestream.web.page_request import PageRequest
from platestream.web.rendering import Section, Templates
from platestream.web.sessions import PROVIDER, Session, Sessions
from platestream.web.shared_state import SharedState, open_shared_state

if TYPE_CHECKING:
    from platestream.web.oidc import SignInFlow

log = logging.getLogger(__name__)

TOOL = "console"
REGISTRY_MAX_AGE = timedelta(seconds=2)
"""Maximum age of the registry and the rules by which sessions, tokens and pages are judged; the gate judges
each act by those in force.
"""
STATIC = Path(str(files("platestream.web").joinpath("static")))

ADDRESS_FREE = 50
"""Failed sign-ins in a row from one address that delay nothing: a whole station may share it."""
ENDS = {
    "password": "the password was changed or revoked",
    "deactivated": "deactivated",
    "factor": "the second factor changed, or is required now",
    "shift": "the shift ended",
}
"""Reasons why `Console.check_session` ends a session, as recorded."""
_Registered = tuple[datetime, People, PeopleRules, dict[str, tuple[float, float]], AgencyRules]


class Console:
    """State that all pages share: settings, sessions, people, templates, and incoming hits. `shared` is the
    state that other consoles share, too.

    Raises RefusedError or OSError if a file of the OpenID provider cannot be used.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings, self.clock = settings, clock
        self.shared = open_shared_state(settings)
        self.sessions = Sessions(self.shared, self._sessions_ended)
        self.passwords = accounts.passwords(settings)
        second_factor.protect(settings)
        self.factors, self.passkeys = second_factor.factors(settings), passkey_file.passkeys(settings)
        self.known_devices, self.challenges = known_devices(settings), Challenges(self.shared)
        self.device_codes = DeviceCodes(self.shared)
        self.attempts = SharedAttempts(self.shared, "account", self._seconds)
        self.addresses = SharedAttempts(self.shared, "address", self._seconds, ADDRESS_FREE)
        self.alerts = LiveHitFeed()
        self.recent = RecentSteps(self.shared, clock)
        self.look_backs = LookBackJobs(self.shared, clock)
        self.devices = Devices()
        self.openid = _signing_in(settings, self.shared)
        self._clients = Clients(settings, automatic=True)
        self.sign_in_log = SignInLog(settings, self._clients, clock)
        self._lock = threading.Lock()
        self._people: _Registered | None = None
        self._changes = 0
        self.zone = agency_zone(self.door(""))
        self.notify_rules = self._notify_rules()
        _console, self.boards_port = planned_ports(settings)
        self.version = _version()
        self._drawing = Templates(self.zone, self.version)

    def door(self, who: str, tool: str = TOOL) -> Door:
        """Return the door of a person who is signed in here, or for whom the program `tool` acts."""
        known = self._people
        rules = known[4] if known is not None and self._is_current(known) else None
        return Door.for_person(self.settings, who, tool, self._clients, rules)

    def _notify_rules(self) -> NotifyRules:
        """Return the rules of notification, which have the priorities of categories; the default ones where
        the file cannot be used.
        """
        try:
            return read_rules(self.settings, self.door("").rules.gate)
        except RefusedError as error:
            log.warning(
                "the rules of notification cannot be used, so default priorities count: %s", error.detail
            )
            return NotifyRules()

    def _seconds(self) -> float:
        return self.clock().timestamp()

    def people(self) -> tuple[People, PeopleRules]:
        """Return the registered people, at most REGISTRY_MAX_AGE old."""
        return self._registered()[1:3]

    def _registered(self) -> "_Registered":
        with self._lock:
            if self._people is None or not self._is_current(self._people):
                self._changes = self.shared.changes
                now, door = self.clock(), Door.for_person(self.settings, "", TOOL, self._clients)
                people, rules, cameras = load_people_and_cameras(door)
                self._people = (now, people, rules, cameras, door.rules)
            return self._people

    def use_notice(self) -> dict[str, str]:
        """Return the agency's name and its own notice of use for the pages of sign-in; empty texts where the
        rules cannot be read.
        """
        try:
            profile = self._registered()[4].profile
        except FAILURES:
            return {"agency": "", "use_notice": ""}
        return {"agency": profile.agency.name, "use_notice": profile.sign_in.notice}

    def forget(self) -> None:
        """Read registry and rules again for the next page, here and at other consoles: they have changed, or
        may not be old.
        """
        self.shared.note_change()

    def _is_current(self, known: "_Registered") -> bool:
        return self.clock() - known[0] <= REGISTRY_MAX_AGE and self._changes == self.shared.changes

    def roles(self, who: str) -> tuple[str, ...]:
        """Return the roles of a person. They only choose what is offered; the door decides."""
        user = self.people()[0].users.get(who)
        return tuple(user.roles) if user is not None and user.active else ()

    def session(self, token: str, *, used: bool = True) -> Session | None:
        """Return the session of a browser's token if it is valid."""
        return self.check_session(token, used=used)[0]

    def check_session(self, token: str, *, used: bool = True) -> tuple[Session | None, str]:
        """Return the session of a browser's token, or None and the code of why it has ended (`signin.SAID`).

        The password is compared with the current file of passwords; person and shift with the registry as of
        at most REGISTRY_MAX_AGE ago.
        """
        now = self.clock()
        found = self.sessions.find(token, now, used=used)
        if found is None:
            return None, ""
        ended = self._ended(found, now)
        if not ended and found.pending:
            return None, "pending"
        if not ended and not self._factor_given(found):
            ended = "factor"
        if not ended:
            return found, ""
        self.sessions.end(found, why=ENDS[ended])
        log.info("a session of %s has ended: %s", found.who, ended)
        return None, ended

    def pending_session(self, token: str) -> Session | None:
        """Return the session of a browser's token if it waits for a second factor."""
        now = self.clock()
        found = self.sessions.find(token, now, used=False)
        return found if found is not None and found.pending and not self._ended(found, now) else None

    def needs_factor(self, who: str) -> bool:
        """Return whether a person signs in with a second factor: the rules require it, or they have one."""
        return self.has_factor(who) or self.requires_factor(who)

    def has_factor(self, who: str) -> bool:
        """Return whether a person has an authenticator app or a passkey."""
        return bool(self.factor_versions(who))

    def factor_versions(self, who: str) -> set[str]:
        """Return the versions of a person's authenticator app and passkeys."""
        app = self.factors.version(who)
        return {one.passkey.version for one in self.passkeys.of(who)} | ({app} if app else set())

    def requires_factor(self, who: str) -> bool:
        """Return whether the rules in force require a second factor of a person."""
        return self._registered()[4].profile.sign_in.requires_second_factor(self.roles(who))

    def _factor_given(self, session: Session) -> bool:
        """Return whether a session has the second factor that its person needs now."""
        if session.factor == PROVIDER:
            return self.openid is not None
        if versions := self.factor_versions(session.who):
            return session.factor in versions
        return not session.factor and not self.requires_factor(session.who)

    def _ended(self, session: Session, now: datetime) -> str:
        if self.deactivated(session.who):
            return "deactivated"
        if session.password is None:
            ended = session.resets != accounts.resets(self.settings, session.who)
        else:
            ended = session.password != self.passwords.version(session.who)
        if ended:
            return "password"
        on_shift = shifts.shift_of(self.people()[0], session.who, now)
        if session.shift and (on_shift is None or on_shift.id != session.shift):
            return "shift"
        if on_shift is not None and session.shift != on_shift.id:
            session.change(shift=on_shift.id)  # also for a browser that did not begin the shift
        return ""

    def deactivated(self, who: str) -> bool:
        """Return whether this person is deactivated in the registry."""
        user = self.people()[0].users.get(who)
        return user is not None and not user.active

    def cameras(self) -> dict[str, tuple[float, float]]:
        """Return the locations of the registered cameras, at most REGISTRY_MAX_AGE old."""
        return self._registered()[3]

    def sections(self, who: str) -> list[Section]:
        """Return the sections that are offered to this person."""
        return self._drawing.sections(self.roles(who))

    def known_name(self, who: str) -> str:
        """Return a name that somebody has here; empty for any other text."""
        try:
            known = who in self.people()[0].users
        except FAILURES:  # without the database
            known = False
        return who if known or who in self.passwords.names() else ""

    def forget_browsers(self, who: str, by: str) -> None:
        """Record that the known browsers of a person were forgotten."""
        event = SignInEvent(kind="forgotten", at=self.clock(), who=who, by=by, browser=EVERY_BROWSER)
        self.sign_in_log.note([event])

    def tend(self) -> None:
        """End sessions whose time is over, and write what waits to be logged."""
        now = self.clock()
        self.sessions.end_expired(now)
        self.shared.tend(now)
        self.sign_in_log.try_to_write()

    def _sessions_ended(self, ended: Sequence[tuple[str, str]], by: str, why: str) -> None:
        now = self.clock()
        self.sign_in_log.note(
            [SignInEvent(kind="ended", at=now, who=who, by=by, session=name, why=why) for who, name in ended]
        )

    def sign_out(self, session: Session) -> Response:
        """End a session and redirect to the sign-in page."""
        self.sessions.end(session, session.who, "signed out")
        self.devices.record_sign_out(self.door(""), session.who, self.clock())
        log.info("%s signed out", session.who)
        return cookies.end_session("/sign-in?said=out")

    def render(self, template: str, request: PageRequest | None, **shown: Any) -> str:
        """Render a template as HTML."""
        roles = self.roles(request.session.who) if request else ()
        return self._drawing.page(template, request=request, roles=roles, **shown)

    def prepare(self) -> None:
        """Prepare once, before the first request, everything that would slow down pages."""
        self._drawing.prepare()
        gc.collect()
        gc.freeze()  # Exclude long-lived objects: scanning them took 150 ms of one page in ten.

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()
        self.shared.close()


def _signing_in(settings: Settings, shared: SharedState) -> "SignInFlow | None":
    """Return the sign-in by OpenID Connect where a provider is named. Raises RefusedError without authlib."""
    named = provider(settings)
    if named is None:
        return None
    try:
        from platestream.web.oidc import SignInFlow
    except ModuleNotFoundError as error:
        raise RefusedError(
            "no_authlib", f"OpenID Connect needs the package {error.name}: install platestream[oidc]"
        ) from None
    return SignInFlow(named, shared)


def _version() -> str:
    """Return a version that changes with each of the files that pages load."""
    whole = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:12]
