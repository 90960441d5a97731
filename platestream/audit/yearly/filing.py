"""Filing of the memorandum of an audit: once, recorded with its hashes, without overwriting files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from reportlab.lib import colors
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table, TableStyle

from platestream.access.door import Door
from platestream.audit.yearly.draw import TooSoon
from platestream.audit.yearly.findings import FiledMemorandum, memorandum_of, refuse_filed
from platestream.audit.yearly.memo import Memo, compose
from platestream.audit.yearly.memo_text import (
    Block,
    Grid,
    Heading,
    Paragraph,
    Signature,
    blocks,
    markdown,
    title,
)
from platestream.edges.clickhouse_client import AUDITOR, run
from platestream.ledger import records
from platestream.runtime.pdf import PLAIN, SECTION, SMALL, build, grid, letterhead, text
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError

Kind = Literal["md", "pdf"]
KINDS: tuple[Kind, ...] = ("md", "pdf")

_DOCUMENT = (
    "SELECT content FROM platestream.document(inquiry = {act:UUID}) WHERE digest = {sha256:String} LIMIT 1"
)


@dataclass(frozen=True)
class Filing:
    """A filed memorandum: its entry, the two files where a folder was named, and its content."""

    entry: LedgerEntry
    memo: Memo
    files: Sequence[Path]


def file(door: Door, number: int, now: datetime, to: Path | None = None) -> Filing:
    """File the memorandum of draw `number` as Markdown and PDF: recorded, stored, and written to the folder
    `to`, if any.

    Raises TooSoon while an inquiry has no finding; RefusedError where it was filed already, an auditor judged
    their own inquiry, or a file exists already; RefusedInquiry, DatabaseError and OSError.
    """
    client = door.client(AUDITOR)
    reason = f"Memorandum of the audit, draw {number}"
    with door.log_refusal("audit_memo", f"draw {number}", reason=reason):
        refuse_filed(client, number)
        permit = door.enter("audit_show", f"memorandum of draw {number}")
        memo = compose(door, permit, number, now)
        files = [to / _name(memo.drawn.year, number, kind) for kind in KINDS] if to else []
        if there := [one.name for one in files if one.exists()]:
            raise RefusedError("memorandum", f"{there[0]} is there already, and is not written over")
    contents = markdown(memo).encode(), pdf(memo)
    if to:
        to.mkdir(parents=True, exist_ok=True)
    entry, permit = records.put(door, "audit_memo", _filed(memo, *contents), reason=reason)
    names = [f"memorandum-{memo.drawn.year}-draw-{number}.{kind}" for kind in KINDS]
    records.store(permit, door, dict(zip(names, contents, strict=True)))
    for path, content in zip(files, contents, strict=False):
        with path.open("xb") as target:
            target.write(content)
    return Filing(entry, memo, files)


def document(door: Door, number: int, kind: Kind) -> tuple[str, bytes]:
    """Return the filed memorandum of draw `number`: the name of its file, and its bytes.

    Raises TooSoon where none was filed, RefusedInquiry and DatabaseError.
    """
    permit = door.enter("audit_show", f"memorandum of draw {number}")
    client = door.client(AUDITOR)
    memorandum = memorandum_of(client, number)
    if memorandum is None:
        raise TooSoon(f"the memorandum of draw {number} is not filed yet")
    _entry, one = memorandum
    parameters = {
        "act": permit.inquiry_id,
        "sha256": one.pdf_sha256 if kind == "pdf" else one.markdown_sha256,
    }
    answer = run(
        "reading the memorandum",
        partial(client.query, _DOCUMENT, parameters=parameters, column_formats={"content": "bytes"}),
    )
    return _name(one.year, number, kind), bytes(answer.result_rows[0][0])


def _name(year: int, number: int, kind: Kind) -> str:
    return f"alpr-audit-{year}-draw-{number}.{kind}"


def _filed(memo: Memo, text: bytes, paper: bytes) -> FiledMemorandum:
    return FiledMemorandum(
        year=memo.drawn.year,
        draw=memo.entry.number,
        markdown_sha256=sha256(text).hexdigest(),
        pdf_sha256=sha256(paper).hexdigest(),
        inquiries=len(memo.findings),
        met=memo.met,
        data_errors=len(memo.errors),
        rhythm=memo.drawn.rhythm,
        period=memo.drawn.period,
    )


def pdf(memo: Memo) -> bytes:
    """Format the memorandum, with ledger hash and page number at the foot."""
    return build(
        _story(memo),
        title=f"Memorandum: {title(memo)[-1][1]}",
        author=", ".join(memo.authors),
        foot=f"Draw audit {memo.entry.number}, {memo.entry.hash[:32]}",
    )


def _story(memo: Memo) -> Iterator[Flowable]:
    yield from letterhead(memo.profile.agency.name, "MEMORANDUM", title(memo))
    content = list(blocks(memo))
    last = max(index for index, block in enumerate(content) if isinstance(block, Heading))
    yield from map(_flowable, content[:last])
    # Signatures are never alone on a page.
    yield KeepTogether([_flowable(block) for block in content[last:]])


def _flowable(block: Block) -> Flowable:
    match block:
        case Heading(words):
            return text(words, SECTION)
        case Paragraph(words):
            return text(words)
        case Grid(head, rows, widths):
            return grid(head, rows, widths)
        case Signature(role):
            line = Table([["", "", ""]], colWidths=[3.4 * inch, 0.5 * inch, 1.6 * inch], hAlign="LEFT")
            line.setStyle(
                TableStyle([("LINEBELOW", (0, 0), (0, 0), *_INK), ("LINEBELOW", (2, 0), (2, 0), *_INK)])
            )
            under = Table(
                [[text(role, SMALL), "", text("Date", SMALL)]],
                colWidths=[3.4 * inch, 0.5 * inch, 1.6 * inch],
                style=TableStyle(PLAIN),
                hAlign="LEFT",
            )
            return KeepTogether([Spacer(1, 0.3 * inch), line, under])


_INK = (0.7, colors.black)
