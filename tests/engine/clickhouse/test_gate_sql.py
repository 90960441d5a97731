from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.search import rows_read
from platestream.edges.clickhouse_client import ANALYST
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.spans import Span
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import detection

HOUR = timedelta(hours=1)
TWENTY = datetime(2020, 1, 1, tzinfo=UTC)
ZONES = ("America/New_York", "America/Phoenix", "Europe/Berlin", "Australia/Lord_Howe")


def seen(plate: str, age: timedelta = HOUR, camera: str = "cam") -> Detection:
    """A detection as of `age` ago; another one for each plate, age and camera."""
    return msgspec.structs.replace(detection(plate, 0, camera), captured_at=NOW - age, detection_id=uuid4())


def found(database: Database, **asked: Any) -> list[str]:
    return [row[6] for row in database.look("search", database.ask(**asked))]


def log(database: Database, inquiry: UUID, **columns: Any) -> None:
    """A row of the log as only the owner could write it."""
    row = {
        "entry": uuid4(),
        "inquiry_id": inquiry,
        "at": datetime.now(UTC),
        "who": "smith",
        "account": "default",
        "kind": "search",
        "outcome": "allowed",
        "pattern": "ABC123",
        "since": NOW - 48 * HOUR,
        "until": NOW + HOUR,
        "vehicles": 50,
        **columns,
    }
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))


ANY_TIME = st.integers(0, 40 * 366 * 24 * 60).map(lambda minutes: TWENTY + timedelta(minutes=minutes))


def ends_by_both(
    database: Database, zone: str, times: list[datetime], months: int
) -> tuple[list[int], list[int]]:
    """When so many months after these times have passed, by the database and by the rules."""
    sql = """SELECT toUnixTimestamp64Second(addMonths(
        toTimeZone(arrayJoin({times:Array(DateTime64(3, 'UTC'))}), {zone:String}), {months:UInt16}))"""
    parameters = {"times": times, "zone": zone, "months": months}
    rows = database.client().query(sql, parameters=parameters).result_rows
    ends = [Span(months, "month").after(one, ZoneInfo(zone)) for one in times]
    return [row[0] for row in rows], [int(one.timestamp()) for one in ends]


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(ANY_TIME, min_size=1, max_size=50), months=st.integers(0, 240))
def test_calendar_months_of_the_database_and_of_the_rules_agree(
    database: Database, zone: str, times: list[datetime], months: int
) -> None:
    theirs, ours = ends_by_both(database, zone, times, months)
    assert theirs == ours


@pytest.mark.parametrize(
    ("zone", "month", "first"),
    [("America/New_York", 2, 8), ("Europe/Berlin", 2, 22), ("Australia/Lord_Howe", 9, 1)],
)
def test_they_agree_on_every_minute_of_the_nights_in_which_the_clock_changes(
    database: Database, zone: str, month: int, first: int
) -> None:
    """A month later it is 1 to 4 in the morning of the change, or of a day beside it."""
    begins = [
        datetime(year, month, day, 1, tzinfo=ZoneInfo(zone)) + timedelta(minutes=minutes)
        for year in (2025, 2027, 2033)
        for day in range(first, first + 7)
        for minutes in range(0, 180, 5)
    ]
    theirs, ours = ends_by_both(database, zone, [one.astimezone(UTC) for one in begins], 1)
    assert theirs == ours
    skipped = [
        one
        for one, end in zip(begins, ours, strict=True)
        if datetime.fromtimestamp(end, ZoneInfo(zone)).time() != one.time()
    ]
    assert skipped, "a time that the clock skips is among them"


def test_the_database_itself_stamps_who_asked_when_and_in_which_query(database: Database) -> None:
    before = datetime.now(UTC)
    row = database.logged(database.ask(on_behalf_of="smith", agency="SJPD", tool="console"))
    assert before <= row["at"] <= datetime.now(UTC)
    assert (row["who"], row["account"], row["agency"], row["tool"]) == ("smith", "default", "SJPD", "console")
    assert len(row["query_id"]) == 36


def test_cameras_and_times_come_from_the_inquiry(database: Database) -> None:
    near, far = seen("ABC123", HOUR, "north"), seen("ABC123", 5 * HOUR, "south")
    database.put(tables.DETECTIONS, near, far)
    assert len(found(database)) == 2
    assert len(found(database, cameras=["north", "west"])) == 1
    assert len(found(database, cameras=["west"])) == 0
    assert len(found(database, since=NOW - 6 * HOUR, until=NOW - 2 * HOUR)) == 1


