"""API of the sealed inquiry log, for auditors."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from platestream.audit.pages import audit
from platestream.web.api.caller import Caller, require
from platestream.web.api.fields import RequestModel, Text

router = APIRouter(tags=["log"])
Log = Annotated[Caller, Depends(require("log"))]


class Why(RequestModel):
    """Reason of an export."""

    case_number: Text = ""
    reason: Text = ""


@router.post(
    "/log/export",
    response_class=Response,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "One line for each seal."}},
)
def export(caller: Log, body: Why) -> Response:
    """Export all inquiries with their seals, one on each line (docs/how-to/auditor/verify-the-log.md
    describes the format).
    """
    now = caller.now.astimezone(caller.console.zone)
    return audit.sealed_log(caller.door, now, case_number=body.case_number, reason=body.reason)
