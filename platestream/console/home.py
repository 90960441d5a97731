"""The first page: alert hits for whoever sees them, else the first section that is offered."""

from starlette.responses import Response

from platestream.console.visit import Routes, Visit


def first(visit: Visit) -> Response:
    """To the section that this person most likely came for."""
    sections = visit.console.sections(visit.session.who)
    return visit.see(sections[0].path) if sections else visit.page("nothing.html")


ROUTES: Routes = {("GET", "/"): first}
