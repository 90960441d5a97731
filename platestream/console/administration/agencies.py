"""Agencies: this one, and those that data is shared with by an MOU (order, sections F.6 and I.2)."""

from typing import Any

from starlette.responses import Response

from platestream.console.administration.fields import BASE, address, asked, before, day, end, lines, page, put
from platestream.console.visit import Routes, Visit
from schemas.acts import ACTS
from schemas.message import RefusedError
from services.registry import show_several

KINDS = {act.name: act.does for act in ACTS if act.partners}
"""What other agencies may do at all, in the order's words."""


def listed(visit: Visit) -> Response:
    """All agencies, and a form for a new one."""
    found = show_several(visit.door, "agency", "camera")
    everyone = sorted(found["agency"], key=lambda one: (not one.own, not one.active, one.id))
    return page(visit, "agencies.html", everyone=everyone, cameras=found["camera"], KINDS=KINDS)


def one(visit: Visit) -> Response:
    """One agency. Raises RefusedError where none has that name."""
    found = show_several(visit.door, "agency", "camera")
    for agency in found["agency"]:
        if agency.id == asked(visit):
            return page(visit, "agency.html", agency=agency, cameras=found["camera"], KINDS=KINDS)
    raise RefusedError("registry", f"no agency {asked(visit)} is registered")


def register(visit: Visit) -> Response:
    """Register or change an agency and its MOU."""
    known = before(visit, "agency")
    days: dict[str, Any] = {
        name: day(visit, name, getattr(known, name, None))
        for name in ("mou_from", "mou_until", "declared_at")
    }
    written = put(
        visit,
        "agency",
        known,
        name=visit.said("title"),
        own=visit.said("own") == "yes",
        law_enforcement=visit.said("civil") != "yes",
        state=visit.said("state").upper(),
        shares_cameras=lines(visit, "shares_cameras"),
        shares_kinds=tuple(visit.several("shares_kinds")),
        approved_by=visit.said("approved_by"),
        declared_by=visit.said("declared_by"),
        declaration=visit.said("declaration").lower(),
        **days,
    )
    return visit.see(address("agencies", written.id))


def ended(visit: Visit) -> Response:
    """End the time of an agency: its people see nothing any more."""
    end(visit, "agency")
    return visit.see(f"{BASE}/agencies")


ROUTES: Routes = {
    ("GET", f"{BASE}/agencies"): listed,
    ("POST", f"{BASE}/agencies"): register,
    ("POST", f"{BASE}/agencies/end"): ended,
    ("GET", f"{BASE}/agencies/{{name:path}}"): one,
}
