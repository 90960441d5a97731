"""Pictures of detections: by signed links for one session and a few minutes, each logged as an inquiry."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from platestream.access.door import Documentation
from platestream.inquiries import search as inquiries
from platestream.web.page_request import PageRequest, Routes

Kind = Literal["crop", "vehicle"]
KINDS: tuple[Kind, ...] = ("crop", "vehicle")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def link(request: PageRequest, look: str, detection_id: UUID, captured_at: datetime, kind: Kind) -> str:
    """Return the address of a picture. `look` is from `Session.remember_documentation`."""
    at = (captured_at - EPOCH) // MICROSECOND
    return request.session.sign_link(f"/pictures/{look}/{detection_id}/{at}/{kind}", request.now)


def show_picture(request: PageRequest) -> Response:
    """Return the JPEG."""
    named = request.http.path_params
    why = request.documentation_of_link()
    found = _found(request, named["detection"], EPOCH + int(named["at"]) * MICROSECOND, why)
    if named["kind"] not in found:
        raise HTTPException(404)
    return Response(found[named["kind"]], media_type="image/jpeg")


def _found(request: PageRequest, detection: UUID, at: datetime, why: Documentation) -> dict[str, bytes]:
    """Load both pictures with one inquiry, because a page that shows one also shows the other."""
    pictures = request.session.pictures.get(detection, request.now)
    if pictures is None:
        pictures = inquiries.pictures(request.door, detection, at, **why)
        request.session.pictures.put(detection, pictures, request.now)
    return pictures


ROUTES: Routes = {("GET", "/pictures/{look}/{detection:uuid}/{at:int}/{kind}"): show_picture}
