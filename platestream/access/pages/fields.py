"""Helpers of the administration pages: records from form fields, and actions offered by role."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from platestream.access import registry as job
from platestream.access.door import Door
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import Kind, RegistryRecord
from platestream.web import undo
from platestream.web.page_request import Page, PageRequest

BASE = "/administration"
PAGES = (
    (BASE, "Overview", "registry_show"),
    (f"{BASE}/people", "People", "registry_show"),
    (f"{BASE}/agencies", "Agencies", "registry_show"),
    (f"{BASE}/cameras", "Cameras", "registry_show"),
    (f"{BASE}/places", "Sensitive places", "registry_show"),
    (f"{BASE}/incidents", "Incidents", "registry_show"),
    (f"{BASE}/lists", "Sources and categories", "registry_show"),
    (f"{BASE}/rules", "Rules in force", "registry_show"),
    (f"{BASE}/refused", "Rejected messages", "dead_letter_show"),
)
"""Address, title, and the act that shows it."""
SECTIONS: dict[Kind, tuple[str, bool]] = {
    "user": ("people", True),
    "agency": ("agencies", True),
    "camera": ("cameras", True),
    "detail": ("cameras", False),
    "incident": ("incidents", False),
    "place": ("places", False),
}
"""Page of each kind of record, and True if each record has a page of its own."""
Put = Callable[[Door, RegistryRecord, datetime], RegistryRecord]


def page(request: PageRequest, template: str, status: int = 200, **shown: Any) -> Response:
    """Render a page of administration, with links to the others."""
    pages = [(path, title) for path, title, act in PAGES if request.may(act)]
    return request.page(template, status, pages=pages, may=request.may, address=address, **shown)


def address(section: str, name: str) -> str:
    """Return the address of the page of one record.

    >>> address("people", "lee #2")
    '/administration/people/lee%20%232'
    """
    return f"{BASE}/{section}/{quote(name)}"


def day(request: PageRequest, name: str, known: datetime | None = None) -> datetime | None:
    """Return a day of the form as its start in the agency's time zone, or the `known` instant if that is on
    the same day.
    """
    at = request.time(name)
    same = known is not None and at is not None and known.astimezone(at.tzinfo).date() == at.date()
    return known if same else at


def number(request: PageRequest, name: str) -> float:
    """Return a number of the form. Raises ValueError that names the field."""
    try:
        return float(request.field(name))
    except ValueError:
        raise ValueError(f"{name} is not a number: {request.field(name)!r}") from None


def lines(request: PageRequest, name: str) -> tuple[str, ...]:
    """Return the lines of a field, without duplicates."""
    return tuple(dict.fromkeys(one.strip() for one in request.field(name).splitlines() if one.strip()))


def previous_record(request: PageRequest, kind: Kind) -> RegistryRecord | None:
    """Return the record that a form changes; None for a new one. Raises RefusedError if the form is for a new
    record and an active one has that name.
    """
    name = request.field("id")
    known = job.records_of(request.door.streams, kind).get(name)
    if request.field("new") and known is not None and known.active:
        with request.door.log_refusal(job.act_of(kind), known.key):
            raise RefusedError("registry", f"{kind} {name} is already registered: change that record")
    return known


def save_record(
    request: PageRequest, kind: Kind, known: RegistryRecord | None, how: Put = job.put, /, **fields: Any
) -> RegistryRecord:
    """Register the record of a form. Fields that are not in the form stay unchanged."""
    if known is None:
        record = RegistryRecord(kind=kind, id=request.field("id"), **fields)
    else:
        record = msgspec.structs.replace(known, **{"active": True, **fields})
    written = how(request.door, record, request.now)
    request.console.forget()
    if known is not None and known.active:
        message = f"{kind.capitalize()} {written.id} is changed."
        _RESTORE.offer(request, message, RecordChange(written, known))
    return written


def deactivate_record(request: PageRequest, kind: Kind, but: str = "") -> RegistryRecord:
    """Deactivate the record that a form names; `but` states the effects that cannot be undone."""
    ended = job.end(request.door, kind, request.field("id"), request.now)
    request.console.forget()
    was = msgspec.structs.replace(ended, active=True)
    message = f"{kind.capitalize()} {ended.id} is deactivated{but}."
    _RESTORE.offer(request, message, RecordChange(ended, was))
    return ended


def deactivation(kind: Kind, anchor: str = "") -> Page:
    """Return the page that deactivates a record of a kind and shows the page of all, at an anchor."""

    def deactivate(request: PageRequest) -> Response:
        deactivate_record(request, kind)
        return request.redirect(f"{BASE}/{SECTIONS[kind][0]}{anchor}")

    return deactivate


class RecordChange(msgspec.Struct, frozen=True):
    """A record as it was `written`, and as it `was` before, which is restored while it is as `written`."""

    written: RegistryRecord
    was: RegistryRecord


def _restore(later: PageRequest, change: RecordChange) -> str:
    job.restore(later.door, change.written, change.was, later.now)
    later.console.forget()
    section, own_page = SECTIONS[change.was.kind]
    return address(section, change.was.id) if own_page else f"{BASE}/{section}"


_RESTORE = undo.Action("record", RecordChange, _restore)
