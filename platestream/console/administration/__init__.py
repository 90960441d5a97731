"""Administration: people, agencies, cameras, sources and categories, rules in force, what was refused."""

from platestream.console.administration import agencies, cameras, incidents, letters, lists, overview, people
from platestream.console.visit import Routes

ROUTES: Routes = {
    **overview.ROUTES,
    **people.ROUTES,
    **agencies.ROUTES,
    **cameras.ROUTES,
    **incidents.ROUTES,
    **lists.ROUTES,
    **letters.ROUTES,
}
