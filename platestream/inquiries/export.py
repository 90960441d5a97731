"""Exports of what a search found: each is an act of its own, with the documentation of the inquiry in it."""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Any, Literal, Unpack
from uuid import UUID

import msgspec

from platestream.access.door import Documentation, Door, agency_zone
from platestream.access.gate import Row
from platestream.access.registry import records_of
from platestream.inquiries.search import MEETINGS, Description, Result, SearchKind, SearchRequest, pictures
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

Format = Literal["csv", "geojson", "kml", "pdf"]
MEDIA: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "kml": "application/vnd.google-earth.kml+xml",
    "pdf": "application/pdf",
}
"""Media types by format, which is also the suffix of a file."""
PICTURED = 50
"""Most passes whose pictures a case report has: each is an inquiry of its own."""
REPORTED = 1000
"""Most passes of a case report: a longer list is for a program, not for paper."""
FIELDS = (
    "detection_id",
    "captured_at",
    "camera_id",
    "latitude",
    "longitude",
    "plate",
    "confidence",
    "state",
    "vehicle_colour",
    "vehicle_make",
    "vehicle_model",
    "vehicle_body",
    "direction",
    "match",
)
"""Fields of an exported pass, which are those of the API. Times are UTC (RFC 3339)."""
COMPANION = ("plate", "meetings", "cameras_met", "first_at", "last_at")
MEETING = (
    "camera_id",
    "captured_at",
    "plate",
    "detection_id",
    "other_captured_at",
    "other_plate",
    "other_detection_id",
    "seconds_behind",
)
PLACE = ("latitude", "longitude")
NOUNS: dict[SearchKind, str] = {"companions": "companion", "cotravel": "meeting"}
"""Names of what a search found, where it is no pass."""


@dataclass(frozen=True)
class CaseExport:
    """Passes, companions or meetings to export, and the documentation that goes with them.

    `passes` are the exported fields of what was found, and `noun` is its name. `sha256` is that of the
    `passes`, 64 hex digits: it is the same in every format, and in the log. `images` are JPEGs by detection
    and kind (`crop`, `vehicle`). `unshown` are sentences on what the search left out.
    """

    agency: str
    who: str
    at: datetime
    zone: tzinfo
    inquiry_id: UUID
    why: Documentation
    query: str
    unshown: tuple[str, ...]
    passes: list[dict[str, Any]]
    rows: list[Row]
    images: Mapping[UUID, Mapping[str, bytes]] = field(default_factory=dict)
    noun: str = "pass"

    @property
    def plural(self) -> str:
        """The name of several of what was found."""
        return "passes" if self.noun == "pass" else f"{self.noun}s"

    @property
    def sha256(self) -> str:
        return sha256(b"\n".join(msgspec.json.encode(one) for one in self.passes)).hexdigest()

    @property
    def documentation(self) -> dict[str, str]:
        """The lines that every format has, by name."""
        why = {name: str(value) for name, value in self.why.items() if value and name != "vehicles"}
        return {
            "inquiry_id": str(self.inquiry_id),
            "exported_by": self.who,
            "exported_at": _instant(self.at),
            "case_number": "",
            "reason": "",
            **why,
            "query": self.query,
            f"{self.plural}_sha256": self.sha256,
        }


@dataclass(frozen=True)
class ExportFile:
    """A file that was exported, with the name to save it under."""

    name: str
    media: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> bytes:
        return sha256(self.content).digest()

    @property
    def headers(self) -> dict[str, str]:
        """The name and the hash (RFC 9530) for an answer with the file."""
        return {
            "Content-Disposition": f'attachment; filename="{self.name}"',
            "Repr-Digest": f"sha-256=:{b64encode(self.sha256).decode()}:",
        }


