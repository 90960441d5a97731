"""People pages: roles, training and passwords, and the people on shift (order, sections E.1.e, F.4 and
F.7).
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from platestream.access import accounts, shifts, terminals
from platestream.access.door import Door
from platestream.access.pages.account_terminals import note_ends
from platestream.access.pages.fields import (
    BASE,
    address,
    day,
    deactivate_record,
    page,
    previous_record,
    save_record,
)
from platestream.access.registry import put_user, show_several
from platestream.inquiries import search as inquiries
from platestream.operators.people import People
from platestream.schemas.acts import ROLES
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import Kind, RegistryRecord
from platestream.web.page_request import PageRequest, Routes

UNUSED = timedelta(days=90)
"""An account without a sign-in for so long is to be disabled (CJIS Security Policy, AC-2(3))."""


def list_people(request: PageRequest) -> Response:
    """Show all registered people, and a form for a new one."""
    shown = _shown(request)
    everybody = sorted(shown["people"].users.values(), key=lambda one: (not one.active, one.id))
    strangers = sorted(shown["passwords"] - {one.id for one in everybody if one.active})
    known = request.console.known_devices.all()
    seen = {who: max(one.last for one in browsers) for who, browsers in known.items() if browsers}
    unused = request.now - UNUSED
    return page(
        request, "people.html", everybody=everybody, strangers=strangers, seen=seen, unused=unused, **shown
    )


def show_person(request: PageRequest) -> Response:
    """Show one person. Raises RefusedError if nobody has that name."""
    shown = _shown(request)
    person = shown["people"].users.get(request.named("name"))
    if person is None:
        raise RefusedError("registry", f"nobody is registered as {request.named('name')}")
    devices = request.console.known_devices.of(person.id, request.now)
    sessions = request.console.sessions.of(person.id, request.now)
    shown["terminals"] = terminals.of(request.door.settings, person.id, request.now)
    return page(request, "person.html", person=person, devices=devices, sessions=sessions, **shown)


def register(request: PageRequest) -> Response:
    """Register or change a person."""
    roles = request.fields("role")
    if not roles:
        return request.refusal_page("Choose at least one role.", 400)
    known = previous_record(request, "user")

    def with_roles(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        return put_user(door, record, now, roles)

    written = save_record(
        request,
        "user",
        known,
        with_roles,
        name=request.field("title"),
        employee_number=request.field("employee_number") or (known.employee_number if known else ""),
        sworn={"yes": True, "no": False}.get(request.field("sworn"), known.sworn if known else None),
        trained_at=day(request, "trained", known.trained_at if known else None),
        **request.values("agency", "material", "approved_by"),
    )
    return request.redirect(address("people", written.id))


def deactivate(request: PageRequest) -> Response:
    """Deactivate a person: their password and tokens are revoked, and their sessions here end."""
    who = deactivate_record(
        request, "user", ". Their password, tokens and sessions are revoked, which cannot be undone"
    ).id
    request.console.sessions.end_all(who, request.session.who, "deactivated")
    return request.redirect(f"{BASE}/people")


def make_code(request: PageRequest) -> Response:
    """Make a one-time code for a person and show it once. Their password is revoked and their sessions
    end.
    """
    who = request.field("id")
    factor = request.field("factor") == "yes"
    text, made = accounts.invite(request.door, who, request.now, request.place, factor=factor)
    request.console.sessions.end_all(who, request.session.who, "a one-time code was made")
    if who == request.session.who:
        return request.console.sign_out(request.session)
    link = request.http.url.replace(path="/redeem", query=urlencode({"who": who, "code": text}))
    return page(request, "person_code.html", who=who, text=text, code=made, link=link)


def revoke_password(request: PageRequest) -> Response:
    """Revoke a person's password. Their sessions here end."""
    who = request.field("id")
    accounts.remove(request.door, who)
    request.console.sessions.end_all(who, request.session.who, "the password was revoked")
    return request.redirect(address("people", who))


def end_sessions(request: PageRequest) -> Response:
    """End all sessions and command lines of a person, and forget their browsers."""
    who = request.field("id")
    accounts.end_sessions(request.door, who)
    note_ends(request, terminals.end_all(request.door, who, request.now))
    request.console.forget_browsers(who, request.session.who)
    request.console.sessions.end_all(who, request.session.who, "all sessions of the person ended")
    if who == request.session.who:
        return request.console.sign_out(request.session)
    return request.redirect(address("people", who))


def raise_limit(request: PageRequest) -> Response:
    """Raise the number of vehicles shown to a person in 24 hours. An act of supervisors."""
    who = request.field("id")
    if not (by := request.vehicles()):
        raise ValueError("enter the number of additional vehicles")
    inquiries.raise_limit(request.door, who, by, **request.values("case_number", "reason"))
    return request.redirect(address("people", who))


def _shown(request: PageRequest) -> dict[str, Any]:
    kinds: tuple[Kind, ...] = ("user", "agency", "material")
    on_shift = None
    if request.may("shift_show"):
        found, there = shifts.show_beside(request.door, request.now, *kinds, beside="account")
        on_shift = {one.shift.user: one for one in there}
    else:
        found = show_several(request.door, *kinds, beside="account")
    return {
        "people": People([*found["user"], *found["agency"]]),
        "agencies": sorted(filter(lambda one: one.active, found["agency"]), key=lambda one: not one.own),
        "materials": [one for one in found["material"] if one.active],
        "rules": request.console.people()[1],
        "on_shift": on_shift,
        "passwords": set(request.console.passwords.names()),
        "factors": set(request.console.factors.all()),
        "ROLES": ROLES,
    }


ROUTES: Routes = {
    ("GET", f"{BASE}/people"): list_people,
    ("POST", f"{BASE}/people"): register,
    ("POST", f"{BASE}/people/end"): deactivate,
    ("POST", f"{BASE}/people/code"): make_code,
    ("POST", f"{BASE}/people/limit"): raise_limit,
    ("POST", f"{BASE}/people/no-password"): revoke_password,
    ("POST", f"{BASE}/people/sessions"): end_sessions,
    ("GET", f"{BASE}/people/{{name:path}}"): show_person,
}
