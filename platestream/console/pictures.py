"""Pictures of detections: by links signed for one session and a few minutes, each a logged look."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from platestream.console.visit import Routes, Visit
from services.door import Why
from services.inquiries import looking

Kind = Literal["crop", "vehicle"]
KINDS: tuple[Kind, ...] = ("crop", "vehicle")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def link(visit: Visit, look: str, detection_id: UUID, captured_at: datetime, kind: Kind) -> str:
    """An address of a picture. `look` is what `Session.remember` gave for why the page was looked at."""
    at = (captured_at - EPOCH) // MICROSECOND
    return visit.session.sign(f"/pictures/{look}/{detection_id}/{at}/{kind}", visit.now)


def picture(visit: Visit) -> Response:
    """The JPEG."""
    asked = visit.request.path_params
    query = visit.request.query_params
    path = visit.request.url.path
    why = visit.session.looks.get(asked["look"])
    if why is None or not visit.session.signed(path, query.get("ends", ""), query.get("sign", ""), visit.now):
        raise HTTPException(403, "This link has ended: load its page again.")
    found = _found(visit, asked["detection"], EPOCH + int(asked["at"]) * MICROSECOND, why)
    if asked["kind"] not in found:
        raise HTTPException(404)
    # For as long as the link lives, and only in this browser: going back asks for it no second time.
    kept = {"Cache-Control": "private, max-age=300"}
    return Response(found[asked["kind"]], media_type="image/jpeg", headers=kept)


def _found(visit: Visit, detection: UUID, at: datetime, why: Why) -> dict[str, bytes]:
    """Both pictures by one look: a page that shows one shows the other, too."""
    kept = visit.session.pictures.get(detection)
    if kept is None:
        kept = looking.pictures(visit.door, detection, at, **why)
        visit.session.pictures.put(detection, kept)
    return kept


ROUTES: Routes = {("GET", "/pictures/{look}/{detection:uuid}/{at:int}/{kind}"): picture}