def export(
    door: Door,
    request: SearchRequest,
    result: Result,
    layout: Format,
    chosen: Collection[UUID] = (),
    **why: Unpack[Documentation],
) -> ExportFile:
    """Return what a search found as a file, or the `chosen` passes of it; a case report of passes has their
    pictures. Companions and meetings are exported together.

    The log has the export with the SHA-256 of the file, and each picture as an inquiry of its own.

    Raises ValueError where there is nothing to export, RefusedInquiry, DamagedPicture and DatabaseError.
    """
    noun = NOUNS.get(request.way, "pass")
    meetings = request.way in MEETINGS
    rows = [row for row in result.rows if meetings or not chosen or row["detection_id"] in chosen]
    if not rows:
        raise ValueError(f"no {noun} was found that could be exported")
    images = {}
    if layout == "pdf":
        if len(rows) > REPORTED:
            instead = "export CSV" if meetings else "select rows, or export CSV"
            raise ValueError(f"a case report has at most {REPORTED:,} rows: {instead}")
        for row in () if meetings else rows[:PICTURED]:
            images[row["detection_id"]] = pictures(door, row["detection_id"], row["captured_at"], **why)
    case = CaseExport(
        door.rules.profile.agency.name,
        door.who,
        door.now(),
        agency_zone(door),
        result.inquiry_id,
        why,
        describe(request, agency_zone(door)),
        _unshown(result, len(rows)),
        _exported(door, request.way, rows),
        rows,
        images,
        noun,
    )
    content = _writer(layout)(case)
    made = ExportFile(f"search-{str(result.inquiry_id)[:8]}.{layout}", MEDIA[layout], content)
    found = f"{pluralize(len(rows), noun)}, {case.plural} {case.sha256}"
    change = f"{layout}, {found}, file {made.sha256.hex()}"
    door.enter("search_export", str(result.inquiry_id), change=change, **why)
    return made


def _exported(door: Door, way: SearchKind, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the exported fields of each row."""
    if way == "companions":
        return [exported_fields(row, COMPANION) for row in rows]
    if way == "cotravel":
        cameras = records_of(door.streams, "camera")
        return [exported_meeting(row, cameras.get(row["camera_id"])) for row in rows]
    return [exported_pass(row) for row in rows]


def exported_meeting(row: Row, camera: RegistryRecord | None) -> dict[str, Any]:
    """Return the exported fields of a meeting, at the place where its camera is registered; empty without."""
    place = (camera.latitude, camera.longitude) if camera else (None, None)
    named = zip(PLACE, place, strict=True)
    return {**exported_fields(row, MEETING), **{name: "" if one is None else one for name, one in named}}


def exported_fields(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a row, as JSON has them."""
    return {name: _plain(row[name]) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    return str(value) if isinstance(value, UUID) else value


def exported_pass(row: Row) -> dict[str, Any]:
    """Return the exported fields of a row, as JSON has them; a field that is not known is empty."""
    known = {
        **row,
        "detection_id": str(row["detection_id"]),
        "captured_at": _instant(row["captured_at"]),
        "direction": row["vehicle_other"].get("direction"),
    }
    return {name: "" if known.get(name) is None else known[name] for name in FIELDS}


def describe(request: SearchRequest, zone: tzinfo) -> str:
    """Return a search in words, with times in `zone`."""

    def at(time: datetime | None, otherwise: str) -> str:
        return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if time else otherwise

    kinds = {"search": "plate", "fuzzy": "look-alikes of", "sightings": "vehicles"}
    kind = kinds.get(request.way, f"{NOUNS.get(request.way)}s of")
    met = f" and {request.other_plate.upper()}" if request.other_plate else ""
    named = {"colour": "color"}
    parts = [
        f"{kind} {request.plate.upper() or 'any'}{met}",
        *([f"at most {request.within.seconds} seconds apart"] if request.way in MEETINGS else []),
        f"from {at(request.since, 'the oldest stored read')}",
        f"to {at(request.until, 'the time of the search')}",
        f"cameras {', '.join(request.cameras) or 'all'}",
        *(f"{named.get(name, name)} {word}" for name, word in vars(request.wanted).items() if word),
    ]
    if request.untold and request.wanted != Description():
        parts.append("also where a feature is unknown")
    return "; ".join(parts)


def _unshown(result: Result, exported: int) -> tuple[str, ...]:
    limits = []
    if exported < len(result.rows):
        limits.append(f"{exported} of {len(result.rows)} passes found were chosen for this export.")
    if result.left_out:
        limits.append(f"{pluralize(result.left_out, 'pass')} of unknown description are left out.")
    if result.cut:
        limits.append("More different vehicles were found than the inquiry shows.")
    return tuple(limits)


def _writer(layout: Format) -> Callable[[CaseExport], bytes]:
    if layout == "pdf":  # ReportLab takes half a second to import
        from platestream.inquiries.case_report import case_report

        return case_report
    from platestream.inquiries import export_formats

    return {"csv": export_formats.csv, "geojson": export_formats.geojson, "kml": export_formats.kml}[layout]


def _instant(at: datetime) -> str:
    text: str = msgspec.to_builtins(at)
    return text
