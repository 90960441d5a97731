"""Agency pages: our own agency, and agencies with an MOU for shared data (order, sections F.6 and I.2)."""

from typing import Any

from starlette.responses import Response

from platestream.access.pages.fields import (
    BASE,
    address,
    day,
    deactivation,
    lines,
    page,
    previous_record,
    save_record,
)
from platestream.access.registry import show_several
from platestream.schemas.acts import ACTS
from platestream.schemas.message import RefusedError
from platestream.web.page_request import PageRequest, Routes

KINDS = {act.name: act.does for act in ACTS if act.partners}
"""Kinds of inquiries that other agencies may make, in the order's words."""


def list_agencies(request: PageRequest) -> Response:
    """Show all agencies, and a form for a new one."""
    found = show_several(request.door, "agency", "camera")
    everyone = sorted(found["agency"], key=lambda one: (not one.own, not one.active, one.id))
    return page(request, "agencies.html", everyone=everyone, cameras=found["camera"], KINDS=KINDS)


def show_agency(request: PageRequest) -> Response:
    """Show one agency. Raises RefusedError if no agency has that name."""
    found = show_several(request.door, "agency", "camera")
    for agency in found["agency"]:
        if agency.id == request.named("name"):
            return page(request, "agency.html", agency=agency, cameras=found["camera"], KINDS=KINDS)
    raise RefusedError("registry", f"no agency is registered as {request.named('name')}")


def register(request: PageRequest) -> Response:
    """Register an agency and its MOU, or change them."""
    known = previous_record(request, "agency")
    days: dict[str, Any] = {
        name: day(request, name, getattr(known, name, None))
        for name in ("mou_from", "mou_until", "declared_at")
    }
    written = save_record(
        request,
        "agency",
        known,
        name=request.field("title"),
        own=request.field("own") == "yes",
        law_enforcement=request.field("civil") != "yes",
        state=request.field("state").upper(),
        shares_cameras=lines(request, "shares_cameras"),
        shares_kinds=tuple(request.fields("shares_kinds")),
        **request.values("approved_by", "declared_by"),
        declaration=request.field("declaration").lower(),
        **days,
    )
    return request.redirect(address("agencies", written.id))


ROUTES: Routes = {
    ("GET", f"{BASE}/agencies"): list_agencies,
    ("POST", f"{BASE}/agencies"): register,
    ("POST", f"{BASE}/agencies/end"): deactivation("agency"),
    ("GET", f"{BASE}/agencies/{{name:path}}"): show_agency,
}
