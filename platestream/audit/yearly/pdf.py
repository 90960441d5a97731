"""The memorandum as PDF."""

from collections.abc import Iterator

from reportlab.lib import colors
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table, TableStyle

from platestream.audit.yearly.memo import Memo
from platestream.audit.yearly.memo_text import Block, Grid, Heading, Paragraph, Signature, blocks, title
from platestream.runtime.pdf import PLAIN, SECTION, SMALL, build, grid, letterhead, text


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
