"""Forms sent by browsers: only from our own pages, and of limited size."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 25_000_000
"""Bytes of a form with its file: a hot list to import."""
SMALL = 10_000
"""Bytes of a form of somebody who is not signed in."""


async def read_form(request: Request, largest: int) -> FormData:
    """Return the form. Raises HTTPException for a form of another site, of too many bytes, or without a
    length.
    """
    _require_same_site(request)
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 12 or int(length) > largest:
        raise HTTPException(413, f"This form must not exceed {largest // 1000} kB.")
    return await request.form(max_files=2, max_fields=200, max_part_size=100_000)


def _require_same_site(request: Request) -> None:
    """Raise HTTPException if a browser reports that the form is from another site."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    if site not in ("same-origin", "none") or (
        origin and origin.partition("://")[2] != request.headers.get("host")
    ):
        raise HTTPException(403, "This form is from another site.")
