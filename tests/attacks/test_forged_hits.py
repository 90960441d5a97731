"""Alert hits that somebody writes beside the match flow, as the account of its topic may: officers stop a car
that nobody listed or that no camera saw."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from platestream.schemas import tables
from platestream.schemas.detection import Detection
from tests.support.agency import HIT, HOUR, Agency, read
from tests.support.flows import LISTED


def hit(agency: Agency, entry_id: str, seen: Detection, *, source: str = "sjpd", partner: str = "") -> None:
    entry = msgspec.structs.replace(LISTED, entry_id=entry_id, source=source)
    one = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=seen, entry=entry, agency=partner)
    agency.database.put(tables.ALERT_HITS, one)


def stored(agency: Agency) -> Detection:
    """A read that is stored with its picture."""
    seen = read(2 * HOUR)
    agency.database.put(tables.DETECTIONS, seen)
    agency.database.put(tables.IMAGES, seen)
    return seen


def faults(agency: Agency, later: timedelta = 2 * HOUR) -> tuple[str, ...]:
    result = agency.results("listed", now=datetime.now(UTC) + later)["listed"]
    assert result.gaps == ()
    return result.faults


def test_hits_of_listed_entries_and_stored_reads_are_held(agency: Agency) -> None:
    hit(agency, "sjpd:own", stored(agency))
    hit(agency, "bolo:county/1", stored(agency), source="bolo")
    assert faults(agency) == ()


def test_a_hit_on_an_entry_that_nobody_listed_is_found(agency: Agency) -> None:
    hit(agency, "sjpd:homicide", stored(agency))
    assert faults(agency) == ("hits on entries that no act listed: sjpd:homicide",)


def test_an_entry_that_was_removed_since_is_no_fault(agency: Agency) -> None:
    hit(agency, "sjpd:own", stored(agency))
    agency.unlist("sjpd:own", acted=True)
    assert faults(agency) == ()


def test_a_hit_of_a_read_that_no_camera_delivered_is_found(agency: Agency) -> None:
    hit(agency, "sjpd:own", read(2 * HOUR))
    assert faults(agency) == ("hits of reads that are not stored, on: sjpd:own",)


def test_a_read_that_is_not_yet_stored_or_is_of_a_partner_is_no_fault(agency: Agency) -> None:
    hit(agency, "sjpd:own", read(2 * HOUR), partner="county")
    assert faults(agency) == ()
    hit(agency, "sjpd:own", read(2 * HOUR))
    assert faults(agency, timedelta(0)) == ()
