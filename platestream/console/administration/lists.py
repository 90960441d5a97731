"""Sources and categories of the hot list, and whether they are designated (order, C.3, C.4 and E.1.b)."""

from typing import NamedTuple

from starlette.responses import Response

from platestream.console.administration.fields import BASE, put
from platestream.console.administration.fields import page as drawn
from platestream.console.visit import Routes, Visit
from schemas.designation import LONGEST_DAYS, SOURCES, Designations
from schemas.registry import Kind, RegistryRecord
from services.registry import designate, show_several


class Designation(NamedTuple):
    """A source or category. `by_order`: the order itself names it; `longest` is in days, of a category."""

    name: str
    designated: bool
    by_order: bool
    longest: int | None
    record: RegistryRecord | None


def listed(visit: Visit) -> Response:
    """All sources and categories that the order or a record names."""
    found = show_several(visit.door, "hotlist_source", "hotlist_category")
    marks = Designations([*found["hotlist_source"], *found["hotlist_category"]])
    sources = {one.id: one for one in found["hotlist_source"]}
    categories = {one.id: one for one in found["hotlist_category"]}
    longest = marks.categories
    return drawn(
        visit,
        "lists.html",
        sources=[
            Designation(name, marks.knows("hotlist_source", name), name in SOURCES, None, sources.get(name))
            for name in sorted({*SOURCES, *sources})
        ],
        categories=[
            Designation(name, name in longest, name in LONGEST_DAYS, longest.get(name), categories.get(name))
            for name in sorted({*LONGEST_DAYS, *categories})
        ],
    )


def source(visit: Visit) -> Response:
    """Designate a source."""
    return _designated(visit, "hotlist_source", None)


def category(visit: Visit) -> Response:
    """Designate a category, with the days that its entries may hold."""
    told = visit.said("longest_days")
    if not told.isdecimal():
        return visit.refused("Say for how many days an entry may hold at most, such as 90.", 400)
    return _designated(visit, "hotlist_category", int(told))


def _designated(visit: Visit, kind: Kind, longest: int | None) -> Response:
    put(
        visit,
        kind,
        None,
        designate,
        name=visit.said("title"),
        approved_by=visit.said("approved_by"),
        longest_days=longest,
    )
    return visit.see(f"{BASE}/lists")


def withdrawn(visit: Visit) -> Response:
    """Withdraw a source or category: its entries alert nobody."""
    kind: Kind = "hotlist_source" if visit.said("kind") == "source" else "hotlist_category"
    put(visit, kind, None, designate, active=False, name="", approved_by=visit.said("approved_by"))
    return visit.see(f"{BASE}/lists")


ROUTES: Routes = {
    ("GET", f"{BASE}/lists"): listed,
    ("POST", f"{BASE}/lists/sources"): source,
    ("POST", f"{BASE}/lists/categories"): category,
    ("POST", f"{BASE}/lists/withdraw"): withdrawn,
}
