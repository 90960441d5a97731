"""Companions: a meeting is of one pass of each vehicle."""

from datetime import timedelta
from itertools import combinations, permutations
from uuid import uuid4

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.access import gate, inquire
from platestream.edges.clickhouse_client import ANALYST, OWNER
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import detection

BEGAN = NOW - timedelta(hours=2)
WHY: inquire.ActorDocumentation = {"who": "smith", "case_number": "26-001234"}
Passes = list[tuple[str, int]]  # camera, seconds


def seen(plate: str, camera: str, seconds: int) -> Detection:
    at = BEGAN + timedelta(seconds=seconds)
    read = detection(plate, 0, camera)
    return msgspec.structs.replace(read, captured_at=at, best_at=at, detection_id=uuid4())


def meetings(database: Database, lead: Passes, mate: Passes) -> int:
    database.client(OWNER).command("TRUNCATE TABLE platestream.detections")
    database.put(
        tables.DETECTIONS,
        *(seen("LEAD123", *one) for one in lead),
        *(seen("MATE456", *one) for one in mate),
    )
    found = gate.search(database.client(ANALYST), "companions", pattern="LEAD123", **WHY)
    return sum(row["meetings"] for row in found)


def test_one_pass_that_is_met_twice_is_one_meeting(database: Database) -> None:
    assert meetings(database, [("north", 0), ("north", 40)], [("north", 20)]) == 0, "two are needed"
    assert meetings(database, [("north", 20)], [("north", 0), ("north", 40)]) == 0


def test_two_passes_of_each_are_two_meetings(database: Database) -> None:
    lead, mate = [("north", 0), ("south", 600)], [("north", 20), ("south", 640), ("south", 655)]
    assert meetings(database, lead, mate) == 2


def pairs(lead: Passes, mate: Passes) -> int:
    """As many meetings as there can be: pairs of passes within a minute at a camera, no pass twice."""
    met = [
        (one, other) for one in lead for other in mate if one[0] == other[0] and abs(one[1] - other[1]) <= 60
    ]
    for size in range(min(len(lead), len(mate)), 0, -1):
        for ones in combinations(lead, size):
            if any(
                all(p in met for p in zip(ones, others, strict=True)) for others in permutations(mate, size)
            ):
                return size
    return 0


passes = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.integers(0, 400)), max_size=4, unique=True
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(passes, passes)
def test_no_more_meetings_than_pairs_of_passes(database: Database, lead: Passes, mate: Passes) -> None:
    assert meetings(database, lead, mate) <= pairs(lead, mate)
