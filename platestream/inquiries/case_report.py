"""Case report of a search as PDF: documentation, then each pass with its pictures, then all passes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from PIL import Image as Pictures
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, Image, KeepTogether, Spacer, Table, TableStyle

from platestream.access.gate import Row
from platestream.inquiries.export import PICTURED, CaseExport
from platestream.operators.hit_words import describe_opinion
from platestream.runtime.pdf import BODY, PLAIN, SECTION, SMALL, WIDTH, build, grid, letterhead, text
from platestream.schemas.fields import from_picture
from platestream.schemas.pluralize import pluralize

NOTICE = (
    "A plate as read is a lead. Compare it with the picture, and verify plate and state of issue before any "
    "action. For official use only."
)
CHANCE = "Vehicles that pass a camera one behind the other may have nothing to do with each other."
LABELS = {  # the letterhead has the others
    "inquiry_id": "Inquiry",
    "reason": "Reason",
    "purpose": "Purpose",
    "violation": "Violation",
    "requester": "Requester",
    "legal_basis": "Legal basis",
    "query": "Search",
    "passes_sha256": "SHA-256 of the passes",
    "companions_sha256": "SHA-256 of the companions",
    "meetings_sha256": "SHA-256 of the meetings",
}
FINE = ParagraphStyle("fine", parent=SMALL, fontSize=7, leading=8.5)
VEHICLE, CROP = (2.9 * inch, 1.75 * inch), (1.5 * inch, 0.75 * inch)
"""Largest width and height of the two pictures of a pass."""


def case_report(case: CaseExport) -> bytes:
    """Return the report; its foot names the inquiry and the hash of the passes."""
    return build(
        _story(case),
        title=f"Case report {case.why.get('case_number', '')}".strip(),
        author=case.who,
        foot=f"Inquiry {case.inquiry_id}, {case.plural} {case.sha256[:32]}",
    )


def _story(case: CaseExport) -> Iterator[Flowable]:
    count = len(case.rows)
    subject = f"License plate reader search, {pluralize(count, case.noun)}"
    yield from letterhead(
        case.agency,
        "CASE REPORT",
        [
            ("CASE", case.why.get("case_number", "") or "none"),
            ("FROM", case.who),
            ("DATE", _time(case, case.at)),
            ("SUBJECT", subject),
        ],
    )
    given = case.documentation
    rows = [(label, given[name]) for name, label in LABELS.items() if given.get(name)]
    yield grid(("", ""), rows, (0.24, 0.76))
    for sentence in (NOTICE, *case.unshown):
        yield text(sentence)
    if case.noun == "pass":
        if count > PICTURED:
            yield text(f"The first {PICTURED} passes are shown with their pictures.")
        yield text("Passes with pictures", SECTION)
        for number, row in enumerate(case.rows[:PICTURED], 1):
            yield KeepTogether([_pass(case, number, row), Spacer(1, 0.12 * inch)])
    else:
        yield text(CHANCE)
    yield text(f"All {case.plural}", SECTION)
    head, widths, cells_of = TABLES[case.noun]
    cells = [(str(number), *cells_of(case, row)) for number, row in enumerate(case.rows, 1)]
    for first in range(0, count, 100):  # one long table would take the square of its length
        yield grid(("", *head), cells[first : first + 100], (0.07, *widths))


def _pass(case: CaseExport, number: int, row: Row) -> Table:
    """Return a pass: the vehicle's picture at the left, facts and the plate's picture at the right."""
    images = case.images.get(row["detection_id"], {})
    parts = (
        *(row[f"vehicle_{name}"] for name in ("colour", "make", "model", "body")),
        row["vehicle_other"].get("direction"),
    )
    compared = describe_opinion(row["opinion"], row["plate"], row["camera_plate"])
    facts = [
        (f"{row['plate']} {row['state'] or '(state not read)'}", SECTION),
        (f"{number}. {_time(case, row['captured_at'])}", BODY),
        (f"{row['camera_id']} ({row['latitude']:.5f}, {row['longitude']:.5f})", SMALL),
        (" ".join(filter(None, parts)) or "vehicle not described", SMALL),
        *([(f"from the picture: {seen}", SMALL)] if (seen := from_picture(row["vehicle_other"])) else []),
        (
            f"confidence {100 * row['confidence']:.0f} %, {row['agreeing']} of {row['frames']} frames agree",
            SMALL,
        ),
        *([(compared, SMALL)] if compared else []),
        (f"detection {row['detection_id']}", SMALL),
    ]
    cell: list[Flowable] = [text(content, style) for content, style in facts]
    if "crop" in images:
        cell.append(_image(images["crop"], *CROP))
    left = (
        _image(images["vehicle"], *VEHICLE) if "vehicle" in images else text("No picture is stored.", SMALL)
    )
    widths = [VEHICLE[0] + 0.1 * inch, WIDTH - VEHICLE[0] - 0.1 * inch]
    hashes = [f"{kind} {sha256(jpeg).hexdigest()}" for kind, jpeg in sorted(images.items())]
    under: list[Any] = [text(one, FINE) for one in hashes]
    style = TableStyle([*PLAIN, ("SPAN", (0, 1), (1, 1))])
    return Table([[left, cell], [under, ""]], colWidths=widths, style=style, hAlign="LEFT")


def _image(jpeg: bytes, width: float, height: float) -> Any:
    """Return a picture in its proportions, in at most this size."""
    try:
        with Pictures.open(BytesIO(jpeg)) as opened:
            across, down = opened.size
    except OSError:  # the camera sent a broken one: the other passes are shown all the same
        return text("This picture cannot be shown.", SMALL)
    scale = min(width / across, height / down)
    return Image(BytesIO(jpeg), across * scale, down * scale, hAlign="LEFT")


def _pass_cells(case: CaseExport, row: Row) -> tuple[str, ...]:
    return _time(case, row["captured_at"]), row["camera_id"], row["plate"], row["state"] or ""


def _companion_cells(case: CaseExport, row: Row) -> tuple[str, ...]:
    times = _time(case, row["first_at"]), _time(case, row["last_at"])
    return row["plate"], str(row["meetings"]), str(row["cameras_met"]), *times


def _meeting_cells(case: CaseExport, row: Row) -> tuple[str, ...]:
    behind = f"{row['seconds_behind']:+.1f}"
    return _time(case, row["captured_at"]), row["camera_id"], row["plate"], row["other_plate"], behind


def _time(case: CaseExport, at: datetime) -> str:
    return f"{at.astimezone(case.zone):%Y-%m-%d %H:%M:%S %Z}"


Cells = Callable[[CaseExport, Row], tuple[str, ...]]
TABLES: dict[str, tuple[tuple[str, ...], tuple[float, ...], Cells]] = {
    "pass": (("Captured", "Camera", "Plate", "State"), (0.33, 0.3, 0.2, 0.1), _pass_cells),
    "companion": (
        ("Plate", "Meetings", "Cameras", "First", "Last"),
        (0.17, 0.12, 0.12, 0.26, 0.26),
        _companion_cells,
    ),
    "meeting": (
        ("Captured", "Camera", "Plate", "Second plate", "Seconds behind"),
        (0.3, 0.2, 0.15, 0.15, 0.13),
        _meeting_cells,
    ),
}
"""Heads, shares of the width beside the number's, and cells of the table of all rows, by what was found."""
