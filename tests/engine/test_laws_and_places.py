"""Cameras in sensitive places, and how long data is retained, by the laws of states."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platestream.access import registry as registering
from platestream.access import rules_in_force
from platestream.access.profiles import load
from platestream.operations.up import live_access
from platestream.policy.laws import law_of
from platestream.schemas import tables
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import HOUR, read
from tests.support.clock import NOW
from tests.support.door import door_of
from tests.support.station import Station

pytestmark = pytest.mark.slow

SCHOOL: dict[str, Any] = {"latitude": 47.6, "longitude": -122.3, "radius_m": 150.0}

METRE = 1 / 111_195


def camera(metres: float, **more: Any) -> RegistryRecord:
    """So many metres north of the school's edge."""
    north = SCHOOL["latitude"] + (SCHOOL["radius_m"] + metres) * METRE
    return RegistryRecord(kind="camera", id="cam", name="Main St", latitude=north, longitude=-122.3, **more)


def test_no_camera_is_registered_in_a_sensitive_place_or_moved_into_it(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    door = made.door()
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    registering.put(door, place, NOW)
    registering.put(door, camera(5), NOW)
    made.put(camera(5))
    assert made.verdict("places") == ("held", "")
    for moved in (camera(-5), camera(-5, moves=True), camera(-100)):
        with pytest.raises(RefusedError, match=r"Lincoln \(school\): no camera may"):
            registering.put(door, moved, NOW)
    refused = made.database.rows(
        "SELECT refusal FROM platestream.inquiry_log WHERE kind = 'registry_camera' AND outcome = 'refused'"
    )
    assert len(refused) == 3
    made.put(camera(-5))
    assert made.verdict("places") == ("not_held", "cameras registered inside: cam in lincoln")


def test_a_camera_that_was_there_first_and_one_that_was_carried_in_are_found(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    made.put(camera(-5))
    assert made.verdict("places")[0] == "not_checked", "where the places are is not known"
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    assert registering.cameras_in(made.door(), registering.put(made.door(), place, NOW)) == ["cam"]
    assert made.verdict("places") == ("not_held", "cameras registered inside: cam in lincoln")
    with pytest.raises(RefusedError, match="no camera may"):
        live_access.log_viewing(made.door(), "cam", reason="A new lens")
    made.put(camera(5))
    assert made.verdict("places")[0] == "held"
    refused = DeploymentFinding.of("van", "sensitive_place", NOW - HOUR, "lincoln")
    made.database.put(tables.DEPLOYMENT_FINDINGS, refused)
    result = made.said("places")["places"]
    assert (result.outcome, "refused unread: van in lincoln" in result.figure) == ("held", True)
    inside = camera(-5)
    made.database.put(
        tables.DETECTIONS, read(HOUR, "cam", latitude=inside.latitude, longitude=inside.longitude)
    )
    assert made.verdict("places") == ("not_held", "pictures were taken inside: cam in lincoln")
    swapped = RegistryRecord(
        kind="place", id="swap", name="Swap", place="court", latitude=-22.3, longitude=47.6, radius_m=9.0
    )
    made.put(swapped)
    assert "north and east were swapped: swap" in made.verdict("places")[1]


def test_where_no_law_names_places_a_camera_may_stand_in_one(under: Callable[[str], Station]) -> None:
    made = under("oregon")
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    registering.put(made.door(), place, NOW)
    registering.put(made.door(), camera(-5), NOW)


def test_a_retention_that_is_longer_than_the_laws_turns_the_verdict(
    under: Callable[[str], Station], tmp_path: Path
) -> None:
    made = under("virginia")
    assert made.verdict("span") == ("held", "")
    longer = tmp_path / "own.toml"
    text = (Path(__file__).parents[2] / "platestream/access/profiles/virginia.toml").read_text()
    longer.write_text(text.replace('data = "21 days"', 'data = "22 days"'))
    own = load(str(longer))
    outcome, said = made.verdict("span", profile=own, profile_name=str(longer))
    assert (outcome, said) == ("not_held", "the profile keeps data 22 days, the law allows 21 days")
    rules_in_force.put_in_force(
        door_of(made.database, "chief", data=made.data), "st-johns", "Chief of Police"
    )
    assert made.verdict("span") == (
        "not_held",
        "the rules in force keep data 30 days, the law allows 21 days",
    )
    assert made.verdict("trail_two_years")[0] == "not_checked", "purged after two years is only reported"


def law(made: Station) -> Any:
    found = law_of(made.profile)
    assert found is not None
    return found
