"""Age and faults of registered feeds, as status, doctor and the console show them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from platestream.hotlist.feed_health import (
    FeedHealth,
    age,
    feed_ages,
    feed_faults,
    read_health,
    write_health,
)
from platestream.hotlist.overview import source_lists
from platestream.schemas.registry import RegistryRecord

NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)


def feed(
    name: str = "ncic", hours: float | None = 1.0, every: int | None = 60, **changes: Any
) -> RegistryRecord:
    at = None if hours is None else NOW - timedelta(hours=hours)
    fields = {"feed_place": "/srv/list", "feed_every_minutes": every, "refreshed_at": at, **changes}
    return RegistryRecord(kind="hotlist_source", id=name, name=name, **fields)


@pytest.mark.parametrize(
    ("one", "late"),
    [
        (feed(hours=1.9), False),
        (feed(hours=2.1), True),
        (feed(hours=2.1, every=None), False),
        (feed(hours=2.1, active=False), False),
        (feed(hours=2.1, feed_place=""), False),
        (feed(hours=None, changed_at=NOW - timedelta(hours=3)), True),
        (feed(hours=None, changed_at=NOW), False),
    ],
)
def test_a_feed_is_late_after_twice_its_time(tmp_path: Path, one: RegistryRecord, late: bool) -> None:
    assert bool(list(feed_faults(tmp_path, [one], NOW))) == late
    assert [age.late for age in feed_ages([one], NOW)] == ([late] if one.has_feed else [])


def test_ages_are_by_name_and_of_feeds_alone() -> None:
    own = RegistryRecord(kind="hotlist_source", id="sjpd", name="own", refreshed_at=NOW)
    ages = feed_ages([feed("ncic"), own, feed("acic", hours=None)], NOW)
    assert [(one.source, age(one.imported_at, NOW)) for one in ages] == [
        ("acic", "never"),
        ("ncic", "1.0 hours ago"),
    ]


def test_the_reason_of_the_job_stands_beside_the_lateness(tmp_path: Path) -> None:
    write_health(tmp_path, FeedHealth("ncic", NOW, "file 2 is missing before the delta 3"))
    (early,) = feed_faults(tmp_path, [feed()], NOW)
    assert early == "the newest file of ncic was not imported: file 2 is missing before the delta 3"
    (late,) = feed_faults(tmp_path, [feed(hours=5)], NOW)
    assert late.endswith("last imported 5.0 hours ago: file 2 is missing before the delta 3")
    write_health(tmp_path, FeedHealth("ncic", NOW))
    assert list(feed_faults(tmp_path, [feed()], NOW)) == []
    (tmp_path / "feeds" / "ncic.json").write_text("{")
    assert read_health(tmp_path, "ncic") is None


def test_the_console_s_list_is_old_by_the_feed_s_own_time() -> None:
    listed = {one.source: one for one in source_lists({}, [feed(hours=2.1), feed("acic", 2.1, None)], NOW)}
    assert (listed["ncic"].old(NOW), listed["acic"].old(NOW)) == (True, False)
