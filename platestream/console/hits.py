"""Alert hits: the list that new ones come into, and one hit from the read to what came of it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.responses import Response

from platestream.console import evidence, handling, partners, pictures
from platestream.console.places import drawn
from platestream.console.sessions import Rest
from platestream.console.visit import Routes, Visit
from schemas import plates
from schemas.acts import BY_NAME
from services import hits as job
from services import shifts
from services.door import Why
from services.evidence.elsewhere import told_of

if TYPE_CHECKING:
    from platestream.console.app import Console

ON_SHIFT = "Alert hits of my shift, as they come (order, sections F.4 and G.2)"
LIVE = timedelta(hours=24)
"""How far back the list of a shift goes."""
A_PAGE = 50
MOST = 1000
"""Of more hits only the newest are read: nobody looks through more, and the end of the list says so."""
STATUS = {
    "unverified": "not verified",
    "plate_confirmed": "plate and state match",
    "misread": "misread",
    "wrong_state": "another state",
    "confirmed": "verified",
    "not_current": "entry not current",
    "acted": "action taken",
    "closed": "closed",
}
OPEN = ("unverified", "plate_confirmed", "confirmed", "not_current")
MATCH = {
    "exact": "read exactly as listed",
    "look_alike": "looks alike: characters may be misread",
    "alternative": "another reading of this plate is listed",
    "partial": "fits the characters that are known",
    "description": "fits the description of the vehicle",
}
STATE = {"same": "the state is the same", "unknown": "the state was not read", "contradicts": "ANOTHER STATE"}
FIELDS = ("case_number", "note", "mvd_result", "checked_with", "result")


def listed(visit: Visit) -> Response:
    """On shift the hits of the last day, and new ones as they come; else a form that asks why."""
    shift = shifts.of_person(visit.console.people()[0], visit.session.who, visit.now)
    if shift is None:
        return visit.page("hits_why.html")
    visit.session.shift = shift.id
    after = visit.console.alerts.newest  # before the look: what comes meanwhile is sent, and shown once
    found = job.standing(
        visit.door, since=visit.now - LIVE, recent=visit.console.recent.all(), most=MOST, reason=ON_SHIFT
    )
    return _page(visit, found, shift=shift, after=after)


def form(visit: Visit) -> Response:
    """The form that asks why, on shift, too."""
    return visit.page("hits_why.html")


def looked_up(visit: Visit) -> Response:
    """Hits of the last 30 days, for a case or a reason."""
    found = job.standing(
        visit.door,
        pattern=plates.pattern(visit.said("plate")),
        cameras=visit.several("camera"),
        since=visit.time("since"),
        until=visit.time("until"),
        recent=visit.console.recent.all(),
        most=MOST,
        case_number=visit.said("case_number"),
        reason=visit.said("reason"),
    )
    return _page(visit, found, shift=None)


def older(visit: Visit) -> Response:
    """The next of a list that is scrolled, by the look that found it, while its person may still see hits."""
    rest, asked = visit.session.rest, visit.request.path_params
    may = bool(set(visit.console.roles(visit.session.who)) & set(BY_NAME["hits"].roles))
    known = rest is not None and rest.name == asked["look"]
    shown = _part(rest, asked["after"]) if rest and known and may else {"late": True, "hits": ()}
    return visit.page("hits_more.html" if visit.partly else "hits.html", shift=None, **shown)


def _page(visit: Visit, found: list[job.Standing], shift: Any, after: int = 0) -> Response:
    wanted = visit.said("status")
    shown = [one for one in found if wanted in ("", one.history.status)]
    shown.sort(key=lambda one: one.history.status not in OPEN)  # stable: the newest first in both halves
    visit.session.rest = rest = Rest(shown, visit.now)
    return visit.page("hits.html", shift=shift, after=after, **_part(rest, 0))


def _part(rest: Rest, after: int) -> dict[str, Any]:
    """A_PAGE of the list, after so many, and where the next ones are."""
    end = after + A_PAGE
    return {
        "hits": rest.found[after:end],
        "following": f"/hits/older/{rest.name}/{end}" if end < len(rest.found) else "",
        "cut": len(rest.found) >= MOST,
        "late": False,
        **WORDS,
    }


def line(console: "Console", hit: job.Standing) -> str:
    """One line of the list, for whoever is shown it."""
    return console.draw("hit_row.html", None, hit=hit, fresh=True, **WORDS)


def one(visit: Visit) -> Response:
    """One hit, with all that is to be known before acting."""
    why = _why(visit)
    return _one(visit, handling.found(visit.console, visit.door, _asked(visit), why), why)


def step(visit: Visit) -> Response:
    """Record a step; then the hit as it stands."""
    hit = handling.found(visit.console, visit.door, _asked(visit), _why(visit))
    kind: Any = visit.said("kind")
    told: dict[str, Any] = {name: visit.said(name) for name in FIELDS}
    told["actionable"] = visit.said("actionable") == "yes"
    told["stopped"] = visit.said("stopped") == "yes"
    handling.take(visit.console, visit.door, hit, kind, visit.said("actual"), told)
    return visit.see(f"/hits/{hit.hit_id}")


def _one(visit: Visit, hit: job.Standing, why: Why) -> Response:
    row = hit.row
    look = visit.session.remember(job.serving(visit.door, why))
    seen = row["detection_id"], row["captured_at"]
    links = {kind: pictures.link(visit, look, *seen, kind) for kind in pictures.KINDS}
    if row["agency"]:  # its pictures are with that agency, and come by an inquiry of their own
        links = {"vehicle": partners.link(visit, look, row["agency"], *seen)}
    held: dict[str, Any] = {}
    roles = visit.console.roles(visit.session.who)
    if row["agency"] and not set(roles).isdisjoint(BY_NAME["evidence_hold"].roles):
        held = {"read": evidence.value(told_of(row)._asdict()), **evidence.asked_for(visit)}
    places = {row["camera_id"]: (row["latitude"], row["longitude"])}
    return visit.page(
        "hit.html",
        hit=hit,
        links=links,
        held=held,
        map=drawn(places, visit.console.cameras()),
        case_number=why.get("case_number", ""),
        keepers=job.keepers(row["source"]),
        **WORDS,
    )


def _asked(visit: Visit) -> UUID:
    found: UUID = visit.request.path_params["hit"]
    return found


def _why(visit: Visit) -> Why:
    return handling.why(_asked(visit), visit.said("case_number"))


WORDS: dict[str, Any] = {
    "STATUS": STATUS,
    "MATCH": MATCH,
    "STATE": STATE,
    "SAID": job.SAID,
    "differing": job.differing,
}
ROUTES: Routes = {
    ("GET", "/hits"): listed,
    ("GET", "/hits/look"): form,
    ("POST", "/hits"): looked_up,
    ("GET", "/hits/older/{look}/{after:int}"): older,
    ("GET", "/hits/{hit:uuid}"): one,
    ("POST", "/hits/{hit:uuid}/steps"): step,
}
