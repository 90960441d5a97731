"""Search pages: reason first, then the query; results as pictures, timeline and map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from starlette.datastructures import FormData
from starlette.responses import Response

from platestream.access.door import Documentation
from platestream.access.gate import SHOWN, Row
from platestream.access.inquire import RefusedInquiry
from platestream.evidence import pages as evidence
from platestream.evidence.hold import schedules
from platestream.hits.service import different_positions
from platestream.inquiries import export as exports
from platestream.inquiries import search as inquiries
from platestream.inquiries.pages import pictures, result_views
from platestream.inquiries.search import MEETINGS, Description, Result, SearchKind, SearchRequest
from platestream.maps.pages import street_map
from platestream.operators import hit_words
from platestream.partners.pages import search as partners
from platestream.schemas import plates
from platestream.schemas.fields import from_picture
from platestream.web.failures import error_response
from platestream.web.forms import SentForm
from platestream.web.page_request import PageRequest, Routes

EXPIRED = "This result is no longer available. Search again: a result can be paged through for ten minutes."
A_PAGE = 100
"""Rows that a page shows, and that may be marked in its form."""
PICTURES = 50
"""Rows that show their pictures when asked to: each picture is a look of its own."""
WAYS: dict[SearchKind, tuple[str, str]] = {
    "search": ("A plate", "Plate as read; * matches any characters, ? one. O and 0 are the same."),
    "fuzzy": (
        "A plate and its look-alikes",
        "Includes 8 for B and similar, and plates that differ in one character. Needs a whole plate of 4 "
        "to 8 characters.",
    ),
    "sightings": (
        "All vehicles at some cameras",
        "Select 1 to 20 cameras and a period of 7 days at most. Part of a plate, with * and ?, "
        "narrows the search.",
    ),
    "companions": ("Companions of a plate", "Other vehicles that passed near it at a camera twice or more."),
    "cotravel": ("Meetings of two plates", "Passes at one camera within a number of seconds."),
}
MATCH = {"same": "this plate", "look_alike": "looks alike", "one_edit": "differs in one character"}
DESCRIPTION = tuple(field.name for field in fields(Description))


def search_form(request: PageRequest, status: int = 200, refused: str = "") -> Response:
    """Show the form for the reason and the query."""
    return request.page("search.html", status, refused=refused, **_choices(request))


def show_results(request: PageRequest) -> Response:
    """Show the results; if the search was refused, the form as it was filled in, with the rule."""
    try:
        query, why = query_of(request), _documentation(request)
        result = inquiries.search(request.door, query, brief=True, **why)
        answers = partners.query_agencies(request, query, why)
    except (RefusedInquiry, ValueError) as error:
        status, message = error_response(error)
        return search_form(request, status, message)
    request.session.searches.put(result.inquiry_id, SentForm.of(request.form), request.now)
    page = _results(request, query, _overview(request, query, result), why, result.rows[:A_PAGE])
    return page if answers is None else partners.stream_answers(request, page, answers, why)


def show_page(request: PageRequest) -> Response:
    """Show another page of the same result, which the inquiry in the log already covers.

    Only the rows of the page are read.
    """
    number = request.field("page")
    known = _known(request)
    if known is None:
        return search_form(request, 410, EXPIRED)
    again, query, inquiry = known
    overview: Overview | None = request.session.memory.overviews.get(inquiry)
    page = int(number) if number.isdecimal() and len(number) < 7 else 1
    try:
        if overview is None:
            result = inquiries.search_again(request.door, inquiry, query, brief=True)
            overview = _overview(again, query, result)
            page = overview.page_of(page)
            rows = result.rows[(page - 1) * A_PAGE : page * A_PAGE]
        else:
            page = overview.page_of(page)
            rows = inquiries.read_page(request.door, inquiry, query.way, (page - 1) * A_PAGE, A_PAGE)
    except RefusedInquiry:
        return search_form(request, 410, EXPIRED)
    return _results(again, query, overview, _documentation(again), rows, page)


def export(request: PageRequest) -> Response:
    """Return the result, or its selected rows, as a file."""
    layout: Any = request.field("format")
    if layout not in exports.MEDIA:
        raise ValueError("select a format")
    chosen = {UUID(one.partition(" ")[0]) for one in request.fields("pass")}
    searched = _searched(request)
    if searched is None:
        return search_form(replace(request, form=FormData()), 410, EXPIRED)
    request, query, result, why = searched
    made = exports.export(request.door, query, result, layout, chosen, **why)
    return Response(made.content, media_type=made.media, headers=made.headers)


def _known(request: PageRequest) -> tuple[PageRequest, SearchRequest, UUID] | None:
    """Return a search of this session, with the form by which it was made; None where it is unknown."""
    inquiry: UUID = request.named("inquiry")
    sent = request.session.searches.get(inquiry, request.now)
    if sent is None or not request.may("search"):
        return None
    again = replace(request, form=sent.form())
    return again, query_of(again), inquiry


def _searched(request: PageRequest) -> tuple[PageRequest, SearchRequest, Result, Documentation] | None:
    """Return a search of this session with its whole result again; None where it is over."""
    known = _known(request)
    if known is None:
        return None
    again, query, inquiry = known
    try:
        result = inquiries.search_again(request.door, inquiry, query)
    except RefusedInquiry:
        return None
    return again, query, result, _documentation(again)


@dataclass(frozen=True)
class Overview:
    """Return the parts of a page that are made of all rows of a result. `shown` are parts of the page."""

    inquiry_id: UUID
    total: int
    cut: bool
    shown: Mapping[str, Any]

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // A_PAGE))

    def page_of(self, number: int) -> int:
        """Return the nearest number of a page."""
        return min(max(1, number), self.pages)


def _overview(request: PageRequest, query: SearchRequest, result: Result) -> Overview:
    """Return the overview of a result, which the session remembers for its further pages."""
    shown = _places(request, result.rows if query.way != "companions" else ())
    if query.way not in MEETINGS:
        days = result_views.group_by_day(result.rows, request.console.zone)
        shown |= {"days": days, "busiest": result_views.busiest_hour(days), "left_out": result.left_out}
    made = Overview(result.inquiry_id, len(result.rows), result.cut, shown)
    request.session.memory.overviews.put(result.inquiry_id, made)
    request.session.memory.used = request.now
    return made


def _results(
    request: PageRequest,
    query: SearchRequest,
    overview: Overview,
    why: Documentation,
    rows: Sequence[Row],
    number: int = 1,
) -> Response:
    """Show a page of the result; pages are counted from 1."""
    meetings = query.way in MEETINGS
    return request.page(
        "search_meetings.html" if meetings else "search_found.html",
        query=query,
        rows=rows,
        total=overview.total,
        first=(number - 1) * A_PAGE + 1,
        page=number,
        pages=overview.pages,
        inquiry=overview.inquiry_id,
        cut=overview.cut,
        REPORTED=exports.REPORTED,
        **overview.shown,
        MARK=partners.MARK if request.http.method == "POST" else "",
        **({} if meetings else _passes(request, query, why, rows)),
        **_choices(request),
    )


def _places(request: PageRequest, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what shows where these rows were: counts by camera, a drawing, and streets where installed."""
    cameras = request.console.cameras()
    return {
        "map": result_views.map_results(rows, cameras),
        "counts": result_views.count_by_camera(rows),
        "streets": street_map(request, rows, cameras),
    }


