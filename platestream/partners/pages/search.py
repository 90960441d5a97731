"""Answers of other agencies on a search page. Each is sent as it arrives, without a script, in the page that
the browser is still reading. Their pictures are inquiries of their own.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from platestream.access.door import Documentation
from platestream.evidence import pages as evidence
from platestream.inquiries.pages.pictures import EPOCH, MICROSECOND
from platestream.inquiries.search import SearchRequest
from platestream.partners import client as partner_client
from platestream.web.failures import FAILURES, error_response
from platestream.web.page_request import PageRequest, Routes

MARK = Markup("<!-- other agencies -->")
"""Marks in a page that answers replace. Foreign text is escaped, so it never equals one of them."""
log = logging.getLogger(__name__)


def queryable_agencies(request: PageRequest) -> list[str]:
    """Return the agencies that can be queried now."""
    people, _rules = request.console.people()
    return partner_client.askable_agencies(request.console.settings, people.agencies.values(), request.now)


def query_agencies(
    request: PageRequest, query: SearchRequest, why: Documentation
) -> Iterator[partner_client.Answer] | None:
    """Query the agencies that the form names; None if it names none. Raises as `partner_client.ask`."""
    chosen = request.fields("agency")
    return partner_client.ask(request.door, query, chosen, **why) if chosen else None


def stream_answers(
    request: PageRequest, page: Response, answers: Iterator[partner_client.Answer], why: Documentation
) -> Response:
    """Stream a page with the answers of others at its mark, each as soon as it arrives."""
    before, _mark, after = bytes(page.body).decode().partition(str(MARK))
    # declared as uncompressed, or the parts would be buffered for compression
    plain = {"Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _parts(request, before, answers, after, why), page.status_code, plain, "text/html; charset=utf-8"
    )


def show_picture(request: PageRequest) -> Response:
    """Return the picture of a read of another agency, by a link of a page that showed the read."""
    named, why = request.http.path_params, request.documentation_of_link()
    agency, at = bytes.fromhex(named["agency"]).decode(), EPOCH + int(named["at"]) * MICROSECOND
    found = partner_client.pictures(request.door, agency, named["detection"], at, **why)
    jpeg = found.get("vehicle") or found.get("crop")
    if jpeg is None:
        raise HTTPException(404)
    return Response(jpeg, media_type="image/jpeg")


def _parts(
    request: PageRequest,
    before: str,
    answers: Iterator[partner_client.Answer],
    after: str,
    why: Documentation,
) -> Iterator[str]:
    yield before
    look = request.session.remember_documentation(why, request.now)
    terms = evidence.hold_terms(request)
    try:
        for answer in answers:
            reads = ((one.detection_id, one.captured_at) for one in answer.reads)
            links = [link(request, look, answer.agency, *one) for one in reads]
            values = [evidence.row_value(msgspec.structs.asdict(one)) for one in answer.reads]
            shown = {"answer": answer, "links": links, "values": values, **terms}
            yield request.console.render("search_others.html", request, failed="", **shown)
    except FAILURES as error:
        yield request.console.render(
            "search_others.html", request, answer=None, links=(), failed=error_response(error)[1]
        )
    except Exception:  # half of the page is sent already: complete it
        log.exception("asking other agencies")
        yield request.console.render(
            "search_others.html",
            request,
            answer=None,
            links=(),
            failed="Something went wrong in this console. Search again.",
        )
    yield after


def link(request: PageRequest, look: str, agency: str, detection_id: UUID, captured_at: datetime) -> str:
    """Return the address of a picture of another agency; `look` as in `pictures.link`."""
    at = (captured_at - EPOCH) // MICROSECOND
    path = f"/search/others/{look}/{agency.encode().hex()}/{detection_id}/{at}"
    return request.session.sign_link(path, request.now)


ROUTES: Routes = {("GET", "/search/others/{look}/{agency}/{detection:uuid}/{at:int}"): show_picture}
