"""Evidence pages: search results held for a case, the current holds, and signed packages."""

from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from platestream.access.gate import Row
from platestream.evidence import dispatch, package, partner_reads, systems
from platestream.evidence import export as exporting
from platestream.evidence import hold as hold_service
from platestream.inquiries.pages.pictures import EPOCH, MICROSECOND
from platestream.inquiries.search import Pass, narrowest_search, purposes
from platestream.runtime.scratch_file import scratch_file
from platestream.web.page_request import PageRequest, Routes

CHUNK = 1 << 18
"""Bytes of a package that are read at once."""


def list_holds(request: PageRequest) -> Response:
    """Show all holds, the next to be released first."""
    found = exporting.holds(request.door)
    sent: dict[UUID, list[dispatch.TransferView]] = {}
    for one in dispatch.views(request.door):
        sent.setdefault(one.hold_id, []).append(one)
    return request.page(
        "evidence.html",
        holds=found,
        purposes=purposes(request.door),
        may_export=request.may("evidence_export"),
        sent=sent,
        systems=list(systems.active(request.door.streams).values()),
    )


def hold(request: PageRequest) -> Response:
    """Hold the chosen rows of a search. The result is a page of its own, because not everybody who may hold
    rows may see all holds.
    """
    chosen = [_chosen(one) for one in request.fields("pass")]
    query = narrowest_search(chosen)
    done = hold_service.hold(
        request.door,
        _terms(request),
        pattern=query.plate,
        detections=[one.detection_id for one in chosen],
        cameras=query.cameras,
        since=query.since,
        until=query.until,
    )
    return request.page("evidence_held.html", hold=done)


def hold_partner_reads(request: PageRequest) -> Response:
    """Hold the chosen rows of another agency, with its signed answers."""
    chosen = [_chosen(one) for one in request.fields("pass")]
    done = partner_reads.hold(request.door, _terms(request), request.field("of"), chosen)
    return request.page("evidence_held.html", hold=done)


def extend(request: PageRequest) -> Response:
    """Extend a release date, for a lawful action."""
    fields, release = request.values("case_number", "authority"), request.time("release")
    terms = hold_service.Terms(schedule="", release_at=release, **fields)
    hold_service.extend(request.door, request.named("hold"), terms)
    return request.redirect("/evidence")


def export(request: PageRequest) -> Response:
    """Return the package as a .zip file."""
    hold_id, to = request.named("hold"), request.values("receiver", "purpose")
    made = exporting.export(request.door, hold_id, None, request.now, **to)
    file = scratch_file()  # closed when it was sent
    package.pack(made, file)
    headers = {
        "Content-Disposition": f'attachment; filename="evidence-{hold_id}.zip"',
        "Content-Length": str(file.tell()),
    }
    file.seek(0)
    return StreamingResponse(_parts(file), media_type="application/zip", headers=headers)


def send(request: PageRequest) -> Response:
    """Export a hold to a registered evidence system."""
    hold_id, system, purpose = request.named("hold"), request.field("system"), request.field("purpose")
    dispatch.export_to(request.door, hold_id, system, request.now, purpose=purpose)
    return request.redirect("/evidence")


def send_again(request: PageRequest) -> Response:
    """Let the job try a transfer again that it gave up."""
    dispatch.send_again(request.door, request.field("file"))
    return request.redirect("/evidence")


def row_value(row: Row) -> str:
    """Return the value that names a row of a search in a form that holds it."""
    at = (row["captured_at"] - EPOCH) // MICROSECOND
    return f"{row['detection_id']} {at} {row['plate']} {row['camera_id']}"


def hold_terms(request: PageRequest) -> dict[str, Any]:
    """Return the terms of a hold from a form (`evidence_terms.html`)."""
    return {"schedules": hold_service.schedules(request.door), "purposes": purposes(request.door)}


def _terms(request: PageRequest) -> hold_service.Terms:
    fields = request.values("case_number", "authority", "schedule", "purpose", "violation")
    return hold_service.Terms(release_at=request.time("release"), vehicles=request.vehicles(), **fields)


def _chosen(text: str) -> Pass:
    """Return the chosen rows. Raises ValueError."""
    detection, at, plate, camera = text.split(" ", 3)
    return Pass(UUID(detection), EPOCH + int(at) * MICROSECOND, plate, camera)


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(CHUNK):
            yield part


ROUTES: Routes = {
    ("GET", "/evidence"): list_holds,
    ("POST", "/evidence"): hold,
    ("POST", "/evidence/elsewhere"): hold_partner_reads,
    ("POST", "/evidence/{hold:uuid}/keep"): extend,
    ("POST", "/evidence/{hold:uuid}/export"): export,
    ("POST", "/evidence/{hold:uuid}/send"): send,
    ("POST", "/evidence/transfers/again"): send_again,
}
