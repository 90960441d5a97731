"""Holds of another agency's reads, with the answers that it signed (order, F.6 and F.8.a).

Each read is requested again, by itself, so that the hold has this read and no other. These requests, and
those for its pictures, are searches in the other agency's log, which say that the read is held here, by whose
order and for which case. The signed answers are stored as the bytes that came: with the agency's key they
prove its answer to each question.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec

from platestream.access.door import Door
from platestream.access.gate import INSTANT, Row
from platestream.evidence.hold import Hold, NothingToHold, Terms, times_of
from platestream.evidence.hold_signed import RemoteReads, hold_signed
from platestream.hits import service as hits
from platestream.inquiries.search import Pass, SearchRequest
from platestream.partners import client as asking
from platestream.partners.remote_hits import camera_there
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import Read

MOST = 10
"""Most reads of one hold, because each takes two of the requests that a partner accepts in a minute."""


def find(
    door: Door,
    terms: Terms,
    agency: str,
    asked: SearchRequest,
    only: Sequence[UUID] = (),
) -> list[Pass]:
    """Return the reads of an agency's answer to a search, or of them only these detections. Raises as
    `hold`.
    """
    (answer,) = asking.ask(door, asked, [agency], **terms.why_of(agency))
    _require_answer(answer)
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
    """Return the agency that reported a hit, and its read as that agency has it, to be held. This is a search
    of its own.

    The report itself is not held. The agency is asked again for the read, and its signed answer is held with
    the picture, which no report has. Raises NothingToHold for a hit of our own cameras, UnknownHit,
    RefusedInquiry and DatabaseError.
    """
    row = hits.one(door, hit_id, **terms.why).row
    agency = row["agency"]
    if not agency:
        raise NothingToHold(f"hit {hit_id} is of our own cameras: hold its detection {row['detection_id']}")
    return agency, read_of(row)


def read_of(row: Row) -> Pass:
    """Return the read of a hit that another agency reported, as that agency has it."""
    camera = camera_there(row["agency"], row["camera_id"])
    return Pass(row["detection_id"], row["captured_at"], row["plate"], camera)


def hold(door: Door, terms: Terms, agency: str, passes: Sequence[Pass]) -> Hold:
    """Hold these reads of another agency, with their pictures and signed answers.

    Raises RefusedError on terms that the order does not allow, or where the agency cannot be asked or
    refuses; NothingToHold where its answer lacks a read or has no picture of it; RefusedInquiry and
    DatabaseError. Requests made until then remain in the log.
    """
    hold_id = uuid4()
    with door.log_refusal("evidence_hold", str(hold_id), **terms.why):
        if not 0 < len(passes) <= MOST:
            raise RefusedError("detections", f"of another agency 1 to {MOST} reads are held at once")
        times = times_of(door, terms)
    looking = replace(door, tool=f"evidence hold {hold_id}")
    found = RemoteReads(agency=agency)
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
    """Request one read by itself; return it with the signed answer."""
    since, until = one.captured_at - INSTANT, one.captured_at + INSTANT
    cameras = [one.camera_id] if one.camera_id else []
    asked = SearchRequest("search", one.plate, cameras=cameras, since=since, until=until)
    (answer,) = asking.ask(door, asked, [agency], **terms.why_of(agency))
    _require_answer(answer)
    for read in answer.reads:
        if read.detection_id == one.detection_id and answer.exchange is not None:
            if read.plate != one.plate:  # O and 0 are one character to a search
                raise NothingToHold(f"{agency} does not say of {one.detection_id} now what it said before")
            return read, answer.exchange
    raise NothingToHold(f"{agency} does not answer with {one.detection_id} any more")


def _require_answer(answer: asking.Answer) -> None:
    if answer.outcome != "answered":
        raise RefusedError("partners", f"{answer.agency} {answer.sentence}")
