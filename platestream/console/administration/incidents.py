"""What came of ALPR use: significant incidents and arrests, which the order asks reports of (E.1.f)."""

from starlette.responses import Response

from platestream.console.administration.fields import BASE, before, end, lines, page, put
from platestream.console.visit import Routes, Visit
from services.registry import show_several

OUTCOMES = {
    "arrest": "arrest",
    "recovery": "vehicle or property recovered",
    "person_located": "person located",
    "significant": "significant incident",
    "result": "another result",
}


def listed(visit: Visit) -> Response:
    """All that is on record, the newest first, and a form for more."""
    found = show_several(visit.door, "incident", "camera", "detail")
    active = [one for one in found["incident"] if one.active]
    return page(
        visit,
        "incidents.html",
        incidents=sorted(active, key=lambda one: one.since or visit.now, reverse=True),
        cameras=[one for one in found["camera"] if one.active],
        details=[one for one in found["detail"] if one.active],
        OUTCOMES=OUTCOMES,
    )


def register(visit: Visit) -> Response:
    """Put an incident on record."""
    put(
        visit,
        "incident",
        before(visit, "incident"),
        name=visit.said("title"),
        outcome=visit.said("outcome"),
        since=visit.time("since"),
        cameras=lines(visit, "cameras"),
        detail=visit.said("detail"),
        case_number=visit.said("case_number"),
    )
    return visit.see(f"{BASE}/incidents")


def ended(visit: Visit) -> Response:
    """An incident counts no more: it was entered by mistake."""
    end(visit, "incident")
    return visit.see(f"{BASE}/incidents")


ROUTES: Routes = {
    ("GET", f"{BASE}/incidents"): listed,
    ("POST", f"{BASE}/incidents"): register,
    ("POST", f"{BASE}/incidents/end"): ended,
}
