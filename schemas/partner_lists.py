"""Hot list entries between agencies: what one offers, says to stand, and hears of hits, as signed JSON.

An offer is of one agency to one other. What stands is said as a whole, so that whatever got lost on the way,
an offer that is not named any more has ended. `number` grows with each message about the list of one agency
to another: what comes late or again is older than what was said, and is not heard. docs/partners.md has it
all.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.detection import Alternative
from schemas.fields import Instant, Name, State, Text, Vehicle
from schemas.hotlist import Area, HotListEntry, Hours, Pattern
from schemas.partner import Asker, Read, Word

OFFERS, STANDING, HITS = "/partner/v1/offers", "/partner/v1/standing", "/partner/v1/hits"
PATHS = (OFFERS, STANDING, HITS)
MOST_OFFERS = 400
"""That one agency has of another at once; what is said to stand must fit one request."""
LIST_KIND = "partner_offer"
"""What an MOU that names kinds must name for lists: offers either way, and hits on them."""
Number = Annotated[int, Meta(ge=1, le=1 << 62)]
Decision = Literal["waiting", "taken", "declined", "dropped"]
Must = Annotated[str, Meta(min_length=1, max_length=2000)]


class OfferedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An entry as section H of the order has it, without what only the offering agency's cameras know."""

    category: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
    plate: Pattern
    case_number: Must
    reason: Must
    requested_by: Must
    contact: Must
    instructions: Must
    other: Text = ""
    state: State | None = None
    vehicle: Vehicle = Vehicle()
    valid_from: Instant | None = None
    expires_at: Instant
    look_alikes: Annotated[int, Meta(ge=0, le=2)] | None = None
    areas: Annotated[tuple[Area, ...], Meta(max_length=50)] = ()
    hours: Annotated[tuple[Hours, ...], Meta(max_length=50)] = ()


OFFERED_FIELDS = OfferedEntry.__struct_fields__


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry, new or changed, and which person of the offering agency stands for it."""

    asker: Asker
    number: Number
    offer_id: UUID
    entry: OfferedEntry


class Standing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `agency` offers the other one now: what is not named has ended."""

    agency: Name
    number: Number
    offers: Annotated[tuple[UUID, ...], Meta(max_length=MOST_OFFERS)]


class Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of an offer."""

    offer_id: UUID
    decision: Decision


class Decisions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of those that were named; one that is missing is not known any more: offer it again."""

    offers: Annotated[tuple[Decided, ...], Meta(max_length=MOST_OFFERS)]


class HitElsewhere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read of `agency` that met an entry that the other one offered it; pictures are another request."""

    agency: Name
    offer_id: UUID
    read: Read
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=10)] = ()
    vehicle_other: Annotated[dict[Word, Annotated[str, Meta(max_length=200)]], Meta(max_length=20)] = {}


class Noted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hit was taken in, or had been."""


def offered(entry: HotListEntry) -> OfferedEntry:
    """What is told of an own entry. Raises ValidationError where section H asks for more."""
    told = {name: getattr(entry, name) for name in OFFERED_FIELDS}
    return msgspec.convert(msgspec.to_builtins(told), OfferedEntry)
