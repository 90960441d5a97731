"""Forms as browsers send them: of a page of ours, and no larger than what they are for."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 25_000_000
"""Bytes of a form with its file: a hot list to import."""
SMALL = 10_000
"""Bytes of a form of somebody who is not signed in."""


async def sent(request: Request, largest: int) -> FormData:
    """The form. Raises HTTPException for one of another site, of more bytes, or of unsaid length."""
    _from_here(request)
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 12 or int(length) > largest:
        raise HTTPException(413, f"This form may have {largest // 1000} kB at most.")
    return await request.form(max_files=2, max_fields=200, max_part_size=100_000)


def _from_here(request: Request) -> None:
    """Raises HTTPException where a browser says that the form is of another site."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    if site not in ("same-origin", "none") or (
        origin and origin.partition("://")[2] != request.headers.get("host")
    ):
        raise HTTPException(403, "This form is of another site.")
