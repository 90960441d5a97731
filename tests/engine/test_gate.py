import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.access import gate, inquire
from platestream.access.gate import DamagedPicture
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import ANALYST, DOOR, DatabaseError
from platestream.schemas import tables
from platestream.schemas.acts import ACTS, Act
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Detection
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import detection
from tests.support.people import WORDS

SEEN_AT = NOW - timedelta(hours=3)
CASE: dict[str, Any] = {"who": "smith", "agency": "SJPD", "tool": "cli", "case_number": "24-001234"}
OPENING_NO_VIEW = [one for one in ACTS if one.roles and not one.browses]
DOCUMENTED = [one for one in ACTS if one.roles and one.documented]


def seen(plate: str, camera: str = "cam") -> Detection:
    return msgspec.structs.replace(
        detection(plate, 0, camera), captured_at=SEEN_AT, detection_id=uuid4(), crop=plate.encode()
    )


def test_a_documented_search_finds_plates_as_they_were_stored_and_leaves_one_row(database: Database) -> None:
    one = seen("ABC123")
    database.put(tables.DETECTIONS, one, seen("XYZ789"))
    (row,) = gate.search(database.client(ANALYST), pattern="abc*", **CASE)
    assert (row["plate"], row["detection_id"], row["camera_id"]) == ("ABC123", one.detection_id, "cam")
    assert row["captured_at"] == SEEN_AT.replace(microsecond=SEEN_AT.microsecond // 1000 * 1000)
    logged = database.rows("SELECT who, agency, tool, outcome, pattern FROM platestream.inquiry_log")
    assert logged == [("smith", "SJPD", "cli", "allowed", "ABC*")]


def test_an_undocumented_search_is_refused_with_the_rule_and_is_in_the_log(database: Database) -> None:
    database.put(tables.DETECTIONS, seen("ABC123"))
    with pytest.raises(RefusedInquiry, match=r"neither case number nor reason.*section I\.7"):
        gate.search(database.client(ANALYST), pattern="ABC123", who="smith")
    logged = database.rows("SELECT who, outcome, pattern FROM platestream.inquiry_log")
    assert logged == [("smith", "refused", "ABC123")]


def test_where_the_outcome_would_not_follow_nothing_is_looked_at(database: Database) -> None:
    """The default of the outcome lost, a refusal would be on record as allowed."""
    database.client().command("ALTER TABLE platestream.inquiry_log MODIFY COLUMN outcome REMOVE DEFAULT")
    with pytest.raises(DatabaseError, match="code 469"):  # a constraint does not hold
        gate.search(database.client(ANALYST), pattern="ABC*")
    assert database.client().query("SELECT count() FROM platestream.inquiry_log").result_rows == [(0,)]
    assert gate.search(database.client(ANALYST), pattern="ABC*", **CASE) == []


def test_cameras_and_times_bound_a_search(database: Database) -> None:
    database.put(tables.DETECTIONS, seen("ABC123", "north"), seen("ABC124", "south"))
    client = database.client(ANALYST)
    (row,) = gate.search(client, cameras=["north"], since=SEEN_AT - timedelta(hours=1), **CASE)
    assert row["plate"] == "ABC123"
    assert gate.search(client, since=SEEN_AT + timedelta(hours=1), **CASE) == []


def test_times_without_a_zone_are_not_guessed_at(database: Database) -> None:
    with pytest.raises(ValueError, match="since has no time zone"):
        gate.search(database.client(ANALYST), pattern="ABC*", since=datetime(2026, 1, 1), **CASE)  # noqa: DTZ001


def test_pictures_come_with_their_bytes_and_only_those_of_the_detection(database: Database) -> None:
    one, other = seen("ABC123"), seen("XYZ789")
    database.put(tables.IMAGES, one, other)
    found = gate.picture(
        database.client(ANALYST),
        detection_id=one.detection_id,
        captured_at=one.captured_at,
        keys=database.keys,
        **CASE,
    )
    assert found == {"crop": one.crop, "vehicle": one.picture}


def test_a_picture_that_is_not_what_was_stored_is_not_shown(database: Database) -> None:
    one = seen("ABC123")
    database.put(tables.IMAGES, one)
    database.client().command("ALTER TABLE platestream.images DROP CONSTRAINT intact")
    digest = sha256(one.crop).digest()
    forged = (one.detection_id, one.captured_at, "cam", "crop", digest, digest, b"forged")
    database.client().insert("platestream.images", [forged], column_names=list(tables.IMAGES.columns))
    with pytest.raises(DamagedPicture):
        gate.picture(
            database.client(ANALYST),
            detection_id=one.detection_id,
            captured_at=one.captured_at,
            keys=database.keys,
            **CASE,
        )


def test_hits_are_found_by_plate_and_by_id(database: Database) -> None:
    hit = AlertHit.from_json(bytes(example("alert_hit").accepted))
    read = msgspec.structs.replace(hit.detection, captured_at=SEEN_AT)
    hit = msgspec.structs.replace(hit, detection=read)
    other = msgspec.structs.replace(hit, hit_id=uuid4(), detection=seen("XYZ789"))
    database.put(tables.ALERT_HITS, hit, other)
    client = database.client(ANALYST)
    assert len(gate.search(client, "hits", **CASE)) == 2
    (row,) = gate.search(client, "hits", other=str(hit.hit_id), **CASE)
    assert (row["hit_id"], row["listed_plate"], row["match"]) == (hit.hit_id, hit.entry.plate, hit.match)
    (row,) = gate.search(client, "hits", pattern="XYZ*", **CASE)
    assert row["hit_id"] == other.hit_id


def test_a_pattern_is_a_value_and_never_sql(database: Database) -> None:
    database.put(tables.DETECTIONS, seen("ABC123"))
    for pattern in ("' OR '1'='1", "%", "_BC123", "ABC123'; DROP TABLE platestream.detections --", "\\"):
        with pytest.raises(RefusedInquiry, match="not searchable"):
            gate.search(database.client(ANALYST), pattern=pattern, **CASE)
    assert database.value("SELECT count() FROM platestream.detections") == 1


def entered(database: Database, acts: list[Act], **changes: str) -> dict[str, UUID]:
    """Enter these acts in one insert, which the gate judges one by one; return their ids by name."""
    ids = {act.name: uuid4() for act in acts}
    said = {act.name: WORDS if act.documented == "entry" and changes else {} for act in acts}
    rows = [[inquiry, name, "smith", said[name], *changes.values()] for name, inquiry in ids.items()]
    names = ["inquiry_id", "kind", "on_behalf_of", "fields", *changes]
    database.client(DOOR).insert("platestream.inquire", rows, column_names=names)
    return ids


def test_acts_that_open_no_view_are_put_on_record(database: Database) -> None:
    fields = {"tool": "cli", "case_number": "26-001234", "reason": "stolen vehicle", "other": "2026"}
    ids = entered(database, OPENING_NO_VIEW, **fields)
    for act in OPENING_NO_VIEW:
        row = database.logged(ids[act.name])
        assert {name: row[name] for name in ("kind", "who", "outcome", *fields)} == {
            "kind": act.name,
            "who": "smith",
            "outcome": "allowed",
            **fields,
        }
        assert database.refuses("search", ids[act.name])


def test_acts_that_are_to_be_documented_are_refused_without_it_and_are_on_record(database: Database) -> None:
    entered(database, DOCUMENTED)
    found = database.rows("SELECT kind, outcome, refusal FROM platestream.inquiry_log")
    assert {(kind, outcome) for kind, outcome, _why in found} == {(one.name, "refused") for one in DOCUMENTED}
    assert all(re.search(r"section (I\.7|F\.8\.a|H\.2)", why) for *_act, why in found)
    with pytest.raises(RefusedInquiry, match=r"section I\.7"):
        inquire.record(database.client(DOOR), kind="search", who="smith")


def test_what_is_no_act_of_the_table_is_refused(database: Database) -> None:
    with pytest.raises(RefusedInquiry, match="unknown kind"):
        inquire.record(database.client(DOOR), kind="hotlist", who="smith", reason="stolen vehicle")
