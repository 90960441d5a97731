"""Pages of alert hits: the live list, and one hit from the read to the disposition."""

from datetime import timedelta
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from platestream.access import shifts
from platestream.access.door import Documentation
from platestream.evidence import pages as evidence
from platestream.evidence.partner_reads import read_of
from platestream.hits import handling
from platestream.hits import service as job
from platestream.inquiries.pages import pictures
from platestream.inquiries.pages.result_views import draw_map
from platestream.maps.pages import street_map
from platestream.operators import hit_words
from platestream.partners.pages import search as partners
from platestream.schemas import plates
from platestream.schemas.fields import from_picture
from platestream.web.page_request import PageRequest, Routes
from platestream.web.sessions import REST_LIVES, RemainingResults

if TYPE_CHECKING:
    from platestream.web.console import Console

ON_SHIFT = "Alert hits of my shift, as they come (order, sections F.4 and G.2)"
LIVE = timedelta(hours=24)
"""Time that the list of a shift goes back."""
A_PAGE = 25
GROUPS, GROUPS_BELOW = 100, 10
"""Groups of finds on a page, and below alerts; further ones are loaded when it is scrolled."""
MOST = 1000
"""Limit of hits read, newest first. The end of the list says so if there are more."""
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
FIELDS = ("case_number", "note", "mvd_result", "checked_with", "result")


def list_hits(request: PageRequest) -> Response:
    """Show the alerts of the last day and new ones as they arrive, or the finds of look-backs, for people on
    shift; else a form that asks for a reason.
    """
    shift = shifts.shift_of(request.console.people()[0], request.session.who, request.now)
    if shift is None:
        return request.page("hits_form.html", cars=shifts.cars(request.door))
    if request.session.shift != shift.id:
        request.session.change(shift=shift.id)
    historical = request.field("list") == "historical"
    # Before the query: hits that arrive during it are sent, and shown once.
    after = request.console.alerts.newest
    found = job.find_hits(
        request.door,
        since=None if historical else request.now - LIVE,
        recent=request.console.recent.all(),
        most=MOST,
        historical=historical,
        brief=True,
        reason=ON_SHIFT,
    )
    return _page(request, found, shift=shift, after=after, historical=historical)


def search_form(request: PageRequest) -> Response:
    """Show the form that asks for a reason, also on shift."""
    return request.page("hits_form.html", cars=shifts.cars(request.door))


def search_hits(request: PageRequest) -> Response:
    """Show hits of the last 30 days, for a case or a reason."""
    found = job.find_hits(
        request.door,
        pattern=plates.pattern(request.field("plate")),
        cameras=request.fields("camera"),
        since=request.time("since"),
        until=request.time("until"),
        recent=request.console.recent.all(),
        most=MOST,
        brief=True,
        **request.values("case_number", "reason"),
    )
    return _page(request, found, shift=None)


def show_older(request: PageRequest) -> Response:
    """Return the next part of a scrolled list from the same query, while its person may still see hits."""
    rest, named = _rest(request), request.http.path_params
    shown = _part(rest, named["start"], named["end"]) if rest else {"late": True, "hits": ()}
    part = "hits_more.html" if request.is_partial else "hits.html"
    texts = words(request.console)
    return request.page(part, shift=None, historical=None, groups=(), further="", **texts, **shown)


def show_more_finds(request: PageRequest) -> Response:
    """Return the next groups of finds of a scrolled list from the same query, as `show_older` does."""
    rest, start = _rest(request), request.http.path_params["start"]
    shown = _finds(rest, start) if rest else {"late": True, "groups": (), "further": "", "finds_cut": False}
    part = "hits_finds.html" if request.is_partial else "hits.html"
    return request.page(part, shift=None, historical=True, hits=(), **words(request.console), **shown)


def _rest(request: PageRequest) -> RemainingResults | None:
    """Return the list that the address names, if it is there and its person may still see hits."""
    rest = request.session.memory.remaining
    if rest is None or request.now - rest.at >= REST_LIVES or rest.name != request.named("look"):
        return None
    return rest if request.may("hits") else None


def _page(
    request: PageRequest,
    found: job.HitList,
    shift: Any,
    historical: bool | None = None,
    **live: int,
) -> Response:
    """Show alerts one by one, and then the finds of look-backs in groups."""
    wanted, statuses, finds = request.field("status"), found.statuses, found.column("historical")
    shown = [one for one, status in enumerate(statuses) if wanted in ("", status)]
    alerts = [one for one in shown if not finds[one]]
    alerts.sort(key=lambda one: statuses[one] not in OPEN)  # stable: newest first in both halves
    grouped = job.group_finds(found, (one for one in shown if finds[one]))
    listed = found.pick([*alerts, *chain.from_iterable(grouped)])
    ends = list(accumulate(map(len, grouped), initial=len(alerts)))
    groups = [job.Finds(listed, start, end) for start, end in pairwise(ends)]
    cut = len(found) >= MOST
    rest = RemainingResults(listed, request.now, groups, cut)
    request.session.memory.remaining, request.session.memory.used = rest, request.now
    below = _finds(rest, 0, GROUPS_BELOW if alerts else GROUPS)
    parts = {**_part(rest, 0, len(alerts)), **below, "finds_cut": cut and bool(historical)}
    where = {"shift": shift, "historical": historical, **live, **words(request.console)}
    return request.page("hits.html", **where, **parts)


