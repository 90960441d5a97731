"""Forms sent by browsers: only from our own pages, and of limited size."""

import io
from dataclasses import dataclass, field

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

LARGEST = 25_000_000
"""Bytes of a form with its file: a hot list to import."""
SMALL = 10_000
"""Bytes of a form of somebody who is not signed in."""
MultiPartParser.spool_max_size = LARGEST  # files stay in memory: by default those over 1 MB are on the disk


@dataclass(frozen=True)
class SentFile:
    """File of a form: its field, its name, its media type and its content."""

    form_field: str
    name: str
    media: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class SentForm:
    """Form that is stored to be read again: its fields in order, and its files."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[SentFile, ...] = ()

    @classmethod
    def of(cls, form: FormData) -> "SentForm":
        """Return what a browser sent."""
        files = [(name, one) for name, one in form.multi_items() if isinstance(one, UploadFile)]
        for _name, one in files:
            one.file.seek(0)
        return cls(
            tuple((name, one) for name, one in form.multi_items() if isinstance(one, str)),
            tuple(
                SentFile(name, one.filename or "", one.content_type or "", one.file.read())
                for name, one in files
            ),
        )

    def form(self) -> FormData:
        """Return it as a page reads it."""
        files = (
            (
                one.form_field,
                UploadFile(
                    io.BytesIO(one.content), filename=one.name, headers=Headers({"content-type": one.media})
                ),
            )
            for one in self.files
        )
        return FormData([*self.fields, *files])


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
