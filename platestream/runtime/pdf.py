"""Parts of PDF documents on US letter paper. The same content always has the same bytes."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any
from xml.sax import saxutils

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, HRFlowable, SimpleDocTemplate, Table, TableStyle
from reportlab.platypus import Paragraph as Text

from platestream.schemas.escape_invisible import escape_invisible

WIDTH = letter[0] - 2 * inch - 12  # a frame has 6 points of padding on each side
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=14, spaceAfter=6)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=9, leading=11.5, spaceAfter=0, splitLongWords=True)
HEAD = ParagraphStyle("head", parent=SMALL, fontName="Times-Bold")
SECTION = ParagraphStyle(
    "section", parent=BODY, fontName="Times-Bold", fontSize=11.5, spaceBefore=10, keepWithNext=1
)
AGENCY = ParagraphStyle("agency", parent=BODY, fontName="Times-Bold", fontSize=15, leading=18, alignment=1)
KIND = ParagraphStyle("kind", parent=BODY, fontName="Times-Bold", fontSize=12, alignment=1, spaceAfter=12)
PLAIN: list[Any] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
]
"""Style of a table without lines."""
_RULE = (0.5, colors.HexColor("#999999"))


def text(content: str, style: ParagraphStyle = BODY) -> Text:
    """Return foreign text as a paragraph, with markup escaped and invisible characters written out."""
    return Text(saxutils.escape(escape_invisible(content)), style)


def build(story: Iterable[Flowable], *, title: str, author: str, foot: str) -> bytes:
    """Return a document, with `foot` and the page number at the foot of each page."""
    target = BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=letter,
        leftMargin=inch,
        rightMargin=inch,
        topMargin=0.9 * inch,
        bottomMargin=0.9 * inch,
        title=title,
        author=author,
        invariant=1,
    )

    def draw_foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Times-Roman", 8)
        canvas.setFillGray(0.35)
        canvas.drawString(inch, 0.55 * inch, foot)
        canvas.drawRightString(letter[0] - inch, 0.55 * inch, f"Page {page.page}")
        canvas.restoreState()

    document.build(list(story), onFirstPage=draw_foot, onLaterPages=draw_foot)
    return target.getvalue()


def letterhead(agency: str, kind: str, lines: Iterable[tuple[str, str]]) -> list[Flowable]:
    """Return the agency's name, the kind of the document, and its first lines, such as TO and FROM."""
    rows = [[text(f"{name}:", HEAD), text(content)] for name, content in lines]
    return [
        text(agency, AGENCY),
        text(kind, KIND),
        Table(rows, colWidths=[0.9 * inch, WIDTH - 0.9 * inch], style=TableStyle(PLAIN), hAlign="LEFT"),
        HRFlowable(width="100%", thickness=1, color=colors.black, spaceBefore=2, spaceAfter=6),
    ]


def grid(head: Sequence[str], cells: Iterable[Sequence[str]], widths: Sequence[float]) -> Table:
    """Return a table with lines; `widths` are shares of the line, and empty heads give no head."""
    headed = any(head)
    rows = [[text(cell, SMALL) for cell in row] for row in cells]
    if headed:
        rows.insert(0, [text(cell, HEAD) for cell in head])
    style: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), *_RULE),
        ("LINEABOVE", (0, 0), (-1, 0), *_RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    if headed:
        style.append(("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eeeeee")))
    return Table(
        rows,
        colWidths=[share * WIDTH for share in widths],
        repeatRows=1 if headed else 0,
        spaceAfter=6,
        style=TableStyle(style),
    )
