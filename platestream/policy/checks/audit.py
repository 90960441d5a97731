"""Checks of the records themselves, and of the yearly audit: sections E.1.c and K."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from platestream.access.inquire import RefusedInquiry
from platestream.audit.yearly.draw import Draw, draws, verify_draw
from platestream.audit.yearly.findings import filed_memoranda
from platestream.edges.changelog import readable
from platestream.ledger import store as ledger
from platestream.policy.checks.context import Answer, CheckData, Unchecked, first_few, gap_unless
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.pluralize import pluralize
from platestream.schemas.profile import due
from platestream.schemas.spans import Span, parse_span
from platestream.schemas.topics import INQUIRIES
from platestream.transparency_log.log_integrity import verify

SLACK = timedelta(days=4)  # six months were also counted as 180 days
LEAST, MONTHS, YEAR = 10, Span(6, "month"), Span(12, "month")
"""Least inquiries, their period, and that of the use, by sections K.2 and K.3; a law has its own."""

_FIRST = "SELECT min(at), count() FROM platestream.inquiry_log"
_SEALED = "SELECT count() FROM platestream.inquiry_seals"
_RESTORED = """
SELECT at, change FROM platestream.inquiry_log
WHERE kind = 'restore' AND outcome = 'allowed' AND at > {since:DateTime64(6, 'UTC')} ORDER BY at
"""
_STORED = "SELECT digest, intact FROM platestream.document_state"


def records_intact(live: CheckData) -> Answer:
    """Check that inquiry log, seals, their copy and the ledger are intact."""
    ((rows,),) = live.rows(_SEALED)
    copy = list(readable(INQUIRIES, live.messages(INQUIRIES)))
    try:
        log = live.open_log()
    except RefusedInquiry:
        return Answer.of(
            "", Unchecked("inquiries are an auditor's to read", "platestream policy check by an auditor")
        )
    faults = [*verify(live.client, copy, log=log, now=live.now).faults, *ledger.verify(live.client)]
    return Answer.of(
        f"{pluralize(len({one.seal for one in copy}), 'seal')} in the copy, {rows} in the database",
        first_few(faults) if faults else "",
        list(_restores(live)),
        gap_unless(
            rows or copy,
            "nothing was sealed yet",
            "platestream.flows.audit_flow running once an act is on record",
        ),
    )


def _restores(live: CheckData) -> Iterator[Unchecked]:
    """Yield a gap for each backup that was restored in the last year: the log lacks what came after it."""
    for at, change in live.rows(_RESTORED, since=live.year):
        on = f"{at.astimezone(live.profile.agency.zone):%Y-%m-%d %H:%M %Z}"
        yield Unchecked(
            f"restored on {on} from a backup ({change}): later acts are missing",
            "platestream audit verify, with a head of the log from before that others hold",
        )


def filed_in_time(live: CheckData) -> Answer:
    """Check that each year's audit is filed by its day."""
    ((first, count),) = live.rows(_FIRST)
    if not count:
        return Answer.of(
            "",
            gap_unless(
                count,
                "nothing is on record that could be audited",
                "once somebody searches stored data (platestream search)",
            ),
        )
    began, today = first.astimezone(UTC).date(), live.now.date()
    memoranda = [memo.year for _entry, memo in filed_memoranda(live.client) if not memo.rhythm]
    missing, open_ = [], []
    for year in range(began.year, today.year + 1):
        days = [day for day in due(live.profile, year) if day >= began]
        past = [day for day in days if day < today]
        if memoranda.count(year) < len(past):
            missing.append(f"the audit of {year} is missing; it was due on {past[-1]}")
        elif coming := days[memoranda.count(year) :]:
            open_.append(f"{year} is due on {coming[0]}")
    return Answer.of(
        "; ".join([f"{len(memoranda)} memoranda filed", *open_]),
        missing,
        gap_unless(
            memoranda or missing,
            "no audit was due yet, and none is filed",
            "platestream audit sample and memo, once the first audit is due",
        ),
    )


def sampled(live: CheckData) -> Answer:
    """Check that enough was drawn, and the seed draws it again. Inquiries of the period are drawn at random,
    and a sample of the use.
    """
    drawn = {entry.number: (entry, one) for entry, one in draws(live.client)}
    faults = [
        fault
        for _entry, memo in filed_memoranda(live.client)
        if memo.draw in drawn
        for fault in _of_draw(live, *drawn[memo.draw])
    ]
    return Answer.of(
        f"{pluralize(len(drawn), 'draw')}, {live.profile.audit.inquiries} inquiries asked for",
        _less_than_ordered(live),
        faults,
        gap_unless(
            filed_memoranda(live.client),
            "no memorandum is filed, so no draw counts yet",
            "platestream audit sample and platestream audit memo",
        ),
    )


def _less_than_ordered(live: CheckData) -> str:
    """Return the fault of rules that ask for a smaller sample than the order."""
    rules = live.profile.audit
    if live.profile.agency.law or (
        rules.inquiries >= LEAST
        and parse_span(rules.inquiries_from).fixed >= MONTHS.fixed
        and parse_span(rules.utilization_from).fixed >= YEAR.fixed
    ):
        return ""
    return (
        f"the rules ask for {rules.inquiries} inquiries of {rules.inquiries_from} and use of "
        f"{rules.utilization_from}; the order for {LEAST} of {MONTHS}, and {YEAR}"
    )


def _of_draw(live: CheckData, entry: LedgerEntry, drawn: Draw) -> list[str]:
    rhythm = live.profile.rhythms.get(drawn.rhythm)
    required = (rhythm.inquiries or drawn.population) if rhythm else live.profile.audit.inquiries
    name = f"draw {entry.number}"
    if drawn.rhythm and rhythm is None:  # drawn under another profile, whose rule is not known here
        required = 0
    ordered = not (drawn.rhythm or live.profile.agency.law)
    required = max(required, LEAST) if ordered else required
    count = len(drawn.inquiries) - len(drawn.of_others)
    few = count < min(required, drawn.population)
    faults = [f"{name}: {count} inquiries, {required} asked for"] if few else []
    began = MONTHS.before(drawn.inquiries_until, live.profile.agency.zone)
    if ordered and drawn.inquiries_since > began + SLACK:
        faults.append(f"{name}: inquiries from {drawn.inquiries_since:%Y-%m-%d} on, {MONTHS} asked for")
    if drawn.use_population and not drawn.use:
        faults.append(f"{name}: no sample of the use of the system")
    # Inquiries are retained for seven years, so a log that differs has lost or gained some.
    return [*faults, *(f"{name}: {fault}" for fault in verify_draw(live.client, drawn))]


def memoranda(live: CheckData) -> Answer:
    """Check that memoranda are stored as they were filed. Data errors that await correction are counted."""
    stored = dict(live.rows(_STORED))
    faults, errors = [], 0
    for _entry, memo in filed_memoranda(live.client):
        errors += memo.data_errors
        for digest in (memo.markdown_sha256, memo.pdf_sha256):
            if not stored.get(digest):
                state = "is damaged" if digest in stored else "is not stored"
                faults.append(f"the memorandum of {memo.year} (draw {memo.draw}) {state}")
    return Answer.of(
        f"{pluralize(len(stored), 'document')}; {errors} data errors found",
        sorted(set(faults)),
        gap_unless(
            stored or faults, "no memorandum is filed", "platestream audit sample and platestream audit memo"
        ),
    )
