"""Text of the memorandum for both forms: a heading, then paragraphs, tables and lists."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from platestream.audit.yearly.draw import Use
from platestream.audit.yearly.findings import AuditedInquiry, Finding
from platestream.audit.yearly.memo import Memo
from platestream.schemas.escape_invisible import escape_invisible
from platestream.transparency_log.log_integrity import waiting_sentence


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Grid:
    """A table; `widths` are shares of the line."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]


@dataclass(frozen=True)
class Signature:
    """A line to sign and date."""

    role: str


_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~&!]")
"""Characters that are markup in Markdown or HTML."""
Block = Heading | Paragraph | Grid | Signature


_ORDER = {False: "Inquiries are", True: "Searches, and likewise openings, are"}


def title(memo: Memo) -> list[tuple[str, str]]:
    """Return the lines above the text."""
    agency = memo.profile.agency
    return [
        ("TO", agency.memorandum_to),
        ("FROM", ", ".join((agency.memorandum_from, *memo.authors))),
        ("DATE", f"{memo.at:%B} {memo.at.day}, {memo.at.year}"),
        ("SUBJECT", f"{memo.title} of ALPR browsing inquiries ({agency.order})"),
    ]


def blocks(memo: Memo) -> Iterator[Block]:
    """Yield the memorandum from purpose to signatures."""
    drawn, rules = memo.drawn, memo.profile.audit
    yield Heading("1. Purpose")
    yield Paragraph(
        f"This memorandum documents the {memo.title} of browsing inquiries in the license plate "
        f"reader system ({memo.citation}). It verifies proper use from a sample of the system's use, "
        "determines for randomly selected inquiries whether each meets the requirements of the policy, and "
        "names the data errors found so that they can be corrected."
    )
    yield Heading("2. Result")
    yield Paragraph(_result(memo))
    yield Heading("3. Period and method")
    yield Paragraph(
        f"Inquiries: {drawn.inquiries_since:%Y-%m-%d} to {drawn.inquiries_until:%Y-%m-%d} "
        f"({_reach(memo)}). {_inquirers(memo)} made {drawn.population} browsing inquiries "
        "in that period, not counting what the system asked by itself; "
        f"{_sample(memo)} Use of the system: {drawn.use_since} to {drawn.use_until}"
        f"{_use_reach(memo)}; {drawn.use_population} camera days on record, {len(drawn.use)} drawn. "
        "All times are UTC."
    )
    yield Paragraph(
        f"{_ORDER[drawn.searches is not None]} put in the order of SHA-256 of the seed, a colon and the "
        "inquiry's id; the first are the sample. Camera days likewise, with day and camera. Whoever holds "
        "the inquiry log can repeat the draw. The seed came from the system's random source in the moment of "
        "the draw, recorded with it."
    )
    yield Grid(
        ("", ""),
        [
            ("Seed", drawn.seed),
            ("Drawn", f"{drawn.drawn_at:%Y-%m-%d %H:%M:%S} by {memo.entry.who}"),
            ("Ledger entry", f"audit {memo.entry.number}, {memo.entry.hash}"),
            ("Inquiries drawn from", f"SHA-256 of their ids {drawn.population_sha256}"),
            (f"Draws for this {'period' if drawn.rhythm else 'year'}", _draws(memo)),
        ],
        (0.24, 0.76),
    )
    yield Heading("4. Use of the system")
    if drawn.use:
        total = memo.use_totals
        yield Paragraph(
            f"On the {len(drawn.use)} camera days drawn: {total['passes']} vehicle passes, {total['hits']} "
            f"alert hits, of which {total['verified']} have a recorded check of plate and state and "
            f"{total['acted_on']} led to action."
        )
        head = ("Day", "Camera", "Passes", "Hits", "Verified", "Action")
        yield Grid(head, [_use(one) for one in drawn.use], (0.16, 0.36, 0.12, 0.12, 0.12, 0.12))
    else:
        yield Paragraph("No camera day is on record in the period.")
    yield Heading("5. Inquiries and findings")
    yield Grid(
        ("#", "When, who", "Inquiry and its documentation", "Finding"),
        [
            _finding(number, look, finding)
            for number, (look, finding) in enumerate(zip(memo.looks, memo.findings, strict=True), 1)
        ],
        (0.05, 0.2, 0.45, 0.3),
    )
    yield Heading("6. Data errors and corrections")
    if memo.errors:
        yield Grid(
            ("Inquiry", "Data error", "Correction"),
            [(str(one.inquiry_id)[:8], one.data_error, one.correction or "open") for one in memo.errors],
            (0.15, 0.45, 0.4),
        )
    else:
        yield Paragraph("No data errors were found.")
    yield Heading("7. Integrity of the records")
    yield Paragraph(_integrity(memo))
    if rules.certification and not drawn.rhythm:
        yield Heading("8. Certification")
        yield Paragraph(_certification(memo))
        yield Grid(("User", "Last training"), memo.trained or [("none registered", "")], (0.6, 0.4))
        yield Paragraph(
            "Known significant violations and citizen complaints, and whether they were forwarded "
            "(write none where there are none): ________________________________"
        )
    yield Signature(memo.profile.agency.memorandum_from)
    yield Signature(f"Reviewed: {memo.profile.agency.memorandum_to}")


