"""Looking for plates: why first, then what; what is found as pictures, in time and on the map."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, get_args

from starlette.responses import Response

from platestream.console import evidence, partners, pictures, seen
from platestream.console.failures import said_of
from platestream.console.visit import Routes, Visit
from schemas import plates
from services.door import Why
from services.evidence.hold import schedules
from services.hits import differing
from services.inquiries import looking
from services.inquiries.gate import SHOWN, RefusedInquiry, Row
from services.inquiries.looking import Asked, Description, Way

A_PAGE = 100
"""Rows that a page shows, and that may be marked in its form."""
PICTURES = 50
"""Rows that show their pictures when asked to: each picture is a look of its own."""
MEETINGS: tuple[Way, ...] = ("companions", "cotravel")
WAYS: dict[Way, tuple[str, str]] = {
    "search": ("A plate", "As it was read; * stands for any characters, ? for one. O and 0 count as one."),
    "fuzzy": (
        "A plate and its look-alikes",
        "Also 8 for B and the like, and plates that differ in one character. A whole plate of 4 to 8 "
        "characters.",
    ),
    "sightings": (
        "All that passed some cameras",
        "Choose 1 to 20 cameras, and a time of 7 days at most. Part of a plate, with * and ?, narrows it.",
    ),
    "companions": ("Companions of a plate", "Other vehicles that passed near it at a camera twice or more."),
    "cotravel": ("Where two plates met", "At one camera, within so many seconds of each other."),
}
MATCH = {"same": "this plate", "look_alike": "looks alike", "one_edit": "differs in one character"}
DESCRIPTION = tuple(field.name for field in fields(Description))


def form(visit: Visit) -> Response:
    """Why, and what is looked for."""
    return _form(visit)


def found(visit: Visit) -> Response:
    """What was found; where that was refused, the form as it was filled in, with the rule."""
    why = Why(
        case_number=visit.said("case_number"),
        reason=visit.said("reason"),
        purpose=visit.said("purpose"),
        violation=visit.said("violation"),
        requester=visit.said("requester"),
        legal_basis=visit.said("legal_basis"),
    )
    try:
        why["vehicles"] = visit.vehicles()
        asked = _asked(visit)
        rows = looking.look(visit.door, asked, **why)
        answers = partners.ask(visit, asked, why)
    except (RefusedInquiry, ValueError) as error:
        status, said = said_of(error)
        return _form(visit, status, said)
    page = _meetings(visit, asked, rows) if asked.way in MEETINGS else _passes(visit, asked, rows, why)
    return page if answers is None else partners.streamed(visit, page, answers, why)


def _form(visit: Visit, status: int = 200, refused: str = "") -> Response:
    return visit.page("search.html", status, refused=refused, **_offered(visit))


def _meetings(visit: Visit, asked: Asked, rows: Sequence[Row]) -> Response:
    """Companions, and where two plates met: what is found has no picture of its own."""
    place = asked.way == "cotravel"
    return visit.page(
        "search_meetings.html",
        asked=asked,
        rows=rows[:A_PAGE],
        total=len(rows),
        cut=looking.cut(rows),
        map=seen.on_map(rows, visit.console.cameras()) if place else "",
        counts=seen.by_camera(rows) if place else [],
        **_offered(visit),
    )


def _passes(visit: Visit, asked: Asked, rows: Sequence[Row], why: Why) -> Response:
    wanted = Description(**{name: visit.said(name) for name in DESCRIPTION})
    fit, left_out = looking.described(rows, wanted, untold=visit.said("untold") == "yes")
    days = seen.by_day(fit, visit.console.zone)
    plate = plates.normalise(asked.plate) if asked.way == "fuzzy" else ""
    return visit.page(
        "search_found.html",
        asked=asked,
        rows=fit[:A_PAGE],
        total=len(fit),
        left_out=left_out,
        cut=looking.cut(rows),
        links=_links(visit, fit[:A_PAGE], why),
        values=[evidence.value(row) for row in fit[:A_PAGE]],
        pictured=PICTURES if visit.said("pictures") == "yes" else 0,
        days=days,
        busiest=seen.busiest(days),
        map=seen.on_map(fit, visit.console.cameras()),
        counts=seen.by_camera(fit),
        differ=lambda read: differing(read, plate) if plate else (),
        schedules=schedules(visit.door),
        MATCH=MATCH,
        **_offered(visit),
    )


def _offered(visit: Visit) -> dict[str, Any]:
    """What the form is made from."""
    return {
        "WAYS": WAYS,
        "DESCRIPTION": DESCRIPTION,
        "cameras": sorted(visit.console.cameras()),
        "purposes": looking.purposes(visit.door),
        "violations": looking.violations(visit.door),
        "agencies": partners.offered(visit),
        "MARK": partners.MARK,
        "SHOWN": SHOWN,
    }


def _asked(visit: Visit) -> Asked:
    """Raises ValueError."""
    way: Any = visit.said("way")
    if way not in get_args(Way):
        raise ValueError("choose what to look for")
    within = visit.said("within") or "60"
    if not within.isdecimal() or len(within) > 4:
        raise ValueError("the seconds apart are a whole number from 1 to 3600")
    return Asked(
        way,
        plates.pattern(visit.said("plate")),
        plates.pattern(visit.said("other_plate")),
        timedelta(seconds=int(within)),
        visit.several("camera"),
        visit.time("since"),
        visit.time("until"),
    )


def _links(visit: Visit, rows: Sequence[Row], why: Why) -> list[dict[str, str]]:
    """Links to the pictures of each row: a picture is looked at when a browser follows one."""
    look = visit.session.remember(why)
    return [
        {
            kind: pictures.link(visit, look, row["detection_id"], row["captured_at"], kind)
            for kind in pictures.KINDS
        }
        for row in rows
    ]


ROUTES: Routes = {("GET", "/search"): form, ("POST", "/search"): found}
