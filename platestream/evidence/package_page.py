"""The summary page of an evidence package: one HTML file without a script."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from platestream.evidence.package import Custody
from platestream.operators.hit_words import describe_opinion
from platestream.schemas.escape_invisible import escape_invisible
from platestream.schemas.fields import from_picture
from platestream.schemas.inquiry import SealedInquiry

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;
padding:0 1rem;color:#1b1f24}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem}p.sub{color:#555;margin-top:.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;
border-bottom:1px solid #ddd;vertical-align:top}th{font-weight:600;white-space:nowrap}
figure{display:inline-block;margin:.5rem 1rem .5rem 0}
img{max-width:300px;max-height:220px;border:1px solid #ccc}figcaption,code{font-size:.8rem;color:#555}
.plate{font-size:1.2rem;font-weight:700;letter-spacing:.05em}.note{background:#f4f5f7;padding:.6rem .8rem}
"""


def escape(text: str) -> str:
    """Escape foreign text for HTML, with invisible characters written out."""
    return html.escape(escape_invisible(text))


def page(
    facts: Mapping[str, Any],
    detections: Sequence[Mapping[str, Any]],
    originals: Iterable[str],
    custody: Sequence[Custody],
    inquiries: Sequence[SealedInquiry],
    agency: str,
) -> str:
    """Return the page as text, with all values escaped. Times are UTC."""
    paths = list(originals)
    head = [
        ("Case", facts["case_number"]),
        ("Ordered by", facts["authority"]),
        ("Held by", f"{facts['who']}, {_time(facts['held_at'])}"),
        ("Schedule", f"{facts['schedule']}, to be purged after {_time(facts['release_at'])}"),
        *([("Origin", f"agency {facts['origin']}, which has the originals")] if facts["origin"] else []),
        ("Hold", facts["hold_id"]),
        ("Inquiry that led here", facts["inquiry_id"]),
    ]
    custody_rows = [(_time(one.entry.at), one.entry.kind, one.entry.who, one.hash) for one in custody]
    inquiry_rows = [
        (_time(one.inquiry.at), one.inquiry.who, one.inquiry.kind, one.inquiry.reason, str(one.seal))
        for one in inquiries
    ]
    body = [
        f"<h1>Evidence package, case {escape(str(facts['case_number']))}</h1>",
        f"<p class=sub>{escape(agency)} &middot; licence plate reader &middot; all times UTC</p>",
        _table((), head),
        "<p class=note>A plate as read is a lead. Compare it with the picture, and verify plate and state of "
        "issue before any action.</p>",
        f"<h2>Detections ({len(detections)})</h2>",
        *(_detection(one, paths) for one in detections),
        "<h2>Chain of custody</h2>",
        _table(("when", "what", "who", "hash in the ledger"), custody_rows),
        "<h2>Inquiries for this case</h2>",
        _table(("when", "who", "kind", "reason", "seal"), inquiry_rows),
        "<p><code>manifest.json</code> lists the SHA-256 of every file and is signed: see "
        "<code>manifest.sig</code>.</p>",
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Evidence package</title>"
        f"<style>{STYLE}</style><body>{''.join(body)}</body></html>\n"
    )


def _detection(one: Mapping[str, Any], paths: list[str]) -> str:
    vehicle = " ".join(
        str(one[name])
        for name in ("vehicle_colour", "vehicle_make", "vehicle_model", "vehicle_body")
        if one[name]
    )
    # Records of older releases, and of other agencies, do not have it.
    compared = describe_opinion(one.get("opinion", ""), one["plate"], one.get("camera_plate", ""))
    rows = [
        ("Captured", _time(one["captured_at"])),
        ("Camera", f"{one['camera_id']} ({one['latitude']:.5f}, {one['longitude']:.5f})"),
        ("Read", f"confidence {one['confidence']:.2f}, {one['agreeing']} of {one['frames']} frames agree"),
        ("State", one["state"] or "not read"),
        ("Other readings", _readings(one)),
        *([("Camera's own read", f"{compared}. {one['camera_read']}")] if compared else []),
        ("Vehicle", vehicle or "not given"),
        *([("From the picture", seen)] if (seen := from_picture(one.get("vehicle_other") or {})) else []),
        ("Detection", one["detection_id"]),
    ]
    mine = [path for path in paths if str(one["detection_id"]) in path]
    figures = "".join(
        f'<figure><img src="{escape(path)}" alt=""><figcaption>{escape(path)}</figcaption></figure>'
        for path in mine
    )
    return f"<p class=plate>{escape(str(one['plate']))}</p>{_table((), rows)}{figures}"


def _readings(one: Mapping[str, Any]) -> str:
    """Return the other readings in words; another agency does not send them."""
    if "alternatives" not in one:
        return "not given"
    return ", ".join(_reading(other) for other in one["alternatives"]) or "none"


def _reading(other: Any) -> str:
    plate, confidence = (other["plate"], other["confidence"]) if isinstance(other, Mapping) else other
    return f"{plate} ({confidence:.2f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    first = "td" if head else "th"
    lines = "".join(
        "<tr>"
        + "".join(
            f"<{first if not index else 'td'}>{escape(str(cell))}</{first if not index else 'td'}>"
            for index, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{cells}</tr>' if head else ''}{lines}</table>"


def _time(at: Any) -> str:
    return str(at).replace("T", " ")[:19]