def markdown(memo: Memo) -> str:
    """Format the memorandum as Markdown."""
    lines = [f"# {memo.profile.agency.name}", "", "## Memorandum", ""]
    lines += [f"**{name}:** {_cell(text)}  " for name, text in title(memo)]
    for block in blocks(memo):
        lines.append("")
        match block:
            case Heading(text):
                lines.append(f"### {text}")
            case Paragraph(text):
                lines.append(text)
            case Grid(head, rows, _widths):
                lines.append(f"| {' | '.join(head)} |")
                lines.append(f"|{'---|' * len(head)}")
                lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
            case Signature(role):
                lines.append(f"________________________________  Date ____________\n\n{role}")
    return "\n".join(lines) + "\n"


def _result(memo: Memo) -> str:
    failed = len(memo.findings) - memo.met
    met = f"{memo.met} of {len(memo.findings)} inquiries meet the requirements"
    sentences = f"; {failed} {'does' if failed == 1 else 'do'} not (section 5)" if failed else ""
    errors = len(memo.errors)
    found = (
        f"{errors} data error{'s were' if errors > 1 else ' was'} found (section 6)"
        if errors
        else ("no data errors were found")
    )
    short = len(memo.drawn.inquiries) < memo.asked_for
    few = (
        f" The policy asks for {memo.asked_for} inquiries; no more were made in the period, "
        "so all of them were audited."
        if short
        else ""
    )
    return f"{met}{sentences}; {found}.{few}"


def _reach(memo: Memo) -> str:
    if memo.drawn.rhythm:
        return "the whole period"
    return f"{memo.profile.audit.inquiries_from} before {_end(memo)}"


def _use_reach(memo: Memo) -> str:
    return "" if memo.drawn.rhythm else f" ({memo.profile.audit.utilization_from})"


def _inquirers(memo: Memo) -> str:
    return "People of other agencies" if memo.drawn.not_of else "Employees"


def _end(memo: Memo) -> str:
    """Return the end of the period: an audit of the current year ends with its draw, one of a past year with
    the year.
    """
    return (
        "the draw" if memo.drawn.inquiries_until == memo.drawn.drawn_at else f"the end of {memo.drawn.year}"
    )


def _sample(memo: Memo) -> str:
    """Say how many inquiries were drawn, and of which kinds."""
    drawn = memo.drawn
    if drawn.searches is None:
        return f"{len(drawn.inquiries)} were drawn."
    searches = len(drawn.inquiries) - len(drawn.openings) - len(drawn.of_others) - len(drawn.after_reset)
    others = f", {len(drawn.of_others)} from inquiries of other agencies" if drawn.of_others else ""
    reset = f", and {len(drawn.after_reset)} that followed a one-time code" if drawn.after_reset else ""
    return (
        f"{searches} were drawn from {drawn.searches} searches, {len(drawn.openings)} from "
        f"{drawn.population - drawn.searches} openings of a picture or a hit{others}{reset}."
    )


def _draws(memo: Memo) -> str:
    if memo.draws_made == 1:
        return "1, this one"
    return (
        f"{memo.draws_made}: each is in the ledger, with its seed; the reason for another draw is in the log"
    )


def _use(one: Use) -> list[str]:
    return [
        str(one.day),
        one.camera_id,
        *(str(n) for n in (one.passes, one.hits, one.verified, one.acted_on)),
    ]


def _finding(number: int, look: AuditedInquiry, finding: Finding) -> list[str]:
    documented = ", ".join(
        filter(None, [look.case_number and f"case {look.case_number}", look.reason and f'"{look.reason}"'])
    )
    cameras = f" at {', '.join(look.cameras)}" if look.cameras else ""
    asked = f"{look.kind} {look.pattern or 'every plate'}" if look.kind != "picture" else "picture"
    verdict = "Meets the requirements" if finding.meets else "Does not meet the requirements"
    notes = "".join(f". {text}" for text in (finding.note, finding.data_error) if text)
    return [
        str(number),
        f"{look.at:%Y-%m-%d %H:%M} {look.who}{f' ({look.agency})' if look.agency else ''}",
        f"{asked}{cameras}; {documented} [{str(look.inquiry_id)[:8]}]",
        f"{verdict}{notes}",
    ]


def _integrity(memo: Memo) -> str:
    waits = waiting_sentence(memo.waiting)
    waiting = f" {waits} by the audit process; rows are sealed a moment after they are made." if waits else ""
    if not memo.whole:
        return (
            "The draw was repeated from its seed and gave the same inquiries. The inquiry log was checked "
            "against its seals, and the ledger against the inquiry log: no row was changed, added or removed."
            f"{waiting}"
        )
    return f"{len(memo.whole)} faults were found in the records: {'; '.join(memo.whole[:10])}.{waiting}"


def _certification(memo: Memo) -> str:
    misuse = "no misuse" if memo.met == len(memo.findings) else "the misuse named in section 5"
    return (
        "I certify that this agency has a policy in force, that only authorized and trained users had "
        f"access, and that the random survey of accesses described above revealed {misuse}."
    )


def _cell(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", escape_invisible(text.replace("\n", " ")))
