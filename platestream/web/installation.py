"""Installation of the console as an application: manifest, service worker and offline page.

They hold no data and need no sign-in. The service worker stores the offline page and nothing else.
"""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from platestream.web.console import STATIC

if TYPE_CHECKING:
    from platestream.web.console import Console

ICONS = (("192x192", "icon-192.png", "any"), ("512x512", "icon-512.png", "any maskable"))


def routes(console: "Console") -> list[Route]:
    """Return the routes of the manifest, the service worker and the offline page."""
    version = console.version

    async def manifest(_request: Request) -> Response:
        icons = [
            {"src": f"/static/{file}?{version}", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for sizes, file, purpose in ICONS
        ]
        shown = {
            "name": "Platestream",
            "short_name": "Platestream",
            "description": "Alert hits of the license plate readers, with sound, for officers on shift.",
            "id": "/",
            "start_url": "/hits",
            "scope": "/",
            "display": "standalone",
            "background_color": "#101418",
            "theme_color": "#1a2027",
            "icons": icons,
        }
        return JSONResponse(shown, media_type="application/manifest+json")

    async def worker(_request: Request) -> Response:
        return FileResponse(STATIC / "sw.js", media_type="text/javascript")

    async def offline(_request: Request) -> Response:
        return HTMLResponse(console.render("offline.html", None))

    return [
        Route("/manifest.webmanifest", manifest, methods=["GET"]),
        Route("/sw.js", worker, methods=["GET"]),
        Route("/offline", offline, methods=["GET"]),
    ]
