"""Searches by the description of a vehicle: the database compares it, before it counts vehicles."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from platestream.access import gate, inquire
from platestream.edges.clickhouse_client import ANALYST
from platestream.inquiries.search import Description, SearchRequest
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.fields import COARSE_TYPES, Vehicle
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.flows import READ

WORDS = {
    "colour": ("", "gray", "Dark Gray", "red"),
    "make": ("", "Ford", "Toyota"),
    "body": ("", "car", "sedan", "pickup", "minivan", "van"),
    "state": ("", "AZ", "NM"),
    "direction": ("", "northbound", "south"),
}
WANTED = {
    "colour": ("", "gray", "RED", "r"),
    "make": ("", "ford", "toy"),
    "body": ("", "Car", "sedan", "pick", "van"),
    "state": ("", "az"),
    "direction": ("", "north", "southbound"),
}
Seen = dict[str, str]


def detection(seen: Seen, number: int, minutes: int = 5) -> Detection:
    other = {"direction": seen["direction"]} if seen["direction"] else {}
    vehicle = Vehicle(
        colour=seen["colour"] or None, make=seen["make"] or None, body=seen["body"] or None, other=other
    )
    return msgspec.structs.replace(
        READ,
        detection_id=uuid4(),
        plate=f"D{number:04d}",
        state=seen["state"] or None,
        vehicle=vehicle,
        captured_at=NOW - timedelta(minutes=minutes),
        best_at=NOW - timedelta(minutes=minutes),
    )


@dataclass(frozen=True)
class Street:
    """A database in which so many vehicles passed, by the id of the pass."""

    database: Database
    passed: dict[UUID, Seen]

    def find(
        self, wanted: Description, *, untold: bool = False, kind: str = "search"
    ) -> tuple[set[UUID], int]:
        """Ids of the passes found, and the number left out."""
        described = SearchRequest("search", wanted=wanted, untold=untold).described
        inquiry = self.database.ask(
            kind=kind,
            pattern="D0*",
            other=described,
            cameras=[READ.camera_id],
            since=NOW - timedelta(hours=1),
            vehicles=10_000,
        )
        client = self.database.client(ANALYST)
        rows = gate.read_again(client, kind, inquiry)
        return {row["detection_id"] for row in rows}, gate.left_out(client, kind, inquiry)


@pytest.fixture(scope="module")
def street(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    every = [dict(zip(WORDS, words, strict=True)) for words in product(*WORDS.values())]
    seen = random.Random(1).sample(every, 300)
    with copied(migrated, tmp_path_factory.mktemp("street")) as database:
        passes = [detection(one, number) for number, one in enumerate(seen)]
        database.put(tables.DETECTIONS, *passes)
        yield Street(database, {one.detection_id: of for one, of in zip(passes, seen, strict=True)})


def judge(seen: Seen, wanted: Description) -> bool | None:
    """Compare a pass with a description; None where nothing differs but something is unknown."""
    sure = True
    for field in fields(Description):
        want, have = getattr(wanted, field.name).casefold(), seen[field.name].casefold()
        if not want:
            continue
        if not have or want in COARSE_TYPES.get(have, ()):
            sure = False
        elif want not in have:
            return False
    return True if sure else None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(Description, **{name: st.sampled_from(words) for name, words in WANTED.items()}), st.booleans()
)
@example(Description(), True)
@example(Description(body="sedan"), False)
@example(Description(body="car", direction="north"), False)
@pytest.mark.nightly
def test_what_fits_is_found_and_what_is_unknown_is_counted(
    street: Street, wanted: Description, untold: bool
) -> None:
    judged = {one: judge(seen, wanted) for one, seen in street.passed.items()}
    unknown = {one for one, fits in judged.items() if fits is None}
    sure = {one for one, fits in judged.items() if fits}
    for kind in ("search", "sightings"):
        found, left_out = street.find(wanted, untold=untold, kind=kind)
        assert found == (sure | unknown if untold else sure)
        assert left_out == (0 if untold else len(unknown))


def test_similar_plates_are_filtered_and_counted_by_the_same_description(street: Street) -> None:
    one, seen = next((one, seen) for one, seen in street.passed.items() if seen["colour"] == "red")
    plate = street.database.value(
        "SELECT plate FROM platestream.detections WHERE detection_id = {one:UUID}", one=one
    )
    client = street.database.client(ANALYST)
    found: dict[str, set[UUID]] = {}
    for described in ("", "colour=red", "colour=gray"):
        inquiry = street.database.ask(kind="fuzzy", pattern=plate, other=described, vehicles=10_000)
        found[described] = {row["detection_id"] for row in gate.read_again(client, "fuzzy", inquiry)}
        unknown = {near for near in found[""] if not street.passed[near]["colour"]}
        assert gate.left_out(client, "fuzzy", inquiry) == (len(unknown) if described else 0)
    assert one in found["colour=red"] < found[""]
    assert found["colour=gray"] == {
        near for near in found[""] if "gray" in street.passed[near]["colour"].lower()
    }
    assert seen["colour"] == "red"


def test_the_limit_counts_vehicles_that_fit(database: Database) -> None:
    """The failing case of before: the filter saw the fifty newest vehicles only."""
    plain = dict.fromkeys(WORDS, "")
    newer = [detection({**plain, "colour": "red"}, number, minutes=5) for number in range(60)]
    white = detection({**plain, "colour": "white"}, 99, minutes=60)
    database.put(tables.DETECTIONS, *newer, white)
    inquiry = database.ask(pattern="D0*", other="colour=white")
    (row,) = gate.read_again(database.client(ANALYST), "search", inquiry)
    assert (row["detection_id"], row["cut"]) == (white.detection_id, False)
    logged = database.logged(inquiry)
    assert (logged["other"], logged["vehicles"]) == ("colour=white", 50)
    many = gate.read_again(
        database.client(ANALYST), "search", database.ask(pattern="D0*", other="colour=red")
    )
    assert (len(many), many[0]["cut"]) == (50, True)


def test_nobody_counts_what_their_own_inquiry_did_not_ask_for(database: Database) -> None:
    database.put(tables.DETECTIONS, detection(dict.fromkeys(WORDS, ""), 1))
    client = database.client(ANALYST)
    refused = database.ask(reason="", other="colour=red")
    asked: list[tuple[str, Any]] = [
        ("search", uuid4()),
        ("search", refused),
        ("fuzzy", database.ask(other="make=ford")),
    ]
    for kind, inquiry in asked:
        with pytest.raises(inquire.RefusedInquiry):
            gate.left_out(client, kind, inquiry)
    assert gate.left_out(client, "search", database.ask(pattern="D0*", other="make=ford")) == 1