def _part(rest: RemainingResults, start: int, end: int) -> dict[str, Any]:
    """Return A_PAGE of the list from `start`, with the address of the next part up to `end`."""
    after = min(start + A_PAGE, end)
    return {
        "hits": rest.found[start:after],
        "following": f"/hits/older/{rest.name}/{after}/{end}" if after < end else "",
        "cut": rest.cut and end == rest.alerts,
        "late": False,
    }


def _finds(rest: RemainingResults, start: int, count: int = GROUPS) -> dict[str, Any]:
    """Return `count` groups of the finds from `start`, with the address of the next ones."""
    after = start + count
    return {
        "groups": rest.groups[start:after],
        "look": rest.name,
        "further": f"/hits/finds/{rest.name}/{after}" if after < len(rest.groups) else "",
        "finds_cut": rest.cut,
        "late": False,
    }


def line(console: "Console", hit: job.HitWithHistory) -> str:
    """Render one line of the list for the person who sees it."""
    return console.render("hit_row.html", None, hit=hit, fresh=True, **words(console))


def show_hit(request: PageRequest) -> Response:
    """Show one hit, with everything needed before acting."""
    why = _reason(request)
    hit = handling.find_hit(request.console, request.door, request.named("hit"), why)
    return _hit_page(request, hit, why)


def record_step(request: PageRequest) -> Response:
    """Record a step, and show the hit again."""
    hit = handling.find_hit(request.console, request.door, request.named("hit"), _reason(request))
    kind: Any = request.field("kind")
    fields = request.values(*FIELDS)
    fields |= {name: request.field(name) == "yes" for name in ("actionable", "stopped")}
    handling.take_step(request.console, request.door, hit, kind, request.field("actual"), fields)
    return request.redirect(f"/hits/{hit.hit_id}")


def _hit_page(request: PageRequest, hit: job.HitWithHistory, why: Documentation) -> Response:
    row = hit.row
    look = request.session.remember_documentation(job.documentation(request.door, why), request.now)
    seen = row["detection_id"], row["captured_at"]
    links = {kind: pictures.link(request, look, *seen, kind) for kind in pictures.KINDS}
    if row["agency"]:  # Its pictures are stored at that agency; an inquiry of its own gets them.
        links = {"vehicle": partners.link(request, look, row["agency"], *seen)}
    held: dict[str, Any] = {}
    if row["agency"] and request.may("evidence_hold"):
        held = {"read": evidence.row_value(read_of(row)._asdict()), **evidence.hold_terms(request)}
    places = {row["camera_id"]: (row["latitude"], row["longitude"])}
    return request.page(
        "hit.html",
        hit=hit,
        links=links,
        held=held,
        map=draw_map(places, request.console.cameras()),
        streets=street_map(request, [row], request.console.cameras()),
        case_number=why.get("case_number", ""),
        keepers=job.keepers(row["source"]),
        cautions=job.cautions(row),
        **words(request.console),
    )


def _reason(request: PageRequest) -> Documentation:
    return handling.view_reason(request.named("hit"), request.field("case_number"))


def words(console: "Console") -> dict[str, Any]:
    """Return the texts of a hit, and the function that gives the priority of its category."""
    return {**WORDS, "priority": console.notify_rules.priority}


WORDS: dict[str, Any] = {
    "STATUS": STATUS,
    "EXPLANATION": hit_words.EXPLANATION,
    "describe_match": hit_words.describe_match,
    "describe_opinion": hit_words.describe_opinion,
    "from_picture": from_picture,
    "is_doubtful": hit_words.is_doubtful,
    "describe_state": hit_words.describe_state,
    "describe_confidence": hit_words.describe_confidence,
    "STEP_TEXTS": job.STEP_TEXTS,
    "differing": job.different_positions,
}
ROUTES: Routes = {
    ("GET", "/hits"): list_hits,
    ("GET", "/hits/look"): search_form,
    ("POST", "/hits"): search_hits,
    ("GET", "/hits/older/{look}/{start:int}/{end:int}"): show_older,
    ("GET", "/hits/finds/{look}/{start:int}"): show_more_finds,
    ("GET", "/hits/{hit:uuid}"): show_hit,
    ("POST", "/hits/{hit:uuid}/steps"): record_step,
}
