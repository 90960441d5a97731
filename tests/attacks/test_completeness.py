"""Data that is missing, altered or invented before it is due: what the owner of the folder tries."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from docs.generators.catalogue import example
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import AUDITOR, RETENTION
from platestream.edges.sealed_tables import sealed_images
from platestream.ledger import store as ledger
from platestream.retention import service as retention
from platestream.retention import tally
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Detection
from platestream.schemas.tally import Tally
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database, Prepared
from tests.support.door import door_of
from tests.support.flows import READ

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PERIOD = 30 * DAY
HIT = AlertHit.from_json(bytes(example("alert_hit").accepted))
WAIT = {"mutations_sync": 2}
READS = [
    msgspec.structs.replace(
        READ,
        detection_id=UUID(int=number),
        camera_id=f"cam-{number % 2}",
        plate=f"AAA100{number}",
        captured_at=NOW - number * DAY - HOUR,
        crop=b"crop %d" % number,
    )
    for number in range(1, 7)
]


def job(database: Database) -> Door:
    return retention.start_scheduled(door_of(database))


@pytest.fixture(scope="module")
def counted(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Six vehicles of six days with pictures and hits, counted, sealed and compared."""

    def prepare(database: Database) -> None:
        write(database, *READS)
        hits = [msgspec.structs.replace(HIT, hit_id=one.detection_id, detection=one) for one in READS]
        database.put(tables.ALERT_HITS, *hits)
        seal_now(database)
        assert tally.compare(database.client(RETENTION)).faults == []

    return Prepared(migrated, tmp_path_factory.mktemp("counted"), prepare)


@pytest.fixture
def filled(counted: Prepared, tmp_path: Path) -> Iterator[Database]:
    """The counted vehicles, in a database that a test may change."""
    with counted.used(tmp_path) as database:
        yield database


def seal_now(database: Database) -> None:
    """As at the end of the hour: what was written was written two hours before."""
    sql("ALTER TABLE platestream.tallied UPDATE tallied_at = tallied_at - INTERVAL 2 HOUR WHERE 1")(database)
    tally.seal(job(database), datetime.now(UTC))


def write(database: Database, *reads: Detection) -> None:
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)


def sql(text: str) -> Callable[[Database], None]:
    def attack(database: Database) -> None:
        database.client().command(text, settings=WAIT)

    return attack


def again(plate: str, *, models: list[str] | None = None) -> Callable[[Database], None]:
    """Write a detection again, as the ingesting account could, with another plate."""
    changed = msgspec.structs.replace(READS[0], plate=plate, **({"models": models} if models else {}))
    return lambda database: database.put(tables.DETECTIONS, changed)


def moved(by: timedelta) -> Callable[[Database], None]:
    """Another time of capture: the row is written again, and the old one deleted."""
    first = READS[0].captured_at

    def attack(database: Database) -> None:
        database.put(tables.DETECTIONS, msgspec.structs.replace(READS[0], captured_at=first + by))
        sql(f"ALTER TABLE platestream.detections DELETE WHERE captured_at = {_time(first)}")(database)

    return attack


def invented(at: datetime) -> Callable[[Database], None]:
    """A detection that was never made, written past the view that counts."""
    made = msgspec.structs.replace(READS[1], detection_id=UUID(int=99), captured_at=at)

    def attack(database: Database) -> None:
        database.client().command("DROP VIEW platestream.detections_to_tallied")
        database.put(tables.DETECTIONS, made)

    return attack


def erased_with_its_count(database: Database) -> None:
    for table, column in (("detections", "detection_id"), ("tallied", "id")):
        sql(f"ALTER TABLE platestream.{table} DELETE WHERE {column} = '{UUID(int=2)}'")(database)


def recounted(database: Database) -> None:
    """A plate is altered, and the count is made to fit."""
    erased_with_its_count(database)
    database.put(tables.DETECTIONS, msgspec.structs.replace(READS[1], plate="ZZZ9999"))
    changed = f"UPDATE tallied_at = now64(6) - INTERVAL 2 HOUR WHERE id = '{UUID(int=2)}'"
    sql(f"ALTER TABLE platestream.tallied {changed}")(database)


def dropped(table: str) -> Callable[[Database], None]:
    day = f"{READS[2].captured_at:%Y%m%d}"
    return sql(f"ALTER TABLE platestream.{table} DROP PARTITION ID '{day}'")


