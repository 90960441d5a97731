"""Audit pages: inquiry log, seals, draws, findings, the memorandum, and compliance with the order."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Literal
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from platestream.access import accounts_audit, sign_ins_audit
from platestream.access.door import Door
from platestream.audit import integrity
from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import filing, memo_text, progress
from platestream.audit.yearly import findings as audit_findings
from platestream.policy import service as checking
from platestream.policy.checks.context import CheckData
from platestream.policy.laws import law_of
from platestream.policy.laws.law import READ
from platestream.runtime.scratch_file import scratch_file
from platestream.schemas.acts import BY_NAME
from platestream.schemas.finding import Finding
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.sign_in_event import KINDS
from platestream.transparency_log.log_integrity import waiting_sentence
from platestream.web.page_request import Page, PageRequest, Routes

ANSWERS = {"held": "held", "not_held": "not held", "not_checked": "not checked", "people": "for people"}
EVER = datetime.fromisoformat("1970-01-02T00:00Z")
"""An inquiry that begins before this is of all that is kept."""
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Row:
    """Inquiry of a draw. `look` is None if it is missing from the log; `own`: the auditor made it."""

    inquiry_id: UUID
    look: audit_findings.AuditedInquiry | None
    finding: audit_findings.Finding | None
    entry: LedgerEntry | None
    found: Sequence[Finding]
    own: bool


def show_overview(request: PageRequest) -> Response:
    """Show the draws with their progress, and the recent findings of the checks."""
    shown = progress.overview(request.door, request.now)
    this_year = any(one.drawn.year == request.now.year and not one.drawn.rhythm for one in shown.audits)
    return audit_page(request, "audit.html", shown=shown, year=request.now.year, this_year=this_year)


def show_integrity(request: PageRequest) -> Response:
    """Show the integrity of the inquiry log, as `platestream audit verify` does."""
    found = integrity.check(request.door)
    return audit_page(request, "audit_integrity.html", found=found, waits=waiting_sentence(found.waiting))


def show_resets(request: PageRequest) -> Response:
    """Show the one-time codes for passwords, as `platestream account resets` does."""
    return audit_page(request, "audit_resets.html", found=accounts_audit.resets(request.door, request.now))


def show_sign_ins(request: PageRequest) -> Response:
    """Show sign-ins, refused ones and ends of sessions, as `platestream account sign-ins` does."""
    who, kind = request.field("who"), request.field("kind")
    found = sign_ins_audit.sign_ins(request.door, request.now, who, kind)
    shown: dict[str, Any] = {"KINDS": KINDS, "MOST": sign_ins_audit.MOST}
    return audit_page(request, "audit_sign_ins.html", found=found, who=who, kind=kind, **shown)


def show_plan(request: PageRequest) -> Response:
    """Show a draw before it is made."""
    plan = drawing.plan(request.door, _year(request), request.now)
    return audit_page(request, "audit_plan.html", plan=plan)


def make_draw(request: PageRequest) -> Response:
    """Make a draw."""
    entry = drawing.draw(request.door, _year(request), request.now, request.field("again"))
    return request.redirect(f"/audit/draws/{entry.number}")


def show_draw(request: PageRequest) -> Response:
    """Show a draw: its inquiries with their details, and a form to judge each."""
    shown = audit_findings.show(request.door, request.named("draw"))
    rows = list(_rows(request, shown))
    following = _following(rows, request.field("after"))
    return audit_page(
        request, "audit_draw.html", shown=shown, rows=rows, following=following, OWN=audit_findings.OWN
    )


def judge(request: PageRequest) -> Response:
    """Record a finding, and go to the next inquiry without one."""
    verdict = request.field("verdict")
    if verdict not in ("meets", "fails"):
        raise ValueError("select whether the inquiry meets the order")
    finding = audit_findings.Finding(
        draw=request.named("draw"),
        inquiry_id=UUID(request.field("inquiry")),
        meets=verdict == "meets",
        **request.values("note", "data_error", "correction"),
    )
    audit_findings.record_finding(request.door, finding)
    return request.redirect(f"/audit/draws/{finding.draw}?after={finding.inquiry_id}#next")


def show_memorandum(request: PageRequest) -> Response:
    """Show the memorandum of a year: its draft, or the filed one."""
    number = request.field("draw")
    year = request.named("year")
    shown = progress.memorandum(
        request.door, year, request.now, _whole_number(number, "a draw") if number else None
    )
    blocks = [(type(one).__name__, one) for one in memo_text.blocks(shown.memo)] if shown.memo else []
    title = memo_text.title(shown.memo) if shown.memo else []
    return audit_page(request, "audit_memo.html", year=year, shown=shown, title=title, blocks=blocks)


def file_memorandum(request: PageRequest) -> Response:
    """File the memorandum, once."""
    if request.field("sure") != "yes":
        raise ValueError("confirm that you have read the memorandum: it cannot be changed after filing")
    done = filing.file(request.door, _whole_number(request.field("draw"), "a draw"), request.now)
    return request.redirect(f"/audit/memo/{done.memo.drawn.year}?draw={done.memo.entry.number}")


def download(layout: Literal["md", "pdf"], media: str) -> Page:
    """Return the page that sends a filed memorandum in a layout."""

    def send(request: PageRequest) -> Response:
        name, content = filing.document(request.door, request.named("draw"), layout)
        return Response(content, media_type=media, headers=_named(name))

    return send


def show_order(request: PageRequest) -> Response:
    """Show the checks of the order. They take some seconds and run on request."""
    return audit_page(request, "audit_policy.html", results=None)


def check_order(request: PageRequest) -> Response:
    """Check compliance with the order, clause by clause, on live data."""
    live = CheckData.of(request.door, request.now, names=True)
    results, law = list(checking.run(live)), law_of(live.profile)
    clauses: Sequence[Any] = [
        (clause, "people" if clause.people else checking.worst(found), found)
        for clause, found in checking.by_clause(results)
    ]
    if law:
        clauses = list(checking.by_law(law, results))
    counts = {name: sum(one.outcome == name for one in results) for name in checking.OUTCOMES}
    shown: dict[str, Any] = {"results": results, "clauses": clauses, "counts": counts}
    return audit_page(request, "audit_policy.html", law=law, READ=READ, **shown)


def export(request: PageRequest) -> Response:
    """Export the sealed log as a file."""
    now = request.now.astimezone(request.console.zone)
    return sealed_log(request.door, now, **request.values("case_number", "reason"))


def sealed_log(door: Door, now: datetime, *, case_number: str, reason: str) -> Response:
    """Return the sealed log. It is never readable on the disk, because it holds what was searched for."""
    name = f"inquiry-log-{now:%Y-%m-%d}.jsonl"
    with ExitStack() as opened:
        target = opened.enter_context(scratch_file())
        integrity.export_to(door, target, name, case_number=case_number, reason=reason)
        chunks = _chunks(target, opened.pop_all())
    return StreamingResponse(chunks, media_type="application/x-ndjson", headers=_named(name))


def _chunks(file: IO[bytes], opened: ExitStack) -> Iterator[bytes]:
    with opened:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def audit_page(request: PageRequest, template: str, status: int = 200, **shown: Any) -> Response:
    """Render a page about audits, with the actions that the person may do."""
    may = {act: request.may(act) for act in BY_NAME if act.startswith("audit_")}
    return request.page(template, status, may=may, ANSWERS=ANSWERS, BY_NAME=BY_NAME, EVER=EVER, **shown)


def _rows(request: PageRequest, shown: audit_findings.DrawView) -> Iterator[Row]:
    looks = {look.inquiry_id: look for look in shown.looks}
    users = audit_findings.registered(request.door)
    for one in (*looks, *shown.gone):
        look = looks.get(one)
        yield Row(
            inquiry_id=one,
            look=look,
            finding=shown.findings.get(one),
            entry=shown.entries.get(one),
            found=shown.found.get(one, ()),
            own=look is not None and audit_findings.is_own(request.door, look, users),
        )


def _following(rows: Sequence[Row], after: str) -> UUID | None:
    """Return the next inquiry after `after` that waits for this auditor, wrapping around at the end."""
    place = next((n for n, row in enumerate(rows, 1) if str(row.inquiry_id) == after), 0)
    waiting = (row for row in (*rows[place:], *rows[:place]) if row.finding is None and not row.own)
    return next((row.inquiry_id for row in waiting), None)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _year(request: PageRequest) -> int:
    text = request.field("year")
    return _whole_number(text, "a year") if text else request.now.year


def _whole_number(text: str, what: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{what} must be a whole number")
    return int(text)


ROUTES: Routes = {
    ("GET", "/audit"): show_overview,
    ("GET", "/audit/whole"): show_integrity,
    ("GET", "/audit/resets"): show_resets,
    ("GET", "/audit/sign-ins"): show_sign_ins,
    ("GET", "/audit/draws"): show_plan,
    ("POST", "/audit/draws"): make_draw,
    ("GET", "/audit/draws/{draw:int}"): show_draw,
    ("POST", "/audit/draws/{draw:int}"): judge,
    ("GET", "/audit/draws/{draw:int}/memorandum.pdf"): download("pdf", "application/pdf"),
    ("GET", "/audit/draws/{draw:int}/memorandum.md"): download("md", "text/markdown"),
    ("GET", "/audit/memo/{year:int}"): show_memorandum,
    ("POST", "/audit/memo/{year:int}"): file_memorandum,
    ("GET", "/audit/policy"): show_order,
    ("POST", "/audit/policy"): check_order,
    ("POST", "/audit/export"): export,
}
