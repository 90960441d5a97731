"""API of the hot list: current entries, and adding, changing and removing the agency's own ones."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field

from platestream.hotlist import entries, overview
from platestream.schemas.hotlist import OWN_SOURCE, HotListEntry
from platestream.web.api.caller import Caller, require
from platestream.web.api.fields import Name, Pattern, RequestModel, ResponseModel, Text

router = APIRouter(tags=["hotlist"], prefix="/hotlist")
HotList = Annotated[Caller, Depends(require("hotlist"))]


class Entry(ResponseModel):
    """Entry of the hot list; `alerts_nobody` gives the reason if it does not alert.
    docs/reference/schemas describes the fields.
    """

    entry_id: str
    source: str
    category: str
    plate: str
    state: str | None = None
    vehicle: Annotated[dict[str, Any], Field(default_factory=dict)]
    case_number: str = ""
    reason: str = ""
    requested_by: str = ""
    contact: str = ""
    instructions: str = ""
    other: str = ""
    valid_from: datetime | None = None
    expires_at: datetime
    listed_at: datetime | None = None
    look_alikes: int | None = None
    cameras: tuple[str, ...] = ()
    areas: tuple[dict[str, float], ...] = ()
    hours: tuple[dict[str, Any], ...] = ()
    silenced_for: tuple[str, ...] = ()
    again_after_s: int = 0
    alerts_nobody: Annotated[overview.Fault, Field(description="Empty: the entry alerts.")] = ""

    @classmethod
    def of(cls, entry: HotListEntry, fault: overview.Fault = "") -> Self:
        fields = {name: msgspec.to_builtins(getattr(entry, name)) for name in entry.__struct_fields__}
        return cls(**fields, alerts_nobody=fault)


class Source(ResponseModel):
    """Figures of a source; `expired` and `undesignated` count its entries that do not alert."""

    source: str
    entries: int
    expired: int
    undesignated: int
    imported_at: datetime | None


class List(ResponseModel):
    """Sources, and a page of the entries that were `found`."""

    sources: list[Source]
    entries: list[Entry]
    found: int
    page: int
    pages: int


class Look(RequestModel):
    """Query for entries; all if no field is set."""

    source: Name = ""
    reference: Annotated[Name, Field(description="Part of the reference.")] = ""
    plate: Annotated[Pattern, Field(description="A plate, or a part of one with `*` and `?`.")] = ""
    expires_within_days: Annotated[int | None, Field(ge=1, le=366)] = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Own(RequestModel):
    """Entry of the agency's own list, with all fields of section H of the order. An entry with the same
    `reference` is changed. Separate several values of a field with `;`, as in an import.
    """

    reference: Annotated[Name, Field(min_length=1)]
    category: Name
    plate: Annotated[
        Name, Field(description="`?` matches one unknown character, `*` any; `*` alone: a description.")
    ]
    state: Annotated[str, Field(max_length=2)] = ""
    make: Name = ""
    model: Name = ""
    colour: Name = ""
    body: Name = ""
    marks: Annotated[Text, Field(description="sticker=moose; rack=yes")] = ""
    case_number: Text
    reason: Text
    requested_by: Text
    contact: Text
    instructions: Text
    other: Text = ""
    valid_from: Annotated[Name, Field(description="A date or a time, in the agency's time zone.")] = ""
    expires_at: Annotated[
        Name, Field(description="A date or a time, in the agency's time zone; a date means its end.")
    ]
    look_alikes: Annotated[int | None, Field(ge=0, le=2)] = None
    cameras: Text = ""
    areas: Annotated[Text, Field(description="34.5 -109.4 800 (meters)")] = ""
    hours: Annotated[Text, Field(description="mon tue 22:00-06:00")] = ""
    silenced_for: Text = ""
    again_after_s: Annotated[int | None, Field(ge=0, le=3600)] = None
    look_back: Annotated[bool, Field(exclude=True, description="Search the last 30 days for the entry.")] = (
        True
    )


class Added(ResponseModel):
    """Added entry, and the number of reads of the last 30 days that match it, if they were searched."""

    entry: Entry
    historical_hits: int | None


class Named(RequestModel):
    """Entry named by its id, `source:reference`."""

    entry_id: Name


@router.post("/look")
def look(caller: HotList, body: Look) -> List:
    """Return the current list."""
    days = body.expires_within_days
    found = overview.overview(
        caller.door,
        caller.now,
        source=body.source,
        reference=body.reference,
        plate=body.plate,
        within=None if days is None else timedelta(days=days),
        page=body.page,
    )
    return List(
        sources=[Source.model_validate(one) for one in found.sources],
        entries=[Entry.of(one.entry, one.fault) for one in found.entries],
        found=found.found,
        page=found.page,
        pages=found.pages,
    )


@router.post("/entries", status_code=201)
def put(caller: HotList, body: Own) -> Added:
    """Add an entry to the agency's own list, or change it."""
    fields = {name: str(value) for name, value in body.model_dump(exclude_none=True).items()}
    added = entries.add(caller.door, OWN_SOURCE, fields, caller.now, back=body.look_back)
    return Added(entry=Entry.of(added.entry), historical_hits=added.historical_hits)


@router.post("/remove")
def remove(caller: HotList, body: Named) -> Entry:
    """Remove an entry from the list, and return the removed entry."""
    return Entry.of(entries.remove(caller.door, body.entry_id))
