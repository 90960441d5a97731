"""Guided first set-up: the agency and its first administrator, and a list of the steps that follow."""

from dataclasses import dataclass

from starlette.responses import Response

from platestream.access import accounts, recovery, registry, rules_in_force
from platestream.access.pages.fields import BASE, day
from platestream.access.profiles import load, names
from platestream.schemas.acts import ROLES
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.web.page_request import PageRequest, Routes

PATH = "/setup"
FIRST_ROLES = ("administrator", "supervisor", "officer", "analyst")
"""Roles that the form of the first administrator offers. An audit is by another person."""


@dataclass(frozen=True)
class Step:
    """A step after the first one: its name, its page, and True if it is done."""

    name: str
    what: str
    path: str
    done: bool


def show(request: PageRequest) -> Response:
    """Show the form of the first step, or the steps that are left."""
    if not recovery.status(request.door).founded:
        profile = request.door.rules.profile
        return request.page("setup_agency.html", profile=profile, ROLES=ROLES, FIRST_ROLES=FIRST_ROLES)
    return _steps(request)


def found(request: PageRequest) -> Response:
    """Register the agency and the person of this session as its first administrator.

    The recovery code is shown once. Raises RefusedError and RefusedInquiry.
    """
    password = str(request.form.get("password", ""))
    if password != request.form.get("again"):
        return request.refusal_page("The two passwords differ. Nothing was saved. Enter both again.", 400)
    door, now, who = request.door, request.now, request.session.who
    with door.log_refusal("registry_agency", f"agency/{request.field('agency')}"[:64]):
        if recovery.status(door).founded:
            raise RefusedError("registry", "this agency is set up already (order, section C.2)")
        accounts.check_length(password)
    agency = RegistryRecord(
        kind="agency",
        id=request.field("agency"),
        name=request.field("agency_name"),
        state=request.field("state").upper(),
        own=True,
    )
    person = RegistryRecord(
        kind="user",
        id=who,
        name=request.field("title"),
        agency=agency.id,
        employee_number=request.field("employee_number"),
        sworn={"yes": True, "no": False}.get(request.field("sworn")),
        trained_at=day(request, "trained"),
    )
    roles = ["administrator", *(one for one in request.fields("role") if one != "administrator")]
    registry.put_agency(door, agency, now)
    code = recovery.code_at_founding(door, roles)
    registry.put_user(door, person, now, roles)
    request.console.forget()
    accounts.set_own(door, password, now, request.place)
    versions = request.console.passwords.version(who), accounts.resets(door.settings, who)
    request.session.change(password=versions[0], resets=versions[1])
    return _steps(request, code)


def put_rules(request: PageRequest) -> Response:
    """Put a profile of the package in force."""
    rules_in_force.put_in_force(request.door, request.field("profile"), request.field("by"))
    return request.redirect(PATH)


def _steps(request: PageRequest, code: str = "") -> Response:
    found = registry.show_several(request.door, "user", "camera", "agency", "hotlist_source", beside="rules")
    rules = request.door.rules
    people = [one for one in found["user"] if one.active]
    ours = {one.name for one in found["agency"] if one.own}
    rules_set = rules.profile.agency.name in ours
    steps = (
        Step("Rules", f"in force: {rules.name}", f"{PATH}#rules", rules_set),
        Step(
            "People",
            f"{len(people)} registered; each gets an invitation link",
            f"{BASE}/people",
            len(people) > 1,
        ),
        Step(
            "Cameras",
            f"{len(found['camera'])} registered; approve those of the gateway in one step",
            f"{BASE}/cameras",
            any(one.active and one.approved_by for one in found["camera"]),
        ),
        Step(
            "Hot lists",
            "designate sources and register their feeds",
            f"{BASE}/lists",
            any(one.has_feed for one in found["hotlist_source"]),
        ),
    )
    profiles = {name: load(name).agency.order for name in names()}
    return request.page(
        "setup.html",
        steps=steps,
        code=code,
        ruled=rules,
        rules_set=rules_set,
        profiles=profiles,
        may_rule=request.may("rules"),
    )


ROUTES: Routes = {
    ("GET", PATH): show,
    ("POST", PATH): found,
    ("POST", f"{PATH}/rules"): put_rules,
}
