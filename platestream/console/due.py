"""Audits and reports that come round: what is due by when, draws for them, and what was published where."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.datastructures import UploadFile
from starlette.responses import Response

from platestream.console.audit import shown_page
from platestream.console.visit import Routes, Visit
from schemas.profile import Rhythm
from schemas.rhythm import Due, Published
from services.reports import public as publishing
from services.yearly_audit import rhythms

MOMENT = timedelta(microseconds=1)
PERIODS = 13
"""Of each rhythm that are shown."""


@dataclass(frozen=True)
class Shown:
    """A rhythm with its newest periods, the one that is open first. `drawable` and `publishable` are periods
    that are over and wait for that.
    """

    name: str
    rhythm: Rhythm
    due: list[Due]
    published: dict[str, list[Published]]
    drawable: list[str]
    publishable: list[str]


def due(visit: Visit) -> Response:
    """What the profile asks for besides the yearly audit, and forms for what waits."""
    return _due(visit)


def draw(visit: Visit) -> Response:
    """Draw for a period that is over."""
    name, period = visit.said("rhythm"), visit.said("period")
    entry = rhythms.draw(visit.door, name, period, visit.now, visit.said("again"))
    return visit.see(f"/audit/draws/{entry.number}")


def report(visit: Visit) -> Response:
    """The report of a period, as a file to publish."""
    name = visit.said("rhythm")
    told = publishing.figures(visit.door, name, visit.said("period"), visit.now)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{told.period}.json"'}
    return Response(publishing.as_json(told), media_type="application/json", headers=headers)


def publish(visit: Visit) -> Response:
    """Put on record that a report was published: the file as it was made, and where."""
    sent = visit.form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return _due(visit, "Choose the file that was published.", 400)
    name, period, where = (visit.said(field) for field in ("rhythm", "period", "where"))
    publishing.publish(visit.door, name, period, where, sent.file.read(), visit.now)
    return visit.see(f"/audit/due#{name}")


def _due(visit: Visit, refused: str = "", status: int = 200) -> Response:
    asked, standings, record = rhythms.shown(visit.door, visit.now)
    shown = [_shown(visit, one, asked[one.rhythm], record) for one in standings]
    told = {"rhythms": shown, "asked": asked, "refused": refused, "last_day": _last_day(visit)}
    return shown_page(visit, "audit_due.html", status, **told)


def _last_day(visit: Visit) -> Callable[[datetime | None], str]:
    """The day at whose end something is due, by the agency's clock."""
    return lambda by: f"{(by - MOMENT).astimezone(visit.console.zone):%Y-%m-%d}" if by else ""


def _shown(visit: Visit, one: rhythms.Standing, rhythm: Rhythm, record: rhythms.OnRecord) -> Shown:
    newest = list(reversed(one.due[-PERIODS:]))
    over = [due for due in newest if due.period.until <= visit.now and rhythm.demand.months]
    running = [] if rhythm.demand.months or not rhythm.audit else [""]
    return Shown(
        name=one.rhythm,
        rhythm=rhythm,
        due=newest,
        published={
            period: list(told) for (name, period), told in record.documents.items() if name == one.rhythm
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
