"""What the pages of administration share: records from the fields of forms, what is offered to whom."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from platestream.console import undo
from platestream.console.visit import Visit
from schemas.acts import BY_NAME
from schemas.message import RefusedError
from schemas.registry import Kind, RegistryRecord
from services import registry as job
from services.door import Door

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
    (f"{BASE}/refused", "Dead letters", "dead_letter_show"),
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
"""Where records are shown, and whether each has a page of its own."""
Put = Callable[[Door, RegistryRecord, datetime], RegistryRecord]


def may(visit: Visit, act: str) -> bool:
    """Whether a form is offered: one of the person's roles may do this act. The door judges."""
    return bool(set(visit.console.roles(visit.session.who)) & set(BY_NAME[act].roles))


def page(visit: Visit, template: str, status: int = 200, **shown: Any) -> Response:
    """A page of administration, with the links to the others."""

    def offered(act: str) -> bool:
        return may(visit, act)

    pages = [(path, title) for path, title, act in PAGES if offered(act)]
    return visit.page(template, status, pages=pages, may=offered, address=address, **shown)


def address(section: str, name: str) -> str:
    """Where one record is shown.

    >>> address("people", "lee #2")
    '/administration/people/lee%20%232'
    """
    return f"{BASE}/{section}/{quote(name)}"


def asked(visit: Visit) -> str:
    """Which record the address names."""
    return str(visit.request.path_params["name"])


def day(visit: Visit, name: str, known: datetime | None = None) -> datetime | None:
    """A day of the form, as its begin by the agency's clock; the `known` instant where it is of that day."""
    told = visit.time(name)
    same = known is not None and told is not None and known.astimezone(told.tzinfo).date() == told.date()
    return known if same else told


def number(visit: Visit, name: str) -> float:
    """A number of the form. Raises ValueError that names the field."""
    try:
        return float(visit.said(name))
    except ValueError:
        raise ValueError(f"{name} is no number: {visit.said(name)!r}") from None


def lines(visit: Visit, name: str) -> tuple[str, ...]:
    """What stands in the lines of a field, each once."""
    return tuple(dict.fromkeys(one.strip() for one in visit.said(name).splitlines() if one.strip()))


def before(visit: Visit, kind: Kind) -> RegistryRecord | None:
    """The record that a form changes; None for a new one. Raises RefusedError where the form is one for new
    records, and an active one has that name.
    """
    name = visit.said("id")
    known = job.listed(visit.door.streams, kind).get(name)
    if visit.said("new") and known is not None and known.active:
        with visit.door.on_record(job.act_of(kind), known.key):
            raise RefusedError("registry", f"{kind} {name} is registered already: change that record")
    return known


def put(
    visit: Visit, kind: Kind, known: RegistryRecord | None, how: Put = job.put, /, **told: Any
) -> RegistryRecord:
    """Register what a form says; fields that it does not have stay as they were."""
    if known is None:
        record = RegistryRecord(kind=kind, id=visit.said("id"), **told)
    else:
        record = msgspec.structs.replace(known, **{"active": True, **told})
    written = how(visit.door, record, visit.now)
    visit.console.forget_people()
    if known is not None and known.active:
        _take_back(visit, f"{kind.capitalize()} {written.id} is changed.", written, known)
    return written


def end(visit: Visit, kind: Kind, but: str = "") -> RegistryRecord:
    """End the time of the record that a form names; `but` says what of it cannot be taken back."""
    ended = job.end(visit.door, kind, visit.said("id"), visit.now)
    visit.console.forget_people()
    was = msgspec.structs.replace(ended, active=True)
    _take_back(visit, f"{kind.capitalize()} {ended.id} is ended{but}.", ended, was)
    return ended


def _take_back(visit: Visit, said: str, written: RegistryRecord, was: RegistryRecord) -> None:
    """Offer to make the record again what it `was`, as long as it is as it was `written`."""

    def back(later: Visit) -> str:
        job.put_back(later.door, written, was, later.now)
        later.console.forget_people()
        section, own_page = SECTIONS[was.kind]
        return address(section, was.id) if own_page else f"{BASE}/{section}"

    undo.offer(visit, said, back)
