"""The inquiry log and the yearly audit: draws, judging, the memorandum, seals, the order clause by clause."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from platestream.console.visit import Routes, Visit
from schemas.acts import BY_NAME
from schemas.finding import Finding
from schemas.ledger import LedgerEntry
from services import accounts_audit
from services.door import Door
from services.inquiries import whole
from services.policy import check as checking
from services.policy.checks.live import Live
from services.policy.laws import law_of
from services.policy.laws.law import READ
from services.yearly_audit import draw as drawing
from services.yearly_audit import filing, standing, text
from services.yearly_audit import findings as judging

ANSWERS = {"held": "held", "not_held": "not held", "not_checked": "not checked", "people": "for people"}
EVER = datetime.fromisoformat("1970-01-02T00:00Z")
"""An inquiry that begins before this is of all that is kept."""
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Row:
    """An inquiry of a draw; `look` is None where it is gone from the log; `own`: the auditor made it."""

    inquiry_id: UUID
    look: judging.Look | None
    finding: judging.Finding | None
    entry: LedgerEntry | None
    found: Sequence[Finding]
    own: bool


def overview(visit: Visit) -> Response:
    """Draws and how far they are, and what the checks found lately."""
    shown = standing.overview(visit.door, visit.now)
    this_year = any(one.drawn.year == visit.now.year and not one.drawn.rhythm for one in shown.audits)
    return shown_page(visit, "audit.html", shown=shown, year=visit.now.year, this_year=this_year)


def seals(visit: Visit) -> Response:
    """Is the inquiry log whole? As `platestream audit verify`."""
    found = whole.check(visit.door)
    return shown_page(visit, "audit_whole.html", found=found, waits=whole.waiting_sentence(found.waiting))


def resets(visit: Visit) -> Response:
    """Codes by which passwords were set. As `platestream account resets`."""
    return shown_page(visit, "audit_resets.html", found=accounts_audit.resets(visit.door, visit.now))


def planned(visit: Visit) -> Response:
    """What a draw would be, before it is made."""
    plan = drawing.plan(visit.door, _year(visit), visit.now)
    return shown_page(visit, "audit_plan.html", plan=plan)


def draw(visit: Visit) -> Response:
    """Make a draw."""
    entry = drawing.draw(visit.door, _year(visit), visit.now, visit.said("again"))
    return visit.see(f"/audit/draws/{entry.number}")


def drawn(visit: Visit) -> Response:
    """A draw: its inquiries with what is known of each, and a form to judge it."""
    shown = judging.show(visit.door, _draw(visit))
    rows = list(_rows(visit, shown))
    following = _following(rows, visit.said("after"))
    return shown_page(visit, "audit_draw.html", shown=shown, rows=rows, following=following, OWN=judging.OWN)


def judge(visit: Visit) -> Response:
    """Put a finding on record; then the next inquiry that waits for one."""
    verdict = visit.said("verdict")
    if verdict not in ("meets", "fails"):
        raise ValueError("say whether the inquiry meets the order")
    finding = judging.Finding(
        draw=_draw(visit),
        inquiry_id=UUID(visit.said("inquiry")),
        meets=verdict == "meets",
        note=visit.said("note"),
        data_error=visit.said("data_error"),
        correction=visit.said("correction"),
    )
    judging.find(visit.door, finding)
    return visit.see(f"/audit/draws/{finding.draw}?after={finding.inquiry_id}#next")


def memorandum(visit: Visit) -> Response:
    """The memorandum of a year: as it would be filed, or that it is."""
    number = visit.said("draw")
    year = _of_path(visit, "year")
    shown = standing.memorandum(visit.door, year, visit.now, _whole(number, "a draw") if number else None)
    blocks = [(type(one).__name__, one) for one in text.blocks(shown.memo)] if shown.memo else []
    title = text.title(shown.memo) if shown.memo else []
    return shown_page(visit, "audit_memo.html", year=year, shown=shown, title=title, blocks=blocks)


def file(visit: Visit) -> Response:
    """File the memorandum, once."""
    if visit.said("sure") != "yes":
        raise ValueError("confirm that you have read the memorandum: filed is filed")
    done = filing.file(visit.door, _whole(visit.said("draw"), "a draw"), visit.now)
    return visit.see(f"/audit/memo/{done.memo.drawn.year}?draw={done.memo.entry.number}")


def paper(visit: Visit) -> Response:
    """A memorandum that was filed, as PDF."""
    return _download(*filing.document(visit.door, _draw(visit), "pdf"), "application/pdf")


def markdown(visit: Visit) -> Response:
    """A memorandum that was filed, as Markdown."""
    return _download(*filing.document(visit.door, _draw(visit), "md"), "text/markdown")


def order(visit: Visit) -> Response:
    """What the checks of the order are; they take some seconds, and are made when asked for."""
    return shown_page(visit, "audit_policy.html", results=None)


def checked(visit: Visit) -> Response:
    """The order, clause by clause, on live data."""
    live = Live.of(visit.door, visit.now, names=True)
    results, law = list(checking.run(live)), law_of(live.profile)
    clauses: Sequence[Any] = [
        (clause, "people" if clause.people else checking.worst(found), found)
        for clause, found in checking.by_clause(results)
    ]
    if law:
        clauses = list(checking.by_law(law, results))
    counts = {name: sum(one.outcome == name for one in results) for name in checking.OUTCOMES}
    shown: dict[str, Any] = {
        "results": results,
        "clauses": clauses,
        "counts": counts,
        "law": law,
        "READ": READ,
    }
    return shown_page(visit, "audit_policy.html", **shown)


def export(visit: Visit) -> Response:
    """The sealed log as a file."""
    asked = {"case_number": visit.said("case_number"), "reason": visit.said("reason")}
    return sealed_log(visit.door, visit.now.astimezone(visit.console.zone), **asked)


def sealed_log(door: Door, now: datetime, *, case_number: str, reason: str) -> Response:
    """The sealed log. It is never on the disk under a name: it holds what was searched."""
    name = f"inquiry-log-{now:%Y-%m-%d}.jsonl"
    with ExitStack() as opened:
        target = opened.enter_context(TemporaryFile())
        whole.export_to(door, target, name, case_number=case_number, reason=reason)
        chunks = _chunks(target, opened.pop_all())
    return StreamingResponse(chunks, media_type="application/x-ndjson", headers=_named(name))


def _chunks(file: IO[bytes], opened: ExitStack) -> Iterator[bytes]:
    with opened:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def shown_page(visit: Visit, template: str, status: int = 200, **shown: Any) -> Response:
    """A page about audits, which offers what the person may do."""
    roles = set(visit.console.roles(visit.session.who))
    may = {act: bool(roles & set(BY_NAME[act].roles)) for act in BY_NAME if act.startswith("audit_")}
    return visit.page(template, status, may=may, ANSWERS=ANSWERS, BY_NAME=BY_NAME, EVER=EVER, **shown)


def _rows(visit: Visit, shown: judging.Shown) -> Iterator[Row]:
    looks = {look.inquiry_id: look for look in shown.looks}
    users = judging.registered(visit.door)
    for one in (*looks, *shown.gone):
        look = looks.get(one)
        yield Row(
            inquiry_id=one,
            look=look,
            finding=shown.findings.get(one),
            entry=shown.entries.get(one),
            found=shown.found.get(one, ()),
            own=look is not None and judging.is_own(visit.door, look, users),
        )


def _following(rows: Sequence[Row], after: str) -> UUID | None:
    """The next inquiry behind `after` that waits for this auditor, from the first on at the end."""
    place = next((n for n, row in enumerate(rows, 1) if str(row.inquiry_id) == after), 0)
    waiting = (row for row in (*rows[place:], *rows[:place]) if row.finding is None and not row.own)
    return next((row.inquiry_id for row in waiting), None)


def _download(name: str, content: bytes, kind: str) -> Response:
    return Response(content, media_type=kind, headers=_named(name))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _year(visit: Visit) -> int:
    told = visit.said("year")
    return _whole(told, "a year") if told else visit.now.year


def _draw(visit: Visit) -> int:
    return _of_path(visit, "draw")


def _of_path(visit: Visit, name: str) -> int:
    number: int = visit.request.path_params[name]
    return number


def _whole(told: str, what: str) -> int:
    if not told.isdecimal() or len(told) > 9:
        raise ValueError(f"{what} is a whole number")
    return int(told)


ROUTES: Routes = {
    ("GET", "/audit"): overview,
    ("GET", "/audit/whole"): seals,
    ("GET", "/audit/resets"): resets,
    ("GET", "/audit/draws"): planned,
    ("POST", "/audit/draws"): draw,
    ("GET", "/audit/draws/{draw:int}"): drawn,
    ("POST", "/audit/draws/{draw:int}"): judge,
    ("GET", "/audit/draws/{draw:int}/memorandum.pdf"): paper,
    ("GET", "/audit/draws/{draw:int}/memorandum.md"): markdown,
    ("GET", "/audit/memo/{year:int}"): memorandum,
    ("POST", "/audit/memo/{year:int}"): file,
    ("GET", "/audit/policy"): order,
    ("POST", "/audit/policy"): checked,
    ("POST", "/audit/export"): export,
}
