"""The records themselves, and the yearly audit: sections E.1.c and K."""

from datetime import UTC

from connectors import ledger
from connectors.inquiry_verify import verify
from schemas.counted import counted
from schemas.ledger import LedgerEntry
from schemas.profile import due
from schemas.topics import INQUIRIES
from services.inquiries.gate import RefusedInquiry
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.yearly_audit.draw import Draw, again, draws
from services.yearly_audit.memo import filed

_FIRST = "SELECT min(at), count() FROM platestream.inquiry_log"
_SEALED = "SELECT count() FROM platestream.inquiry_seals"
_STORED = "SELECT digest, intact FROM platestream.document_state"


def whole(live: Live) -> Answer:
    """Inquiry log, its seals, their copy and the ledger fit together."""
    ((rows,),) = live.rows(_SEALED)
    copy = [INQUIRIES.decode(message) for message in live.messages(INQUIRIES)]
    try:
        log = live.open_log()
    except RefusedInquiry:
        return answer("", Gap("inquiries are an auditor's to read", "platestream policy check by an auditor"))
    faults = [*verify(live.client, copy, log=log, now=live.now), *ledger.verify(live.client)]
    return answer(
        f"{counted(len({one.seal for one in copy}), 'seal')} in the copy, {rows} in the database",
        named(faults) if faults else "",
        unless(rows or copy, "nothing was sealed yet", "flows.audit_flow running once an act is on record"),
    )


def filed_in_time(live: Live) -> Answer:
    """Each year's audit is filed by the day it is due."""
    ((first, count),) = live.rows(_FIRST)
    if not count:
        return answer(
            "",
            unless(
                count,
                "nothing is on record that could be audited",
                "once somebody searches stored data (platestream search)",
            ),
        )
    began, today = first.astimezone(UTC).date(), live.now.date()
    memoranda = [memo.year for _entry, memo in filed(live.client) if not memo.rhythm]
    missing, open_ = [], []
    for year in range(began.year, today.year + 1):
        days = [day for day in due(live.profile, year) if day >= began]
        past = [day for day in days if day < today]
        if memoranda.count(year) < len(past):
            missing.append(f"the audit of {year} is missing; it was due on {past[-1]}")
        elif coming := days[memoranda.count(year) :]:
            open_.append(f"{year} is due on {coming[0]}")
    return answer(
        "; ".join([f"{len(memoranda)} memoranda filed", *open_]),
        missing,
        unless(
            memoranda or missing,
            "no audit was due yet, and none is filed",
            "platestream audit sample and memo, once the first audit is due",
        ),
    )


def sampled(live: Live) -> Answer:
    """Each filed audit drew enough inquiries of its period at random, and a sample of the use."""
    drawn = {entry.number: (entry, one) for entry, one in draws(live.client)}
    faults = [
        fault
        for _entry, memo in filed(live.client)
        if memo.draw in drawn
        for fault in _of_draw(live, *drawn[memo.draw])
    ]
    return answer(
        f"{counted(len(drawn), 'draw')}, {live.profile.audit.inquiries} inquiries asked for",
        faults,
        unless(
            filed(live.client),
            "no memorandum is filed, so no draw counts yet",
            "platestream audit sample and platestream audit memo",
        ),
    )


def _of_draw(live: Live, entry: LedgerEntry, drawn: Draw) -> list[str]:
    rhythm = live.profile.rhythms.get(drawn.rhythm)
    wanted = (rhythm.inquiries or drawn.population) if rhythm else live.profile.audit.inquiries
    name = f"draw {entry.number}"
    if drawn.rhythm and rhythm is None:  # of another profile, whose rule is not known here
        wanted = 0
    few = len(drawn.inquiries) < min(wanted, drawn.population)
    faults = [f"{name}: {len(drawn.inquiries)} inquiries, {wanted} asked for"] if few else []
    if drawn.use_population and not drawn.use:
        faults.append(f"{name}: no sample of the use of the system")
    # Inquiries are kept for seven years: a log of this period that differs has lost or gained some.
    return [*faults, *(f"{name}: {fault}" for fault in again(live.client, drawn))]


def memoranda(live: Live) -> Answer:
    """Memoranda are stored as they were filed, and say which data errors wait for correction."""
    stored = dict(live.rows(_STORED))
    faults, errors = [], 0
    for _entry, memo in filed(live.client):
        errors += memo.data_errors
        for digest in (memo.markdown_sha256, memo.pdf_sha256):
            if not stored.get(digest):
                state = "is damaged" if digest in stored else "is not stored"
                faults.append(f"the memorandum of {memo.year} (draw {memo.draw}) {state}")
    return answer(
        f"{counted(len(stored), 'document')}; {errors} data errors found",
        sorted(set(faults)),
        unless(
            stored or faults, "no memorandum is filed", "platestream audit sample and platestream audit memo"
        ),
    )
