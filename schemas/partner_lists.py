"""Hot list entries between agencies: offers, offers in force and hits, as signed JSON.

An offer is made by one agency to one other. Offers in force are sent as a complete list, so that an offer
that is no longer named has ended, even if a message was lost. `number` grows with each message about the list
of one agency to another. A message with a lower or equal number is late or repeated, and is ignored. See
docs/how-to/administrator/partners.md.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from platestream.schemas.detection import Alternative
from platestream.schemas.fields import Instant, Name, State, Text, Vehicle
from platestream.schemas.hotlist import Area, HotListEntry, Hours, Pattern
from platestream.schemas.partner import Asker, Read, Word

OFFERS, CURRENT_OFFERS, HITS = "/partner/v1/offers", "/partner/v1/standing", "/partner/v1/hits"
PATHS = (OFFERS, CURRENT_OFFERS, HITS)
MOST_OFFERS = 400
"""Offers of one agency to another at most, because the list of those in force must fit one request."""
LIST_KIND = "partner_offer"
"""Kind of inquiry that an MOU must name for lists: offers in both directions, and hits on them."""
Number = Annotated[int, Meta(ge=1, le=1 << 62)]
Decision = Literal["waiting", "taken", "declined", "dropped"]
Must = Annotated[str, Meta(min_length=1, max_length=2000)]


class OfferedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An entry with the fields that section H of the order requires, without the offering agency's
    cameras."""

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
    """A new or changed entry, and the person of the offering agency who is responsible for it."""

    asker: Asker
    number: Number
    offer_id: UUID
    entry: OfferedEntry


class CurrentOffers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All offers in force from `agency` to the other one. An offer that is not named has ended."""

    agency: Name
    number: Number
    offers: Annotated[tuple[UUID, ...], Meta(max_length=MOST_OFFERS)]


class OfferDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The decision about one offer."""

    offer_id: UUID
    decision: Decision


class OfferDecisions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The decisions about the named offers.

    A missing one is not known any more and has to be offered again.
    """

    offers: Annotated[tuple[OfferDecision, ...], Meta(max_length=MOST_OFFERS)]


class RemoteHit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read of `agency` that matched an entry offered to it; its pictures are a separate request."""

    agency: Name
    offer_id: UUID
    read: Read
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=10)] = ()
    vehicle_other: Annotated[dict[Word, Annotated[str, Meta(max_length=200)]], Meta(max_length=20)] = {}


class HitReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Confirmation that the hit was accepted, now or earlier."""


def offered_fields(entry: HotListEntry) -> OfferedEntry:
    """Return the fields of an own entry that are offered.

    Raises ValidationError if section H requires more.
    """
    fields = {name: getattr(entry, name) for name in OFFERED_FIELDS}
    return msgspec.convert(msgspec.to_builtins(fields), OfferedEntry)
