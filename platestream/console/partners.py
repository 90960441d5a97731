"""Other agencies on the page of a search: each one's answer is sent as it comes, without a script, in the
page that the browser is still reading; and their pictures, each a look of its own at the agency that has it.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from platestream.console import evidence
from platestream.console.failures import FAILURES, said_of
from platestream.console.pictures import EPOCH, MICROSECOND
from platestream.console.visit import Routes, Visit
from services.door import Why
from services.inquiries.looking import Asked
from services.partners import asking

MARK = Markup("<!-- other agencies -->")
"""Where their answers stand in a page. What people or cameras wrote is escaped, so it is none of these."""
log = logging.getLogger(__name__)


def offered(visit: Visit) -> list[str]:
    """Agencies that could be asked now."""
    people, _rules = visit.console.people()
    return asking.offered(visit.console.settings, people.agencies.values(), visit.now)


def ask(visit: Visit, asked: Asked, why: Why) -> Iterator[asking.Answer] | None:
    """The answers of the agencies that the form names; None where it names none. Raises as `asking.ask`."""
    chosen = visit.several("agency")
    return asking.ask(visit.door, asked, chosen, **why) if chosen else None


def streamed(visit: Visit, page: Response, answers: Iterator[asking.Answer], why: Why) -> Response:
    """A page with what others say at its mark, each part sent when it is there and shown then."""
    before, _mark, after = bytes(page.body).decode().partition(str(MARK))
    # Said to be sent as it is, or the parts would wait to be compressed together.
    plain = {"Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _parts(visit, before, answers, after, why), page.status_code, plain, "text/html; charset=utf-8"
    )


def picture(visit: Visit) -> Response:
    """The picture of a read of another agency, by a link of a page that showed the read."""
    asked, query = visit.request.path_params, visit.request.query_params
    why = visit.session.looks.get(asked["look"])
    path = visit.request.url.path
    if why is None or not visit.session.signed(path, query.get("ends", ""), query.get("sign", ""), visit.now):
        raise HTTPException(403, "This link has ended: look again.")
    agency, at = bytes.fromhex(asked["agency"]).decode(), EPOCH + int(asked["at"]) * MICROSECOND
    found = asking.pictures(visit.door, agency, asked["detection"], at, **why)
    jpeg = found.get("vehicle") or found.get("crop")
    if jpeg is None:
        raise HTTPException(404)
    kept = {"Cache-Control": "private, max-age=300"}
    return Response(jpeg, media_type="image/jpeg", headers=kept)


def _parts(
    visit: Visit, before: str, answers: Iterator[asking.Answer], after: str, why: Why
) -> Iterator[str]:
    yield before
    look = visit.session.remember(why)
    terms = evidence.asked_for(visit)
    try:
        for answer in answers:
            reads = ((one.detection_id, one.captured_at) for one in answer.reads)
            links = [link(visit, look, answer.agency, *one) for one in reads]
            values = [evidence.value(msgspec.structs.asdict(one)) for one in answer.reads]
            shown = {"answer": answer, "links": links, "values": values, **terms}
            yield visit.console.draw("search_others.html", visit, failed="", **shown)
    except FAILURES as error:
        yield visit.console.draw("search_others.html", visit, answer=None, links=(), failed=said_of(error)[1])
    except Exception:  # the page is half sent: it is ended as a page
        log.exception("asking other agencies")
        yield visit.console.draw(
            "search_others.html", visit, answer=None, links=(), failed="This failed here."
        )
    yield after


def link(visit: Visit, look: str, agency: str, detection_id: UUID, captured_at: datetime) -> str:
    """An address of a picture of another agency; `look` as of `pictures.link`."""
    at = (captured_at - EPOCH) // MICROSECOND
    path = f"/search/others/{look}/{agency.encode().hex()}/{detection_id}/{at}"
    return visit.session.sign(path, visit.now)


ROUTES: Routes = {("GET", "/search/others/{look}/{agency}/{detection:uuid}/{at:int}"): picture}
