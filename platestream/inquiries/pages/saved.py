"""Pages of saved searches: save one, open it prefilled, delete it. No address has a plate or a name."""

from dataclasses import asdict, replace

from starlette.datastructures import FormData
from starlette.responses import Response

from platestream.inquiries import saved
from platestream.inquiries.pages import search
from platestream.inquiries.search import SearchRequest
from platestream.web.page_request import PageRequest, Routes

DONE = {"saved": "The search is saved.", "deleted": "The saved search is deleted."}


def list_searches(request: PageRequest) -> Response:
    """Show one's own saved searches."""
    return request.page(
        "search_saved.html",
        found=saved.saved_searches(request.door),
        period=request.door.rules.profile.retention.span,
        WAYS=search.WAYS,
        done=DONE.get(request.field("done"), ""),
    )


def save(request: PageRequest) -> Response:
    """Save a search of this session under a name."""
    sent = request.session.searches.get(request.named("inquiry"), request.now)
    if sent is None:
        return request.refusal_page(search.EXPIRED, 410)
    saved.save(request.door, request.field("name"), search.query_of(replace(request, form=sent.form())))
    return request.redirect("/search/saved?done=saved")


def open_again(request: PageRequest) -> Response:
    """Show the search form, prefilled. Case and reason are entered again: it is a new inquiry."""
    one = saved.saved_search(request.door, request.field("saved"))
    return search.search_form(replace(request, form=_form(request, one.request)))


def delete(request: PageRequest) -> Response:
    """Delete a saved search."""
    saved.delete(request.door, request.field("saved"))
    return request.redirect("/search/saved?done=deleted")


def redirect_to_list(request: PageRequest) -> Response:
    """Redirect to the list, after a sign-in in between."""
    return request.redirect("/search/saved")


def _form(request: PageRequest, query: SearchRequest) -> FormData:
    """Return the fields of a search, as `search.query_of` reads them."""
    times = {
        name: f"{at.astimezone(request.console.zone):%Y-%m-%dT%H:%M}"
        for name, at in (("since", query.since), ("until", query.until))
        if at
    }
    fields = {
        "way": query.way,
        "plate": query.plate,
        "other_plate": query.other_plate,
        "within": str(round(query.within.total_seconds())),
        "untold": "yes" if query.untold else "",
        **times,
        **asdict(query.wanted),
    }
    return FormData([*fields.items(), *(("camera", camera) for camera in query.cameras)])


ROUTES: Routes = {
    ("GET", "/search/saved"): list_searches,
    ("POST", "/search/{inquiry:uuid}/save"): save,
    ("POST", "/search/saved/open"): open_again,
    ("POST", "/search/saved/delete"): delete,
    ("GET", "/search/saved/open"): redirect_to_list,
    ("GET", "/search/saved/delete"): redirect_to_list,
}
