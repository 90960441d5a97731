"""Reads that another agency has, held here with the answer that it signed (order, F.6 and F.8.a).

Each read is asked for once more, by itself, so that what is held has it and no other; that, and its pictures,
are looks on the other agency's record, which say that it is held here, by whose order and for which case.
What it signed is kept as the bytes that came, and proves by its key what it answered to which question.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec

from schemas.exchange import SignedExchange
from schemas.message import RefusedError
from schemas.partner import Read
from services import hits
from services.door import Door
from services.evidence.hold import Found, Hold, NothingToHold, Terms, hold_signed, released
from services.inquiries.gate import INSTANT, Row
from services.inquiries.looking import Asked, Pass
from services.partners import asking
from services.partners.hits_elsewhere import camera_there

MOST = 10
"""Reads of one hold: each is two requests, and a partner takes so many in a minute."""


def find(
    door: Door,
    terms: Terms,
    agency: str,
    asked: Asked,
    only: Sequence[UUID] = (),
) -> list[Pass]:
    """What an agency answers to a search, of it only these detections. Raises as `hold`."""
    (answer,) = asking.ask(door, asked, [agency], **terms.why_of(agency))
    _answered(answer)
    found = [
        Pass(one.detection_id, one.captured_at, one.plate, one.camera_id)
        for one in answer.reads
        if not only or one.detection_id in only
    ]
    missing = set(only) - {one.detection_id for one in found}
    if missing or not found:
        raise NothingToHold(f"{agency} does not answer with {', '.join(map(str, sorted(missing))) or 'any'}")
    return found


def of_hit(door: Door, terms: Terms, hit_id: UUID) -> tuple[str, Pass]:
    """Which agency reported a hit, and its read as that agency has it, to be held: a look of its own.

    What is held is not the report but what its agency signs when it is asked for that read, with the picture
    that no report has. Raises NothingToHold for a hit of our own cameras, UnknownHit, RefusedInquiry and
    DatabaseError.
    """
    row = hits.one(door, hit_id, **terms.why).row
    agency = row["agency"]
    if not agency:
        raise NothingToHold(f"hit {hit_id} is of our own cameras: hold its detection {row['detection_id']}")
    return agency, told_of(row)


def told_of(row: Row) -> Pass:
    """The read of a hit that another agency reported, as that agency has it."""
    camera = camera_there(row["agency"], row["camera_id"])
    return Pass(row["detection_id"], row["captured_at"], row["plate"], camera)


def hold(door: Door, terms: Terms, agency: str, passes: Sequence[Pass]) -> Hold:
    """Hold these reads of another agency, with their pictures and what it signed.

    Raises RefusedError on terms that the order does not allow, where the agency cannot be asked or refuses,
    NothingToHold where it does not answer with a read or with no picture of it, RefusedInquiry and
    DatabaseError. What was asked until then stays on record.
    """
    hold_id = uuid4()
    with door.on_record("evidence_hold", str(hold_id), **terms.why):
        if not 0 < len(passes) <= MOST:
            raise RefusedError("detections", f"of another agency 1 to {MOST} reads are held at once")
        times = released(door, terms)
    looking = replace(door, tool=f"evidence hold {hold_id}")
    found = Found(agency=agency)
    for one in passes:
        read, exchange = _read(looking, terms, agency, one)
        jpegs, of_pictures = asking.signed_pictures(
            looking, agency, one.detection_id, one.captured_at, **terms.why_of(agency)
        )
        if not jpegs or of_pictures is None:
            raise NothingToHold(f"{agency} has no picture of {one.detection_id} any more")
        found.rows.append(msgspec.structs.asdict(read))
        found.pictures[one.detection_id] = jpegs
        found.answers += [exchange, of_pictures]
    return hold_signed(door, terms, hold_id, times, found)


def _read(door: Door, terms: Terms, agency: str, one: Pass) -> tuple[Read, SignedExchange]:
    """The read as it is signed now, by itself."""
    since, until = one.captured_at - INSTANT, one.captured_at + INSTANT
    cameras = [one.camera_id] if one.camera_id else []
    asked = Asked("search", one.plate, cameras=cameras, since=since, until=until)
    (answer,) = asking.ask(door, asked, [agency], **terms.why_of(agency))
    _answered(answer)
    for read in answer.reads:
        if read.detection_id == one.detection_id and answer.exchange is not None:
            if read.plate != one.plate or not since <= read.captured_at <= until:
                raise NothingToHold(f"{agency} does not say of {one.detection_id} now what it said before")
            return read, answer.exchange
    raise NothingToHold(f"{agency} does not answer with {one.detection_id} any more")


def _answered(answer: asking.Answer) -> None:
    if answer.outcome != "answered":
        raise RefusedError("partners", f"{answer.agency} {answer.words}")
