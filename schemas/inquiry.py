"""Inquiry: an access to stored data, allowed or refused (section I.7), and the seal that chains it.

A seal is SHA-256 over the previous seal and the inquiry as JSON. The `inquiries` topic or an export can
therefore be checked with a hash function alone.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from platestream.schemas.fields import Instant, Record

FIRST = "0" * 64


class Inquiry(Record, tag="inquiry/1", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the gate's log, with the time stamp of the database.

    Fields that were added later are left out of the JSON if they are empty, so that older seals stay valid. A
    seal covers all fields. A record with a field that this release does not know is rejected, not reported as
    altered.
    """

    inquiry_id: UUID
    at: Instant
    who: str
    account: str = ""
    agency: str
    tool: str
    query_id: str
    kind: str
    outcome: Literal["allowed", "refused"]
    refusal: str = ""
    case_number: str = ""
    reason: str = ""
    pattern: str = ""
    other: str = ""
    cameras: tuple[str, ...] = ()
    since: Instant
    until: Instant
    within_s: int | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    requester: str | UnsetType = UNSET
    legal_basis: str | UnsetType = UNSET
    automatic: Annotated[
        bool | UnsetType, Meta(description="by the machine itself, no employee's inquiry")
    ] = UNSET
    set_off_by: Annotated[str | UnsetType, Meta(description="automatic: whose act set it off")] = UNSET
    change: Annotated[str | UnsetType, Meta(description="what an act changed, before and after")] = UNSET
    violation: Annotated[str | UnsetType, Meta(description="the violation that is investigated")] = UNSET
    declaration: Annotated[
        str | UnsetType, Meta(description="another agency's declaration: text by SHA-256, who and when")
    ] = UNSET
    partner: Annotated[str | UnsetType, Meta(description="the agency whose signed request it was")] = UNSET
    trained_on: Annotated[str | UnsetType, Meta(description="partner: the day of training it asserted")] = (
        UNSET
    )
    effect: Annotated[
        str | UnsetType, Meta(description="SHA-256 of the record that the act wrote, 64 hex digits")
    ] = UNSET
    vehicles: Annotated[
        int | UnsetType, Meta(description="vehicles that it shows at most; of limit_raise: by how many")
    ] = UNSET


class SealedInquiry(Record, tag="sealed_inquiry/1", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inquiry with its position in the chain."""

    seal: Annotated[int, Meta(ge=1, description="counts from 1 without a gap")]
    previous: str
    hash: str
    inquiry: Inquiry
    findings: Annotated[
        tuple[str, ...] | UnsetType, Meta(description="what the checks found; not part of the hash")
    ] = UNSET


def seal_hash(previous: str, inquiry: Inquiry) -> str:
    """Return the SHA-256 (64 hex digits) of the previous seal's hash, a line feed and the inquiry's JSON."""
    return hashlib.sha256(previous.encode() + b"\n" + inquiry.to_json()).hexdigest()


def chain(inquiries: Iterable[Inquiry], last_seal: int, last_hash: str) -> Iterator[SealedInquiry]:
    """Yield the `inquiries` sealed in order after the last seal; (0, FIRST) starts a chain."""
    for inquiry in inquiries:
        previous, last_seal = last_hash, last_seal + 1
        last_hash = seal_hash(previous, inquiry)
        yield SealedInquiry(seal=last_seal, previous=previous, hash=last_hash, inquiry=inquiry)


def chain_faults(sealed: Iterable[SealedInquiry]) -> Iterator[str]:
    """Check a chain that is read in order of its seals. Yields one sentence for each fault."""
    last_seal, last_hash = 0, FIRST
    for item in sealed:
        if item.seal != last_seal + 1:
            yield f"seal {last_seal + 1}: missing or out of order (found {item.seal})"
        elif item.previous != last_hash:
            yield f"seal {item.seal}: does not follow from seal {last_seal}"
        if item.hash != seal_hash(item.previous, item.inquiry):
            yield f"seal {item.seal}: inquiry {item.inquiry.inquiry_id} is not what was sealed"
        last_seal, last_hash = item.seal, item.hash
