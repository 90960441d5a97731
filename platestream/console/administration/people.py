"""People: their roles, training and passwords, and who is on shift (order, sections E.1.e, F.4 and F.7)."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from operators.people import People
from platestream.console.administration.fields import BASE, address, asked, before, day, end, may, page, put
from platestream.console.visit import Routes, Visit
from schemas.acts import ROLES
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import accounts, shifts
from services.door import Door
from services.inquiries import looking
from services.registry import put_user, show_several


def listed(visit: Visit) -> Response:
    """Everybody who is registered, and a form for somebody new."""
    shown = _shown(visit)
    everybody = sorted(shown["people"].users.values(), key=lambda one: (not one.active, one.id))
    strangers = sorted(shown["passwords"] - {one.id for one in everybody if one.active})
    return page(visit, "people.html", everybody=everybody, strangers=strangers, **shown)


def one(visit: Visit) -> Response:
    """One person. Raises RefusedError where nobody has that name."""
    shown = _shown(visit)
    person = shown["people"].users.get(asked(visit))
    if person is None:
        raise RefusedError("registry", f"nobody is registered as {asked(visit)}")
    return page(visit, "person.html", person=person, **shown)


def register(visit: Visit) -> Response:
    """Register or change a person."""
    roles = visit.several("role")
    if not roles:
        return visit.refused("Choose at least one role.", 400)
    known = before(visit, "user")

    def with_roles(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        return put_user(door, record, now, roles)

    written = put(
        visit,
        "user",
        known,
        with_roles,
        name=visit.said("title"),
        agency=visit.said("agency"),
        employee_number=visit.said("employee_number") or (known.employee_number if known else ""),
        sworn={"yes": True, "no": False}.get(visit.said("sworn"), known.sworn if known else None),
        material=visit.said("material"),
        trained_at=day(visit, "trained", known.trained_at if known else None),
        approved_by=visit.said("approved_by"),
    )
    return visit.see(address("people", written.id))


def ended(visit: Visit) -> Response:
    """Deactivate a person: their password and tokens are taken away, and their sessions here end."""
    who = end(visit, "user", ", and password, tokens and sessions with them: these do not come back").id
    visit.console.sessions.end_all(who)
    return visit.see(f"{BASE}/people")


def code(visit: Visit) -> Response:
    """Make a one-time code for a person, shown this once; their password ends, and so do its sessions."""
    who = visit.said("id")
    text, made = accounts.invite(visit.door, who, visit.now, _place(visit))
    visit.console.sessions.end_all(who)
    if who == visit.session.who:
        return visit.console.sign_out(visit.session)
    return page(visit, "person_code.html", who=who, text=text, code=made)


def no_password(visit: Visit) -> Response:
    """Take a person's password away; their sessions here end."""
    who = visit.said("id")
    accounts.end(visit.door, who)
    visit.console.sessions.end_all(who)
    return visit.see(address("people", who))


def limit(visit: Visit) -> Response:
    """Raise the number of vehicles that a person is shown in 24 hours: a supervisor's act."""
    who = visit.said("id")
    if not (by := visit.vehicles()):
        raise ValueError("say how many different vehicles more")
    looking.raise_limit(
        visit.door, who, by, case_number=visit.said("case_number"), reason=visit.said("reason")
    )
    return visit.see(address("people", who))


def _place(visit: Visit) -> str:
    return f"on the console from {visit.address}"


def _shown(visit: Visit) -> dict[str, Any]:
    found = show_several(visit.door, "user", "agency", "material")
    on_shift = None
    if may(visit, "shift_show"):
        on_shift = {shift.user: shift for shift in shifts.show(visit.door, visit.now)}
    return {
        "people": People([*found["user"], *found["agency"]]),
        "agencies": sorted(filter(lambda one: one.active, found["agency"]), key=lambda one: not one.own),
        "materials": [one for one in found["material"] if one.active],
        "rules": visit.console.people()[1],
        "on_shift": on_shift,
        "passwords": set(accounts.listed(visit.door)),
        "ROLES": ROLES,
    }


ROUTES: Routes = {
    ("GET", f"{BASE}/people"): listed,
    ("POST", f"{BASE}/people"): register,
    ("POST", f"{BASE}/people/end"): ended,
    ("POST", f"{BASE}/people/code"): code,
    ("POST", f"{BASE}/people/limit"): limit,
    ("POST", f"{BASE}/people/no-password"): no_password,
    ("GET", f"{BASE}/people/{{name:path}}"): one,
}
