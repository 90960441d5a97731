"""The memorandum as PDF (US letter). The same memorandum makes the same bytes."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.sax import saxutils

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    KeepTogether,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus import Paragraph as Text

from schemas.visible import visible
from services.yearly_audit.memo import Memo
from services.yearly_audit.text import Block, Grid, Heading, Paragraph, Signature, blocks, title

WIDTH = letter[0] - 2 * inch - 12  # a frame has 6 points of padding on each side
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=14, spaceAfter=6)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=9, leading=11.5, spaceAfter=0, splitLongWords=True)
HEAD = ParagraphStyle("head", parent=SMALL, fontName="Times-Bold")
SECTION = ParagraphStyle(
    "section", parent=BODY, fontName="Times-Bold", fontSize=11.5, spaceBefore=10, keepWithNext=1
)
AGENCY = ParagraphStyle("agency", parent=BODY, fontName="Times-Bold", fontSize=15, leading=18, alignment=1)
KIND = ParagraphStyle("kind", parent=BODY, fontName="Times-Bold", fontSize=12, alignment=1, spaceAfter=12)
RULE = (0.5, colors.HexColor("#999999"))


def escape(text: str) -> str:
    """Return text of others for a paragraph of ReportLab, with what cannot be seen written out."""
    return saxutils.escape(visible(text))


def pdf(memo: Memo) -> bytes:
    """The memorandum, paged, with ledger hash and page number at the foot."""
    target = BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=letter,
        leftMargin=inch,
        rightMargin=inch,
        topMargin=0.9 * inch,
        bottomMargin=0.9 * inch,
        title=f"Memorandum: {title(memo)[-1][1]}",
        author=memo.auditor,
        invariant=1,
    )

    def foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Times-Roman", 8)
        canvas.setFillGray(0.35)
        canvas.drawString(inch, 0.55 * inch, f"Draw audit {memo.entry.number}, {memo.entry.hash[:32]}")
        canvas.drawRightString(letter[0] - inch, 0.55 * inch, f"Page {page.page}")
        canvas.restoreState()

    document.build(list(_story(memo)), onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


def _story(memo: Memo) -> Iterator[Flowable]:
    yield Text(escape(memo.profile.agency.name), AGENCY)
    yield Text("MEMORANDUM", KIND)
    lines = [[Text(name + ":", HEAD), Text(escape(text), BODY)] for name, text in title(memo)]
    yield Table(lines, colWidths=[0.9 * inch, WIDTH - 0.9 * inch], style=TableStyle(_PLAIN), hAlign="LEFT")
    yield HRFlowable(width="100%", thickness=1, color=colors.black, spaceBefore=2, spaceAfter=6)
    told = list(blocks(memo))
    last = max(index for index, block in enumerate(told) if isinstance(block, Heading))
    yield from map(_flowable, told[:last])
    # Signatures never stand alone on a page.
    yield KeepTogether([_flowable(block) for block in told[last:]])


def _flowable(block: Block) -> Flowable:
    match block:
        case Heading(text):
            return Text(escape(text), SECTION)
        case Paragraph(text):
            return Text(escape(text), BODY)
        case Grid():
            return _grid(block)
        case Signature(role):
            line = Table([["", "", ""]], colWidths=[3.4 * inch, 0.5 * inch, 1.6 * inch], hAlign="LEFT")
            line.setStyle(
                TableStyle([("LINEBELOW", (0, 0), (0, 0), *_INK), ("LINEBELOW", (2, 0), (2, 0), *_INK)])
            )
            under = Table(
                [[Text(escape(role), SMALL), "", Text("Date", SMALL)]],
                colWidths=[3.4 * inch, 0.5 * inch, 1.6 * inch],
                style=TableStyle(_PLAIN),
                hAlign="LEFT",
            )
            return KeepTogether([Spacer(1, 0.3 * inch), line, under])


_INK = (0.7, colors.black)
_PLAIN: list[Any] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
]


def _grid(grid: Grid) -> Table:
    headed = any(grid.head)
    rows = [[Text(escape(cell), SMALL) for cell in row] for row in grid.rows]
    if headed:
        rows.insert(0, [Text(escape(cell), HEAD) for cell in grid.head])
    style: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), *RULE),
        ("LINEABOVE", (0, 0), (-1, 0), *RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    if headed:
        style.append(("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eeeeee")))
    return Table(
        rows,
        colWidths=[share * WIDTH for share in grid.widths],
        repeatRows=1 if headed else 0,
        spaceAfter=6,
        style=TableStyle(style),
    )
