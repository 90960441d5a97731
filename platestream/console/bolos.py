"""A neighbour's BOLO becomes an entry of the hot list, from the text of its mail."""

from starlette.responses import Response

from platestream.console.failures import said_of
from platestream.console.visit import Routes, Visit
from schemas.message import RefusedError
from services.hotlist import bolos
from services.inquiries.gate import RefusedInquiry


def form(visit: Visit) -> Response:
    """Whose BOLO, and its text."""
    return _form(visit)


def take(visit: Visit) -> Response:
    """The list with it; or the form again, with all that lacks."""
    try:
        taken = bolos.take(visit.door, visit.said("agency"), bolos.read_mail(visit.said("text")), visit.now)
    except (RefusedError, RefusedInquiry) as error:
        status, said = said_of(error)
        return _form(visit, status, said)
    return visit.see(f"/hotlist?done={taken.done}")


def _form(visit: Visit, status: int = 200, refused: str = "") -> Response:
    known = visit.console.people()[0].agencies.values()
    neighbours = sorted((one for one in known if one.active and not one.own), key=lambda one: one.name)
    fields = {field.replace("_", " "): _said_as(field) for field in bolos.MUST_HAVE}
    return visit.page("hotlist_bolo.html", status, refused=refused, neighbours=neighbours, fields=fields)


def _said_as(field: str) -> str:
    """The words with which a line of a BOLO names a field."""
    return ", ".join(word for word, named in bolos.SAYS.items() if named == field)


ROUTES: Routes = {("GET", "/hotlist/bolo"): form, ("POST", "/hotlist/bolo"): take}
