"""Pages of recurring audits and reports: due dates, draws, and publications."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.datastructures import UploadFile
from starlette.responses import Response

from platestream.audit.pages.audit import audit_page
from platestream.audit.yearly import periodic
from platestream.reports import law_reports, transparency
from platestream.schemas.profile import Rhythm
from platestream.schemas.rhythm import Due, Published
from platestream.web.page_request import PageRequest, Routes

MOMENT = timedelta(microseconds=1)
PERIODS = 13
"""Limit of periods shown for each rhythm."""


@dataclass(frozen=True)
class Shown:
    """Rhythm with its newest periods, the open one first. `drawable` and `publishable` are past periods that
    still wait for a draw or a publication.
    """

    name: str
    rhythm: Rhythm
    due: list[Due]
    published: dict[str, list[Published]]
    drawable: list[str]
    publishable: list[str]


def due(request: PageRequest, refused: str = "", status: int = 200) -> Response:
    """Show the recurring audits of the profile and forms for pending ones."""
    rhythms, standings, record = periodic.overview(request.door, request.now)
    shown = [_shown(request, one, rhythms[one.rhythm], record) for one in standings]
    last_day = _last_day(request)
    return audit_page(request, "audit_due.html", status, rhythms=shown, refused=refused, last_day=last_day)


def draw(request: PageRequest) -> Response:
    """Draw a sample for a past period."""
    name, period = request.field("rhythm"), request.field("period")
    entry = periodic.draw(request.door, name, period, request.now, request.field("again"))
    return request.redirect(f"/audit/draws/{entry.number}")


def report(request: PageRequest) -> Response:
    """Return the report of a period as a file for publication."""
    name = request.field("rhythm")
    report = law_reports.figures(request.door, name, request.field("period"), request.now)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{report.period}.json"'}
    return Response(transparency.as_json(report), media_type="application/json", headers=headers)


def publish(request: PageRequest) -> Response:
    """Record the publication of a report: the unchanged file, and where it was published."""
    sent = request.form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return due(request, "Choose the file that was published.", 400)
    name, period, where = (request.field(field) for field in ("rhythm", "period", "where"))
    law_reports.publish(request.door, name, period, where, sent.file.read(), request.now)
    return request.redirect(f"/audit/due#{name}")


def _last_day(request: PageRequest) -> Callable[[datetime | None], str]:
    """Return the last day before something is overdue, in the agency's time zone."""
    return lambda by: f"{(by - MOMENT).astimezone(request.console.zone):%Y-%m-%d}" if by else ""


def _shown(
    request: PageRequest, one: periodic.RhythmStatus, rhythm: Rhythm, record: periodic.AuditRecord
) -> Shown:
    newest = list(reversed(one.due[-PERIODS:]))
    over = [due for due in newest if due.period.until <= request.now and rhythm.demand.months]
    running = [] if rhythm.demand.months or not rhythm.audit else [""]
    return Shown(
        name=one.rhythm,
        rhythm=rhythm,
        due=newest,
        published={
            period: list(documents)
            for (name, period), documents in record.documents.items()
            if name == one.rhythm
        },
        drawable=[due.period.name for due in over if rhythm.audit and due.filed_at is None] + running,
        publishable=[due.period.name for due in over if rhythm.publish and due.published_at is None],
    )


ROUTES: Routes = {
    ("GET", "/audit/due"): due,
    ("POST", "/audit/due/draws"): draw,
    ("POST", "/audit/due/report"): report,
    ("POST", "/audit/due/published"): publish,
}
