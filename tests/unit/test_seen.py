"""What was found, counted by day, hour and camera."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from platestream.access.gate import Row
from platestream.inquiries.pages import result_views


def row(at: datetime, camera: str = "north") -> Row:
    return {"captured_at": at, "camera_id": camera, "latitude": 34.51, "longitude": -109.37}


def test_days_and_hours_are_those_of_the_agencys_clock() -> None:
    rows = [row(datetime(2026, 11, 23, 6, 59, tzinfo=UTC)), row(datetime(2026, 11, 23, 7, 0, tzinfo=UTC))]
    days = result_views.group_by_day(rows, ZoneInfo("America/Phoenix"))
    assert [(one.day, [hour.hour for hour in one.hours]) for one in days] == [
        (date(2026, 11, 23), [0]),
        (date(2026, 11, 22), [23]),
    ]


def test_an_hour_counts_its_passes_and_cameras_the_most_first() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    rows = [row(at, "south"), row(at.replace(minute=5)), row(at.replace(minute=50)), row(at.replace(hour=9))]
    (day,) = result_views.group_by_day(rows, UTC)
    assert day.passes == 4
    assert [(hour.passes, hour.cameras) for hour in day.hours] == [
        (1, [("north", 1)]),
        (3, [("north", 2), ("south", 1)]),
    ]
    assert result_views.busiest_hour([day]) == 3


def test_the_map_marks_where_it_was_seen_and_shows_the_others_once() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    drawn = result_views.map_results([row(at), row(at)], {"north": (34.5, -109.4), "south": (34.4, -109.4)})
    assert drawn.count('class="meant"') == 1
    assert drawn.count('class="other"') == 1
    assert "north: 2" in drawn


def test_nothing_seen_has_no_days_and_no_map() -> None:
    assert result_views.group_by_day([], UTC) == []
    assert result_views.busiest_hour([]) == 0
    assert result_views.map_results([], {"north": (34.5, -109.4)}) == ""
    assert result_views.map_results([{"camera_id": "unknown"}], {}) == ""
