"""Check that a partner's reads are those that it was asked for, by the rules of the gate's own searches
(clickhouse/views/searches.sql).
"""

from datetime import datetime
from fnmatch import fnmatchcase

from rapidfuzz.distance import OSA

from platestream.access.gate import INSTANT
from platestream.partners.signing import SKEW
from platestream.schemas import plates
from platestream.schemas.partner import Inquiry, Reads


def fault_in(inquiry: Inquiry, answer: Reads, now: datetime) -> str:
    """Return why `answer` is none to `inquiry`, without a plate; empty where it is one."""
    since = inquiry.since and inquiry.since - INSTANT  # the gate's log has milliseconds
    until = inquiry.until or now + SKEW
    if answer.found < len(answer.reads):
        return "it counts fewer reads than it sends"
    for read in answer.reads:
        if not _is_plate(inquiry, read.plate):
            return "it has plates that were not asked for"
        if (since and read.captured_at < since) or read.captured_at > until:
            return "it has reads outside the time asked for"
        if inquiry.cameras and read.camera_id not in inquiry.cameras:
            return "it has reads of cameras that were not asked for"
    return ""


def _is_plate(inquiry: Inquiry, plate: str) -> bool:
    asked = plates.equate(plates.pattern(inquiry.plate).upper())
    read = plates.equate(plate)
    if inquiry.way == "fuzzy":
        return plates.fold(plate) == plates.fold(asked) or OSA.distance(read, asked, score_cutoff=1) <= 1
    return fnmatchcase(read, asked or "*")
