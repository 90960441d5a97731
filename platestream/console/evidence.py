"""Evidence: rows of a search held for a case, what is held, and signed packages of it."""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from platestream.console.pictures import EPOCH, MICROSECOND
from platestream.console.visit import Routes, Visit
from schemas.acts import BY_NAME
from services.evidence import elsewhere, package
from services.evidence import export as exporting
from services.evidence import hold as holding
from services.inquiries.gate import Row
from services.inquiries.looking import Pass, covering, purposes

CHUNK = 1 << 18
"""Bytes of a package that are read at once."""


def listed(visit: Visit) -> Response:
    """All holds, the next to be released first."""
    found = exporting.holds(visit.door)
    may_export = not set(visit.console.roles(visit.session.who)).isdisjoint(BY_NAME["evidence_export"].roles)
    return visit.page("evidence.html", holds=found, purposes=purposes(visit.door), may_export=may_export)


def hold(visit: Visit) -> Response:
    """Hold the chosen rows of a search. Not everybody who does may see all that is held: so the answer is a
    page of its own.
    """
    chosen = [_chosen(one) for one in visit.several("pass")]
    asked = covering(chosen)
    done = holding.hold(
        visit.door,
        _terms(visit),
        pattern=asked.plate,
        detections=[one.detection_id for one in chosen],
        cameras=asked.cameras,
        since=asked.since,
        until=asked.until,
    )
    return visit.page("evidence_held.html", hold=done)


def hold_elsewhere(visit: Visit) -> Response:
    """Hold the chosen rows of another agency, with what it signed."""
    chosen = [_chosen(one) for one in visit.several("pass")]
    done = elsewhere.hold(visit.door, _terms(visit), visit.said("of"), chosen)
    return visit.page("evidence_held.html", hold=done)


def keep(visit: Visit) -> Response:
    """Move a release date, for a lawful action."""
    terms = holding.Terms(
        case_number=visit.said("case_number"),
        authority=visit.said("authority"),
        schedule="",
        release_at=visit.time("release"),
    )
    holding.keep(visit.door, _asked(visit), terms)
    return visit.see("/evidence")


def export(visit: Visit) -> Response:
    """The package as a .zip to keep."""
    hold_id = _asked(visit)
    made = exporting.export(
        visit.door,
        hold_id,
        None,
        visit.now,
        receiver=visit.said("receiver"),
        purpose=visit.said("purpose"),
    )
    file = TemporaryFile()  # noqa: SIM115 - closed when it was sent; it has no name, so nobody finds it
    package.pack(made, file)
    headers = {
        "Content-Disposition": f'attachment; filename="evidence-{hold_id}.zip"',
        "Content-Length": str(file.tell()),
    }
    file.seek(0)
    return StreamingResponse(_parts(file), media_type="application/zip", headers=headers)


def value(row: Row) -> str:
    """A row of a search, as a form names it that holds it."""
    at = (row["captured_at"] - EPOCH) // MICROSECOND
    return f"{row['detection_id']} {at} {row['plate']} {row['camera_id']}"


def asked_for(visit: Visit) -> dict[str, Any]:
    """What a form asks of a hold: `evidence_terms.html`."""
    return {"schedules": holding.schedules(visit.door), "purposes": purposes(visit.door)}


def _terms(visit: Visit) -> holding.Terms:
    return holding.Terms(
        case_number=visit.said("case_number"),
        authority=visit.said("authority"),
        schedule=visit.said("schedule"),
        release_at=visit.time("release"),
        purpose=visit.said("purpose"),
        violation=visit.said("violation"),
        vehicles=visit.vehicles(),
    )


def _chosen(told: str) -> Pass:
    """Raises ValueError."""
    detection, at, plate, camera = told.split(" ", 3)
    return Pass(UUID(detection), EPOCH + int(at) * MICROSECOND, plate, camera)


def _asked(visit: Visit) -> UUID:
    found: UUID = visit.request.path_params["hold"]
    return found


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(CHUNK):
            yield part


ROUTES: Routes = {
    ("GET", "/evidence"): listed,
    ("POST", "/evidence"): hold,
    ("POST", "/evidence/elsewhere"): hold_elsewhere,
    ("POST", "/evidence/{hold:uuid}/keep"): keep,
    ("POST", "/evidence/{hold:uuid}/export"): export,
}
