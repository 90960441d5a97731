"""The hot list: entries as they are, and the agency's own ones added, changed and taken away."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field

from platestream.console.api.caller import Caller, may
from platestream.console.api.fields import Asked, Name, Text, Told
from schemas.hotlist import OWN_SOURCE, HotListEntry
from services.hotlist import entries, overview

router = APIRouter(tags=["hotlist"], prefix="/hotlist")
HotList = Annotated[Caller, Depends(may("hotlist"))]
Short = Annotated[str, Field(max_length=200)]


class Entry(Told):
    """An entry; `alerts_nobody` says why, where it does not. docs/schemas/hotlist_entry.md has the fields."""

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
    alerts_nobody: Annotated[overview.Fault, Field(description="Empty: it alerts.")] = ""

    @classmethod
    def of(cls, entry: HotListEntry, fault: overview.Fault = "") -> Self:
        told = {name: msgspec.to_builtins(getattr(entry, name)) for name in entry.__struct_fields__}
        return cls(**told, alerts_nobody=fault)


class Source(Told):
    """A source in figures; `expired` and `undesignated` count its entries that alert nobody."""

    source: str
    entries: int
    expired: int
    undesignated: int
    imported_at: datetime | None


class List(Told):
    """The sources, and a page of the entries that were `found`."""

    sources: list[Source]
    entries: list[Entry]
    found: int
    page: int
    pages: int


class Look(Asked):
    """Which entries; nothing said: all."""

    source: Name = ""
    reference: Annotated[Name, Field(description="Part of it.")] = ""
    expires_within_days: Annotated[int | None, Field(ge=1, le=366)] = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Own(Asked):
    """An entry of the agency's own list, with all that section H of the order asks for. An entry of the same
    `reference` is changed. Fields that hold several have `;` between them, as in an import.
    """

    reference: Annotated[Name, Field(min_length=1)]
    category: Name
    plate: Annotated[Name, Field(description="`?` one unknown character, `*` any; `*` alone: a description.")]
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
    valid_from: Annotated[Name, Field(description="A date, or a time, by the agency's clock.")] = ""
    expires_at: Annotated[Name, Field(description="The same; a date means its end.")]
    look_alikes: Annotated[int | None, Field(ge=0, le=2)] = None
    cameras: Text = ""
    areas: Annotated[Text, Field(description="34.5 -109.4 800 (metres)")] = ""
    hours: Annotated[Text, Field(description="mon tue 22:00-06:00")] = ""
    silenced_for: Text = ""
    again_after_s: Annotated[int | None, Field(ge=0, le=3600)] = None
    look_back: Annotated[bool, Field(exclude=True, description="Search the last 30 days for it.")] = True


class Added(Told):
    """The entry as it is now, and how many reads of the last 30 days met it, where that was searched."""

    entry: Entry
    historical_hits: int | None


class Named(Asked):
    """An entry by its id, `source:reference`."""

    entry_id: Name


@router.post("/look")
def look(caller: HotList, asked: Look) -> List:
    """The list as it stands."""
    days = asked.expires_within_days
    found = overview.overview(
        caller.door,
        caller.now,
        source=asked.source,
        reference=asked.reference,
        within=None if days is None else timedelta(days=days),
        page=asked.page,
    )
    return List(
        sources=[
            Source(**{name: getattr(one, name) for name in Source.model_fields}) for one in found.sources
        ],
        entries=[Entry.of(one.entry, one.fault) for one in found.entries],
        found=found.found,
        page=found.page,
        pages=found.pages,
    )


@router.post("/entries", status_code=201)
def put(caller: HotList, asked: Own) -> Added:
    """Put an entry on the agency's own list, or change it."""
    told = {name: str(value) for name, value in asked.model_dump(exclude_none=True).items()}
    added = entries.add(caller.door, OWN_SOURCE, told, caller.now, back=asked.look_back)
    return Added(entry=Entry.of(added.entry), historical_hits=added.historical_hits)


@router.post("/remove")
def remove(caller: HotList, asked: Named) -> Entry:
    """Take an entry off the list; as it was."""
    return Entry.of(entries.remove(caller.door, asked.entry_id))
