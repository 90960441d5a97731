"""The sealed inquiry log, for whoever audits it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from platestream.console import audit
from platestream.console.api.caller import Caller, may
from platestream.console.api.fields import Asked, Text

router = APIRouter(tags=["log"])
Log = Annotated[Caller, Depends(may("log"))]


class Why(Asked):
    """Why it is exported."""

    case_number: Text = ""
    reason: Text = ""


@router.post(
    "/log/export",
    response_class=Response,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "A line for each seal."}},
)
def export(caller: Log, asked: Why) -> Response:
    """All inquiries with their seals, a line each (docs/audit.md has the format)."""
    now = caller.now.astimezone(caller.console.zone)
    return audit.sealed_log(caller.door, now, case_number=asked.case_number, reason=asked.reason)
