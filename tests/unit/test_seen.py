"""What was found, counted by day, hour and camera."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from platestream.console import seen
from services.inquiries.gate import Row


def row(at: datetime, camera: str = "north") -> Row:
    return {"captured_at": at, "camera_id": camera, "latitude": 34.51, "longitude": -109.37}


def test_days_and_hours_are_those_of_the_agencys_clock() -> None:
    rows = [row(datetime(2026, 11, 23, 6, 59, tzinfo=UTC)), row(datetime(2026, 11, 23, 7, 0, tzinfo=UTC))]
    days = seen.by_day(rows, ZoneInfo("America/Phoenix"))
    assert [(one.day, [hour.hour for hour in one.hours]) for one in days] == [
        (date(2026, 11, 23), [0]),
        (date(2026, 11, 22), [23]),
    ]


def test_an_hour_counts_its_passes_and_cameras_the_most_first() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    rows = [row(at, "south"), row(at.replace(minute=5)), row(at.replace(minute=50)), row(at.replace(hour=9))]
    (day,) = seen.by_day(rows, UTC)
    assert day.passes == 4
    assert [(hour.passes, hour.cameras) for hour in day.hours] == [
        (1, [("north", 1)]),
        (3, [("north", 2), ("south", 1)]),
    ]
    assert seen.busiest([day]) == 3


def test_the_map_marks_where_it_was_seen_and_shows_the_others_once() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    drawn = seen.on_map([row(at), row(at)], {"north": (34.5, -109.4), "south": (34.4, -109.4)})
    assert drawn.count('class="meant"') == 1
    assert drawn.count('class="other"') == 1
    assert "north: 2" in drawn


def test_nothing_seen_has_no_days_and_no_map() -> None:
    assert seen.by_day([], UTC) == []
    assert seen.busiest([]) == 0
    assert seen.on_map([], {"north": (34.5, -109.4)}) == ""
    assert seen.on_map([{"camera_id": "unknown"}], {}) == ""
