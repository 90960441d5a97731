"""Pages of the hot list's sources and categories, and their designation (order, C.3, C.4 and E.1.b)."""

from typing import NamedTuple

from starlette.responses import Response

from platestream.access.pages.fields import BASE, save_record
from platestream.access.pages.fields import page as admin_page
from platestream.access.registry import designate, show_several
from platestream.hotlist import held_files
from platestream.schemas.designation import LONGEST_DAYS, SOURCES, Designations
from platestream.schemas.registry import Kind, RegistryRecord
from platestream.web.page_request import PageRequest, Routes


class Designation(NamedTuple):
    """Source or category. `by_order`: named by the order itself; `longest`: in days, for a category."""

    name: str
    designated: bool
    by_order: bool
    longest: int | None
    record: RegistryRecord | None


def list_sources(request: PageRequest) -> Response:
    """Show all sources and categories that the order or a record names."""
    found = show_several(request.door, "hotlist_source", "hotlist_category")
    marks = Designations([*found["hotlist_source"], *found["hotlist_category"]])
    sources = {one.id: one for one in found["hotlist_source"]}
    categories = {one.id: one for one in found["hotlist_category"]}
    longest = marks.categories
    return admin_page(
        request,
        "lists.html",
        sources=[
            Designation(name, marks.knows("hotlist_source", name), name in SOURCES, None, sources.get(name))
            for name in sorted({*SOURCES, *sources})
        ],
        categories=[
            Designation(name, name in longest, name in LONGEST_DAYS, longest.get(name), categories.get(name))
            for name in sorted({*LONGEST_DAYS, *categories})
        ],
        held=held_files.held_files(request.door.settings.data, sources.values()),
    )


def designate_category(request: PageRequest) -> Response:
    """Designate a category, with the longest validity of its entries in days."""
    days = request.field("longest_days")
    if not days.isdecimal():
        return request.refusal_page("Enter the longest validity of an entry in days, for example 90.", 400)
    return designate_source(request, "hotlist_category", int(days))


def designate_source(
    request: PageRequest, kind: Kind = "hotlist_source", longest: int | None = None
) -> Response:
    """Designate a source, or a record of another kind."""
    save_record(
        request,
        kind,
        None,
        designate,
        name=request.field("title"),
        approved_by=request.field("approved_by"),
        longest_days=longest,
    )
    return request.redirect(f"{BASE}/lists")


def withdraw(request: PageRequest) -> Response:
    """Withdraw a source or category: its entries stop alerting."""
    kind: Kind = "hotlist_source" if request.field("kind") == "source" else "hotlist_category"
    save_record(
        request, kind, None, designate, active=False, name="", approved_by=request.field("approved_by")
    )
    return request.redirect(f"{BASE}/lists")


def release(request: PageRequest) -> Response:
    """Import the held file of a feed, with the reason why it is right."""
    request.door.require_confirmed("hotlist_force")
    held_files.release(request.door, request.field("id"), request.field("reason"), request.now)
    return request.redirect(f"{BASE}/lists")


ROUTES: Routes = {
    ("GET", f"{BASE}/lists"): list_sources,
    ("POST", f"{BASE}/lists/sources"): designate_source,
    ("POST", f"{BASE}/lists/categories"): designate_category,
    ("POST", f"{BASE}/lists/withdraw"): withdraw,
    ("POST", f"{BASE}/lists/release"): release,
}