def _documentation(request: PageRequest) -> Documentation:
    """Return the documentation of the form. Raises ValueError."""
    fields = ("case_number", "reason", "purpose", "violation", "requester", "legal_basis")
    return {**request.documentation(*fields), "vehicles": request.vehicles()}


def _passes(
    request: PageRequest, query: SearchRequest, why: Documentation, rows: Sequence[Row]
) -> dict[str, Any]:
    """Return what a page of passes shows beside those of every result."""
    plate = plates.normalise(query.plate) if query.way == "fuzzy" else ""
    return {
        "links": _links(request, rows, why),
        "values": [evidence.row_value(row) for row in rows],
        "pictured": PICTURES if request.field("pictures") == "yes" else 0,
        "differ": lambda read: different_positions(read, plate) if plate else (),
        "schedules": schedules(request.door),
        "PICTURED": exports.PICTURED,
        "MATCH": MATCH,
        "describe_opinion": hit_words.describe_opinion,
        "from_picture": from_picture,
        "is_doubtful": hit_words.is_doubtful,
    }


def _choices(request: PageRequest) -> dict[str, Any]:
    """Return the choices of the form."""
    return {
        "WAYS": WAYS,
        "DESCRIPTION": DESCRIPTION,
        "cameras": sorted(request.console.cameras()),
        "purposes": inquiries.purposes(request.door),
        "violations": inquiries.violations(request.door),
        "agencies": partners.queryable_agencies(request),
        "SHOWN": SHOWN,
    }


def query_of(request: PageRequest) -> SearchRequest:
    """Return the search of the form. Raises ValueError."""
    way: Any = request.field("way")
    if way not in get_args(SearchKind):
        raise ValueError("select a search type")
    within = request.field("within") or "60"
    if not within.isdecimal() or len(within) > 4:
        raise ValueError("the seconds apart must be a whole number from 1 to 3600")
    return SearchRequest(
        way,
        plates.pattern(request.field("plate")),
        plates.pattern(request.field("other_plate")),
        timedelta(seconds=int(within)),
        request.fields("camera"),
        request.time("since"),
        request.time("until"),
        Description(**request.values(*DESCRIPTION)),
        request.field("untold") == "yes",
    )


def _links(request: PageRequest, rows: Sequence[Row], why: Documentation) -> list[dict[str, str]]:
    """Return the picture links of each row. A picture is inspected only when a browser follows its link."""
    look = request.session.remember_documentation(why, request.now)
    return [
        {
            kind: pictures.link(request, look, row["detection_id"], row["captured_at"], kind)
            for kind in pictures.KINDS
        }
        for row in rows
    ]


ROUTES: Routes = {
    ("GET", "/search"): search_form,
    ("POST", "/search"): show_results,
    ("GET", "/search/{inquiry:uuid}"): show_page,
    ("POST", "/search/plate"): search_form,  # a plate from the header of a page comes in no address
    ("POST", "/search/{inquiry:uuid}/export"): export,
}
