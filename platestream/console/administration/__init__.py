"""Administration: people, agencies, cameras, places, sources and categories, rules, what was refused."""

from platestream.console.administration import (
    agencies,
    cameras,
    incidents,
    letters,
    lists,
    overview,
    people,
    places,
)
from platestream.console.visit import Routes

ROUTES: Routes = {
    **overview.ROUTES,
    **people.ROUTES,
    **agencies.ROUTES,
    **cameras.ROUTES,
    **places.ROUTES,
    **incidents.ROUTES,
    **lists.ROUTES,
    **letters.ROUTES,
}