PLATE = "ALTER TABLE platestream.detections UPDATE plate = 'AAA1009' WHERE plate = 'AAA1001'"
WAYS: dict[str, tuple[Callable[[Database], None], str]] = {
    "a vehicle's passes erased": (
        sql("ALTER TABLE platestream.detections DELETE WHERE plate = 'AAA1003'"),
        "1 missing",
    ),
    "erased for readers only": (
        sql("DELETE FROM platestream.detections WHERE plate = 'AAA1003'"),
        "1 missing",
    ),
    "a plate altered": (sql(PLATE), "1 not what was counted"),
    "a camera altered by writing again": (
        lambda database: database.put(tables.DETECTIONS, msgspec.structs.replace(READS[0], plate="AAA1009")),
        "written again with something else",
    ),
    "a capture moved by three hours of its day": (
        moved((3 if READS[0].captured_at.hour < 12 else -3) * HOUR),
        "written again with something else",
    ),
    "a capture moved by a day": (moved(-DAY), "written again with something else"),
    "a partition dropped": (dropped("detections"), "1 missing"),
    "a table emptied": (sql("TRUNCATE TABLE platestream.detections"), "1 missing"),
    "hits deleted only": (sql("ALTER TABLE platestream.alert_hits DELETE WHERE 1"), "alert_hits of"),
    "a hit's plate altered": (
        sql("ALTER TABLE platestream.alert_hits UPDATE plate = 'X' WHERE 1"),
        "1 not what was counted",
    ),
    "pictures deleted only": (sql("TRUNCATE TABLE platestream.images"), "images/crop of"),
    "an invented row past the count": (invented(READS[1].captured_at), "1 never counted"),
    "one that would never expire": (invented(datetime(2250, 1, 1, tzinfo=UTC)), "1 never counted"),
    "a count that would never expire, for an hour that is sealed": (
        sql(
            "INSERT INTO platestream.tallied SELECT * REPLACE (generateUUIDv4() AS id,"
            " toDateTime64('2250-01-01', 3, 'UTC') AS captured_at) FROM platestream.tallied LIMIT 1"
        ),
        "were changed",
    ),
    "a row erased with its count": (erased_with_its_count, "were changed"),
    "a row altered and counted again": (recounted, "were changed"),
    "a partition of the counts dropped": (dropped("tallied"), "were changed"),
    "the counts emptied": (sql("TRUNCATE TABLE platestream.tallied"), "were changed"),
    "a count added for an hour that is sealed": (
        sql(
            "INSERT INTO platestream.tallied"
            " SELECT * REPLACE (generateUUIDv4() AS id) FROM platestream.tallied LIMIT 1"
        ),
        "were changed",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_taken_altered_or_invented_early_is_not_held(
    filled: Database, tmp_path: Path, way: str
) -> None:
    attack, said = WAYS[way]
    attack(filled)
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert found.outcome == "not_held"
    assert said in "; ".join(found.faults), found.faults


@pytest.mark.parametrize(
    ("way", "said"),
    [("a vehicle's passes erased", "1 missing"), ("a capture moved by a day", "1 missing")],
)
def test_the_same_where_days_are_compared_one_by_one(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, said: str
) -> None:
    monkeypatch.setattr(tally, "AT_ONCE", 1)
    assert tally.compare(filled.client(RETENTION)).faults == []
    WAYS[way][0](filled)
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert (found.outcome, said in "; ".join(found.faults)) == ("not_held", True), found.faults


def test_rows_that_cannot_be_compared_are_a_fault_and_outlive_no_period(
    filled: Database, tmp_path: Path
) -> None:
    sql("RENAME TABLE platestream.completeness_of TO platestream.away")(filled)
    faults = retention.read_receipt(retention.run(job(filled), 2 * DAY)).compared
    assert faults is not None
    assert [fault.partition(":")[0] for fault in faults.faults] == [tally.NOT_COMPARED]
    assert filled.value("SELECT min(captured_at) > now64(3) - INTERVAL 2 DAY FROM platestream.detections")
    sql("RENAME TABLE platestream.away TO platestream.completeness_of")(filled)
    compared = retention.read_receipt(retention.run(job(filled), 2 * DAY)).compared
    assert compared is not None, "the next run compares"
    assert not any(fault.startswith(tally.NOT_COMPARED) for fault in compared.faults)
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert (found.outcome, tally.NOT_COMPARED in "; ".join(found.faults)) == ("not_held", True)


def test_a_count_that_nobody_can_read_is_not_held(filled: Database, tmp_path: Path) -> None:
    sql(
        "INSERT INTO platestream.ledger"
        " SELECT * REPLACE (number + 1 AS number, now64(6) AS at, '{}' AS record)"
        " FROM platestream.ledger WHERE chain = 'retention' AND kind = 'tally' ORDER BY number DESC LIMIT 1"
    )(filled)
    found = Agency(filled, tmp_path / "data").outcomes("rows", "records")
    assert found == {"rows": "not_held", "records": "not_held"}


def test_data_deleted_after_ten_minutes_is_not_held(filled: Database, tmp_path: Path) -> None:
    retention.run(job(filled), 10 * MINUTE)
    assert filled.value("SELECT count() FROM platestream.detections") == 0
    outcomes = Agency(filled, tmp_path / "data").outcomes("rows", "job")
    assert outcomes == {"rows": "not_held", "job": "not_held"}


def test_what_was_missing_once_stays_not_held_when_it_is_due_by_its_receipt(
    filled: Database, tmp_path: Path
) -> None:
    sql("ALTER TABLE platestream.detections DELETE WHERE plate = 'AAA1003'")(filled)
    (entry,) = [retention.run(job(filled), PERIOD)]
    compared = retention.read_receipt(entry).compared
    assert compared is not None
    assert "1 missing" in "; ".join(compared.faults)
    write(filled, READS[2])
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert "1 missing" in "; ".join(found.faults)


def test_a_replay_that_encrypts_what_an_older_release_wrote_as_it_was_is_no_fault(
    filled: Database, tmp_path: Path
) -> None:
    first = filled.value("SELECT count() FROM platestream.tallied")
    plain = [row for one in READS for row in tables.IMAGES.rows(one)]
    filled.client().insert("platestream.images", plain, column_names=list(tables.IMAGES.columns))
    write(filled, *READS)
    assert filled.value("SELECT count() FROM platestream.tallied") > first
    assert Agency(filled, tmp_path / "data").outcomes("rows") == {"rows": "held"}


def test_a_picture_is_not_written_with_the_hash_of_another(filled: Database) -> None:
    (row, *_others) = sealed_images(filled.keys).rows(READS[0])
    values = dict(zip(tables.IMAGES.columns, row, strict=True)) | {"content_sha256": bytes(32)}
    with pytest.raises(DatabaseError):  # the engine's message has the row's bytes, and is not decoded
        filled.client().insert(
            "platestream.images", [list(values.values())], column_names=list(tables.IMAGES.columns)
        )
    assert filled.value("SELECT count() FROM platestream.images") == 2 * len(READS)


def test_replays_late_frames_and_a_newer_model_are_no_fault(filled: Database, tmp_path: Path) -> None:
    write(filled, *READS)
    write(filled, msgspec.structs.replace(READS[0], detection_id=UUID(int=50), captured_at=NOW - 29 * DAY))
    again("AAA1011", models=["a newer model"])(filled)
    filled.client().command("OPTIMIZE TABLE platestream.detections FINAL")
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert found.outcome == "held", found.faults


def test_what_the_job_deletes_when_it_is_due_is_no_fault(filled: Database, tmp_path: Path) -> None:
    write(filled, msgspec.structs.replace(READS[0], detection_id=UUID(int=60), captured_at=NOW - 31 * DAY))
    retention.run(job(filled), PERIOD)
    assert filled.value(f"SELECT count() FROM platestream.tallied WHERE id = '{UUID(int=60)}'") == 0
    found = Agency(filled, tmp_path / "data").results("rows")["rows"]
    assert found.outcome == "held", found.faults


def test_hours_that_are_not_sealed_are_not_held(database: Database, tmp_path: Path) -> None:
    write(database, READS[0])
    sql("ALTER TABLE platestream.tallied UPDATE tallied_at = now64(6) - INTERVAL 4 HOUR WHERE 1")(database)
    found = Agency(database, tmp_path / "data").results("rows")["rows"]
    assert "are in no sealed count" in "; ".join(found.faults)


def test_each_hours_count_is_an_act_of_the_job_whose_entry_has_no_plate(filled: Database) -> None:
    found = ledger.last(filled.client(), "retention", "tally", Tally)
    assert found is not None
    entry, result = found
    assert "AAA100" not in entry.record
    assert sum(day.cameras.get("cam-1", 0) for day in result.days if day.source == "detections") == 3
    row = filled.rows(
        "SELECT who, automatic, outcome, effect FROM platestream.inquiry_log WHERE kind = 'tally'"
    )
    assert row == [("retention", True, "allowed", entry.hash)]


def test_nobody_but_the_owner_reads_a_digest_from_which_plates_could_be_guessed(database: Database) -> None:
    for role in (RETENTION, AUDITOR):
        database.client(role).query("SELECT id, captured_at FROM platestream.tallied")
        for column in ("digest", "nonce"):
            with pytest.raises(DatabaseError) as refused:
                database.client(role).query(f"SELECT {column} FROM platestream.tallied")
            assert refused.value.code == 497


def test_a_person_counts_nothing(database: Database) -> None:
    with pytest.raises(RefusedInquiry, match="only the machine"):
        door_of(database, "vale").enter("tally", "x")


def _time(at: datetime) -> str:
    return f"fromUnixTimestamp64Milli({round(at.timestamp() * 1000)})"