def test_what_is_more_than_30_days_old_is_not_shown_even_while_it_is_still_stored(database: Database) -> None:
    days = timedelta(days=30)
    for table in ("detections", "images", "alert_hits"):
        database.client().command(f"SYSTEM STOP MERGES platestream.{table}")
    young, old = seen("ABC123", days - HOUR), seen("ABC124", days + HOUR)
    database.put(tables.DETECTIONS, young, old)
    database.put(tables.IMAGES, young, old)
    assert database.value("SELECT count() FROM platestream.detections") == 2
    ever: dict[str, Any] = {"since": NOW - 2 * days, "until": NOW}
    assert found(database, pattern="ABC12?", **ever) == ["ABC123"]
    pictures = [
        len(database.look("picture", database.ask(kind="picture", other=str(one.detection_id), **ever)))
        for one in (young, old)
    ]
    assert pictures == [2, 0]


def test_a_row_that_was_written_again_shows_once_and_as_last_read(database: Database) -> None:
    first = seen("ABC123")
    again = msgspec.structs.replace(first, plate="ABC128")
    database.put(tables.DETECTIONS, first)
    database.put(tables.DETECTIONS, again)
    assert found(database, pattern="ABC12?") == ["ABC128"]


@pytest.mark.parametrize(
    ("row", "opens"),
    [
        ({}, True),
        ({"account": "another"}, False),
        ({"kind": "picture"}, False),
        ({"outcome": "refused", "refusal": "a rule"}, False),
        ({"age": timedelta(minutes=9)}, True),
        ({"age": timedelta(minutes=11)}, False),
    ],
)
def test_only_an_allowed_inquiry_of_ones_own_kind_and_last_10_minutes_opens_a_view(
    database: Database, row: dict[str, Any], opens: bool
) -> None:
    database.put(tables.DETECTIONS, seen("ABC123"))
    # An inquiry shows nothing that came in after it.
    database.client().command(
        "INSERT INTO platestream.detections"
        " SELECT * REPLACE (ingested_at - INTERVAL 1 HOUR AS ingested_at) FROM platestream.detections"
    )
    inquiry = uuid4()
    # Tests are collected long before the last of them runs: ages are counted from here.
    at = datetime.now(UTC) - row.get("age", timedelta(0))
    log(database, inquiry, **{"at": at, **{name: value for name, value in row.items() if name != "age"}})
    if opens:
        assert len(database.look("search", inquiry)) == 1
    else:
        assert database.refuses("search", inquiry)


def test_an_id_that_was_used_before_opens_nothing_whoever_used_it(database: Database) -> None:
    inquiry = database.ask()
    log(database, inquiry, account="another", kind="picture")
    assert database.refuses("search", inquiry)


def test_an_inquiry_for_one_picture_opens_no_other(database: Database) -> None:
    one, other = seen("ABC123"), seen("ABC124")
    database.put(tables.IMAGES, one, other)
    rows = database.look("picture", database.ask(kind="picture", other=str(one.detection_id)))
    assert {row[0] for row in rows} == {one.detection_id}
    assert sorted(row[3] for row in rows) == ["crop", "vehicle"]


@pytest.mark.parametrize("condition", ["throwIf(plate = 'SECRET1')", "plate = 'SECRET1'"])
def test_a_condition_on_a_view_sees_no_row_outside_the_inquiry(database: Database, condition: str) -> None:
    database.put(tables.DETECTIONS, seen("ABC123"), seen("SECRET1"))
    sql = f"SELECT count() FROM platestream.search(inquiry = {{inquiry:UUID}}) WHERE {condition}"
    answer = database.client(ANALYST).query(sql, parameters={"inquiry": database.ask()})
    assert answer.result_rows == [(0,)]


def test_a_search_reads_what_its_index_points_at_and_not_the_table(database: Database) -> None:
    database.client().command(
        "INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate)"
        " SELECT generateUUIDv4(), now64(3) - INTERVAL number SECOND, concat('cam', toString(number % 20)),"
        "  substring(hex(sipHash64(number)), 1, 7) FROM numbers(200000)"
    )
    database.client().command("OPTIMIZE TABLE platestream.detections")
    database.put(tables.DETECTIONS, seen("ZQ7XW22"))
    for pattern in ("ZQ7XW22", "*ZQ7X*", "?Q7XW*"):
        inquiry, plates = database.ask(pattern=pattern), list[str]()

        def look(inquiry: UUID = inquiry, plates: list[str] = plates) -> None:
            answer = database.client(ANALYST).query(
                "SELECT plate FROM platestream.search(inquiry = {inquiry:UUID})",
                parameters={"inquiry": inquiry},
            )
            plates += [row[0] for row in answer.result_rows]

        assert 0 < rows_read(database.client(), look) < 30_000, pattern
        assert plates == ["ZQ7XW22"]
