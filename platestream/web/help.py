"""Help: the documents as a site below /help, and the guide of each page of the console.

`make docs` builds the site into this package. Without it, as in a checkout, the source of a document is
shown as text, with the command that builds the site. Documents hold no data, so they need no sign-in.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from platestream.web.console import Console

SITE = Path(str(files("platestream.web").joinpath("help")))
SOURCES = Path(__file__).resolve().parents[2] / "docs"
"""The documents of a checkout; an installed package has none."""
START = "index.html"

GUIDES = {
    "/": START,
    "/account": "how-to/officer/sign-in.html",
    "/administration": "how-to/administrator/people.html",
    "/administration/agencies": "how-to/administrator/people.html#other-agencies",
    "/administration/cameras": "how-to/administrator/cameras-and-places.html",
    "/administration/incidents": "how-to/administrator/cameras-and-places.html",
    "/administration/lists": "how-to/administrator/hot-lists.html",
    "/administration/camera-region": "how-to/administrator/cameras-and-places.html",
    "/administration/new-camera": "how-to/administrator/cameras-and-places.html",
    "/administration/places": "how-to/administrator/cameras-and-places.html#sensitive-places",
    "/administration/refused": "how-to/operator/runbook.html#deadlettersrising",
    "/administration/rules": "how-to/administrator/rules.html",
    "/audit": "how-to/auditor/yearly-audit.html",
    "/audit/due": "how-to/auditor/yearly-audit.html#audits-that-recur",
    "/audit/policy": "explanation/policy.html#compliance-check",
    "/audit/resets": "how-to/auditor/yearly-audit.html#reviews",
    "/audit/sign-ins": "how-to/auditor/yearly-audit.html#reviews",
    "/audit/whole": "how-to/auditor/verify-the-log.html",
    "/evidence": "how-to/analyst/evidence.html",
    "/hits": "how-to/officer/hits.html",
    "/hotlist": "how-to/administrator/hot-lists.html",
    "/hotlist/bolo": "how-to/officer/hits.html#take-a-bolo",
    "/hotlist/offer": "how-to/administrator/partners.html#offer-and-take-entries",
    "/hotlist/offers": "how-to/administrator/partners.html#offer-and-take-entries",
    "/live": "how-to/supervisor/shifts-and-reports.html#see-through-a-camera",
    "/redeem": "how-to/officer/sign-in.html",
    "/search": "how-to/analyst/search.html",
    "/setup": "how-to/administrator/people.html",
    "/shift": "how-to/officer/hits.html#start-your-shift",
    "/sign-in": "how-to/officer/sign-in.html",
}
"""The guide of each page of the console, by the beginning of its path."""


def guide_address(path: str) -> str:
    """Return the address of the guide for a page of the console."""
    while path not in GUIDES:
        path = path.rpartition("/")[0] or "/"
    return f"/help/{GUIDES[path]}"


def routes(console: "Console", site: Path = SITE, sources: Path = SOURCES) -> list[BaseRoute]:
    """Return the routes of the site, or of the sources where it was not built."""
    built = (site / START).exists()
    shown = (
        Mount("/help", _Site(directory=site))
        if built
        else Route("/help/{page:path}", _source(console, sources))
    )
    return [Route("/help", _start, methods=["GET"]), Route("/help/", _start, methods=["GET"]), shown]


async def _start(_request: Request) -> Response:
    return RedirectResponse(f"/help/{START}", 302)


class _Site(StaticFiles):
    """Files of the site. A browser may store them, and asks whether they have changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        answer = super().file_response(*args, **options)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def _source(console: "Console", sources: Path) -> Callable[[Request], Awaitable[Response]]:
    """Show the source of a document, as text, with the command that builds the site."""

    async def answer(request: Request) -> Response:
        page = request.path_params["page"]
        file = (sources / page).with_suffix(".md").resolve() if page.endswith(".html") else None
        text = ""
        if sources.is_dir():
            if file is None or not file.is_relative_to(sources.resolve()) or not file.is_file():
                raise HTTPException(404)
            text = file.read_text()
        return HTMLResponse(console.render("help.html", None, text=text))

    return answer
