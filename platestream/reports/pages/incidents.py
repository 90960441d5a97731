"""Incident pages: significant incidents and arrests from ALPR use, for the order's reports (E.1.f)."""

from starlette.responses import Response

from platestream.access.pages.fields import BASE, deactivation, lines, page, previous_record, save_record
from platestream.access.registry import show_several
from platestream.web.page_request import PageRequest, Routes

OUTCOMES = {
    "arrest": "arrest",
    "recovery": "vehicle or property recovered",
    "person_located": "person located",
    "significant": "significant incident",
    "result": "another result",
}


def list_incidents(request: PageRequest) -> Response:
    """Show all recorded incidents, newest first, and a form for a new one."""
    found = show_several(request.door, "incident", "camera", "detail")
    active = [one for one in found["incident"] if one.active]
    return page(
        request,
        "incidents.html",
        incidents=sorted(active, key=lambda one: one.since or request.now, reverse=True),
        cameras=[one for one in found["camera"] if one.active],
        details=[one for one in found["detail"] if one.active],
        OUTCOMES=OUTCOMES,
    )


def record_incident(request: PageRequest) -> Response:
    """Record an incident."""
    save_record(
        request,
        "incident",
        previous_record(request, "incident"),
        name=request.field("title"),
        since=request.time("since"),
        cameras=lines(request, "cameras"),
        **request.values("outcome", "detail", "case_number"),
    )
    return request.redirect(f"{BASE}/incidents")


ROUTES: Routes = {
    ("GET", f"{BASE}/incidents"): list_incidents,
    ("POST", f"{BASE}/incidents"): record_incident,
    ("POST", f"{BASE}/incidents/end"): deactivation("incident"),
}
