"""The ways to look: sightings, similar plates, travel together."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.access import gate, inquire
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import ANALYST
from platestream.schemas import plates, tables
from platestream.schemas.detection import Detection
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.flows import detection

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WHY: inquire.ActorDocumentation = {"who": "smith", "case_number": "26-001234"}
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def seen(plate: str, camera: str, age: timedelta) -> Detection:
    at = NOW - age
    return msgspec.structs.replace(
        detection(plate, 0, camera), captured_at=at, best_at=at, detection_id=uuid4()
    )


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: a lead and its companion at three cameras, and strangers."""
    with copied(migrated, tmp_path_factory.mktemp("looks")) as made:
        together = [
            seen(plate, camera, hours * HOUR + gap)
            for hours, camera in ((2, "north"), (5, "south"), (50, "east"))
            for plate, gap in (("LEAD123", timedelta(0)), ("MATE456", 30 * timedelta(seconds=1)))
        ]
        strangers = [
            seen("LEAD123", "north", 9 * HOUR),
            seen("ONCE789", "north", 2 * HOUR + timedelta(seconds=59)),
            seen("NEAR111", "south", 5 * HOUR + timedelta(seconds=61)),
            seen("NEAR111", "north", 2 * HOUR + timedelta(seconds=61)),
            seen("MATE456", "west", 9 * HOUR),
        ]
        made.put(tables.DETECTIONS, *together, *strangers)
        made.put(tables.DETECTIONS, *together)
        yield made


def test_sightings_are_all_that_passed_the_cameras_in_the_time(database: Database) -> None:
    client = database.client(ANALYST)
    since = NOW - 6 * HOUR
    rows = gate.search(client, "sightings", cameras=["north"], since=since, **WHY)
    assert [row["plate"] for row in rows] == ["LEAD123", "MATE456", "ONCE789", "NEAR111"]
    rows = gate.search(client, "sightings", cameras=["north", "south"], since=since, pattern="LEAD*", **WHY)
    assert [row["camera_id"] for row in rows] == ["north", "south"]


@pytest.mark.parametrize(
    "asked",
    [
        {"cameras": [], "since": NOW - HOUR},
        {"cameras": [f"c{n}" for n in range(21)], "since": NOW - HOUR},
        {"cameras": ["north"], "since": NOW - 8 * 24 * HOUR},
    ],
)
def test_sightings_of_everything_everywhere_are_refused(database: Database, asked: dict[str, Any]) -> None:
    with pytest.raises(RefusedInquiry, match="1 to 20 cameras and 7 days"):
        gate.search(database.client(ANALYST), "sightings", **asked, **WHY)


def test_two_plates_that_passed_one_camera_within_a_minute_travelled_together(database: Database) -> None:
    client = database.client(ANALYST)
    rows = gate.search(client, "cotravel", pattern="LEAD123", other="mate-456", **WHY)
    assert [(row["camera_id"], row["seconds_behind"]) for row in rows] == [
        ("north", -30),
        ("south", -30),
        ("east", -30),
    ]
    within = {"pattern": "LEAD123", "other": "NEAR111"}
    assert gate.search(client, "cotravel", **within, **WHY) == []  # type: ignore[arg-type]
    assert len(gate.search(client, "cotravel", **within, within=61 * timedelta(seconds=1), **WHY)) == 2  # type: ignore[arg-type]


def test_companions_met_twice_or_more_and_a_doubled_row_is_one_meeting(database: Database) -> None:
    (row,) = gate.search(database.client(ANALYST), "companions", pattern="LEAD123", **WHY)
    assert (row["plate"], row["meetings"], row["cameras_met"]) == ("MATE456", 3, 3)
    longer = gate.search(
        database.client(ANALYST), "companions", pattern="LEAD123", within=61 * timedelta(seconds=1), **WHY
    )
    assert [row["plate"] for row in longer] == ["MATE456", "NEAR111"]


@pytest.mark.parametrize(
    ("kind", "asked", "rule"),
    [
        ("fuzzy", {"pattern": "ABC*"}, "4 to 8 letters"),
        ("cotravel", {"pattern": "ABC123"}, "second plate"),
        ("cotravel", {"pattern": "ABC*", "other": "XYZ789"}, "whole plate"),
        ("companions", {"pattern": "*"}, "whole plate"),
        ("companions", {"pattern": "ABC123", "within_s": 3601}, "1 to 3600 seconds"),
        ("companions", {"pattern": "ABC123", "within_s": 0}, "1 to 3600 seconds"),
    ],
)
def test_what_is_asked_too_openly_is_refused(
    database: Database, kind: str, asked: dict[str, Any], rule: str
) -> None:
    inquiry = database.ask(kind=kind, **asked)
    assert rule in database.logged(inquiry)["refusal"]
    assert database.refuses(kind, inquiry)


def edits(plate: str) -> st.SearchStrategy[str]:
    """`plate` with one character added, lost, changed, or swapped with its neighbour."""
    place, char = st.integers(0, len(plate) - 1), st.sampled_from(CHARACTERS)
    return st.one_of(
        st.builds(lambda i, c: plate[:i] + c + plate[i + 1 :], place, char),
        st.builds(lambda i, c: plate[:i] + c + plate[i:], st.integers(0, len(plate)), char),
        place.map(lambda i: plate[:i] + plate[i + 1 :]),
        st.integers(0, len(plate) - 2).map(lambda i: plate[:i] + plate[i + 1] + plate[i] + plate[i + 2 :]),
    )


def test_whatever_is_one_edit_or_a_look_alike_away_is_found_and_nothing_else(database: Database) -> None:
    client = database.client(ANALYST)

    @settings(max_examples=8, deadline=None)
    @given(st.data())
    def found(data: st.DataObject) -> None:
        plate = data.draw(st.text(CHARACTERS, min_size=4, max_size=8))
        near = data.draw(st.lists(edits(plate), min_size=5, max_size=30))
        alike = plate.translate(str.maketrans("0OI1S5B8", "DQL15S8B"))
        far = f"{plate}77" if len(plate) < 8 else plate[:-2]
        camera = str(uuid4())
        there = [*near, plate, alike, far]
        database.put(tables.DETECTIONS, *(seen(one, camera, HOUR) for one in there))
        rows = gate.search(client, "fuzzy", pattern=plate, cameras=[camera], **WHY)
        got = {row["plate"]: row["match"] for row in rows}
        assert set(got) == {*near, plate, alike}
        assert {one for one, match in got.items() if match == "same"} == {
            one for one in got if plates.equate(one) == plates.equate(plate)
        }
        assert got[alike] in ("same", "look_alike")

    found()
