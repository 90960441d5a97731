"""BOLO page: turns the text of a neighbor's mail into an entry of the hot list."""

from starlette.responses import Response

from platestream.access.inquire import RefusedInquiry
from platestream.hotlist import bolos
from platestream.hotlist.lookback_jobs import StartedLookBack
from platestream.schemas.message import RefusedError
from platestream.web.failures import error_response
from platestream.web.page_request import PageRequest, Routes


def add_bolo(request: PageRequest) -> Response:
    """Add the BOLO and show the list, or show the form again with all missing fields."""
    search = StartedLookBack(request.console.look_backs, request.session.who)
    try:
        fields = bolos.read_mail(request.field("text"))
        taken = bolos.take(request.door, request.field("agency"), fields, request.now, search=search)
    except (RefusedError, RefusedInquiry) as error:
        status, message = error_response(error)
        return show_form(request, status, message)
    return request.redirect(f"/hotlist?done={taken.done}&look_back={search.name}")


def show_form(request: PageRequest, status: int = 200, refused: str = "") -> Response:
    """Show the form: the sending agency and the text of the BOLO."""
    known = request.console.people()[0].agencies.values()
    neighbours = sorted((one for one in known if one.active and not one.own), key=lambda one: one.name)
    fields = {field.replace("_", " "): _said_as(field) for field in bolos.MUST_HAVE}
    return request.page("hotlist_bolo.html", status, refused=refused, neighbours=neighbours, fields=fields)


def _said_as(field: str) -> str:
    """Return the words with which a line of a BOLO names a field."""
    return ", ".join(word for word, named in bolos.FIELD_LABELS.items() if named == field)


ROUTES: Routes = {("GET", "/hotlist/bolo"): show_form, ("POST", "/hotlist/bolo"): add_bolo}
