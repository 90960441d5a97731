"""Other agencies' profiles from frame to deletion: what is taken in, shown, refused, kept and deleted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from platestream.access import gate, gate_rules, inquire, rules_in_force, rules_reader
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.profiles import load
from platestream.cli.main import app
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import ANALYST, AUDITOR
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.flows import recognize_flow
from platestream.operators.decode import Bounds
from platestream.retention import service as retention
from platestream.schemas import tables, topics
from platestream.schemas.message import Message
from platestream.schemas.profile import Profile, ProfileError
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of
from tests.support.flows import ScriptedReader, jpeg, run

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
YOUNG, MIDDLE, OLD, OLDEST = 2, 22, 100, 151
PLATE = {YOUNG: "YNG0001", MIDDLE: "MDL0001", OLD: "LDR0001", OLDEST: "LST0001"}
KEPT = {"virginia": [YOUNG], "st-johns": [YOUNG, MIDDLE], "new-jersey": [YOUNG, MIDDLE, OLD]}
PURPOSE = {"virginia": "missing or endangered person"}


@dataclass(frozen=True)
class Agency:
    """An agency with its own profile in force, over whose cameras four vehicles of four ages came."""

    name: str
    database: Database
    data: Path
    profile: Profile

    def find(self, **more: Any) -> set[str]:
        asked = {"who": "smith", "case_number": "26-001", "purpose": PURPOSE.get(self.name, "")}
        rows = gate.search(self.database.client(ANALYST), pattern="*0001", **{**asked, **more})
        return {row["plate"] for row in rows}


def clock(database: Database, data: Path | None = None) -> Door:
    """The door of the retention job that runs by the clock, and that Vale started."""
    return retention.start_scheduled(door_of(database, data=data))


def frame(age: int) -> Message:
    at = NOW - age * DAY
    fields = {"camera-id": "cam", "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Message(b"cam", jpeg(list(PLATE).index(age) + 1), fields, at)


@pytest.fixture(scope="module", params=sorted(KEPT))
def agency(
    request: pytest.FixtureRequest, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Agency]:
    folder, profile = tmp_path_factory.mktemp("agency"), load(request.param)
    with copied(migrated, folder) as database:
        rules_in_force.put_in_force(door_of(database), request.param, "Chief of Police")
        streams = FileTopics(folder / "data", follow=False)
        streams.append(topics.FRAMES, [frame(age) for age in PLATE])
        edge = Edge(streams, ClickHouseTables(database.dsn, follow=False))
        reader = ScriptedReader({number + 1: [plate] for number, plate in enumerate(PLATE.values())})
        run(recognize_flow.build(edge, reader, bounds=Bounds(age=profile.retention.span)))
        yield Agency(request.param, database, folder / "data", profile)


def test_frames_are_taken_in_while_data_is_kept_and_refused_from_then_on(agency: Agency) -> None:
    streams = FileTopics(agency.data, follow=False)
    refused = [topics.DEAD_LETTERS.decode(one).reason for one in streams.messages(topics.DEAD_LETTERS)]
    assert refused == ["expired"] * (len(PLATE) - len(KEPT[agency.name]))
    stored = {plate for (plate,) in agency.database.rows("SELECT plate FROM platestream.detections")}
    assert stored == {PLATE[age] for age in KEPT[agency.name]}


def test_looks_reach_as_far_back_as_data_is_kept_and_no_further(agency: Agency) -> None:
    kept = {PLATE[age] for age in KEPT[agency.name]}
    assert agency.find() == kept
    beyond = NOW - agency.profile.retention.span - timedelta(hours=1)
    agency.database.client().command(
        "INSERT INTO platestream.detections (detection_id, captured_at, plate)"
        " SELECT generateUUIDv4(), {at:DateTime64(3, 'UTC')}, 'GNE0001'",
        parameters={"at": beyond},
    )
    gone = "SELECT count() FROM platestream.detections WHERE plate = 'GNE0001'"
    assert agency.database.value(gone) == 1, "only the retention job deletes"
    assert agency.find(since=NOW - 200 * DAY) == kept


def test_every_table_topic_and_receipt_keeps_what_the_profile_says(agency: Agency) -> None:
    period = agency.profile.retention.span
    assert rules_in_force.expiring(agency.database.client(AUDITOR)) == []
    assert all(
        topic.keep is None or topic.keep <= period for topic in topics.topics_for_retention(period)[:2]
    )
    door = clock(agency.database, agency.data)
    assert door.rules.profile.retention.span == period
    later = NOW + period - 4 * DAY
    entry = retention.run(door, door.rules.profile.retention.span, later)
    result = json.loads(entry.record)
    assert result["period_s"] == period.total_seconds()
    left = {plate for (plate,) in agency.database.rows("SELECT plate FROM platestream.detections")}
    assert left == {PLATE[YOUNG]}, "two days before the youngest is as old"


def test_what_is_put_in_force_twice_changes_nothing_the_second_time(agency: Agency) -> None:
    assert rules_in_force.put_in_force(door_of(agency.database), agency.name, "Chief of Police") == []


@pytest.mark.parametrize(
    ("name", "fields", "refused"),
    [
        ("virginia", {"state": "VA"}, None),
        ("virginia", {"state": "MD"}, "an agency of another state"),
        ("virginia", {"state": "US"}, "an agency of another state"),
        ("new-jersey", {"declared_at": NOW - DAY}, None),
        ("new-jersey", {}, "no written declaration"),
        ("st-johns", {"state": "NM"}, None),
    ],
)
def test_the_gate_demands_of_other_agencies_what_the_profile_demands(
    database: Database, name: str, fields: dict[str, Any], refused: str | None
) -> None:
    rules_in_force.put_in_force(door_of(database), name, "Chief of Police")
    other = RegistryRecord(kind="agency", id="other", name="Other", mou_from=NOW - DAY, **fields)
    own = RegistryRecord(kind="agency", id="own", name="Own", own=True)
    people = [
        RegistryRecord(kind="user", id=who, name=who, agency=who, trained_at=NOW - DAY)
        for who in ("own", "other")
    ]
    database.put(tables.REGISTRY, other, own, *people)
    asked: dict[str, Any] = {"case_number": "26-001", "purpose": PURPOSE.get(name, ""), "pattern": "ABC*"}
    client = database.client(ANALYST)
    assert gate.search(client, who="own", **asked) == []
    if refused is None:
        assert gate.search(client, who="other", **asked) == []
    else:
        with pytest.raises(RefusedInquiry, match=refused):
            gate.search(client, who="other", **asked)


def test_purposes_that_a_profile_lists_are_the_only_ones(database: Database) -> None:
    rules_in_force.put_in_force(door_of(database), "virginia", "Chief of Police")
    client = database.client(ANALYST)
    with pytest.raises(RefusedInquiry, match="none of those that the agency allows"):
        gate.search(client, who="smith", case_number="26-001", pattern="ABC*")
    with pytest.raises(RefusedInquiry, match="a prohibited purpose"):
        gate.search(client, who="smith", reason="Protest on Main St", purpose=PURPOSE["virginia"])


def test_the_default_rules_are_those_of_the_orders_profile(database: Database) -> None:
    changed = rules_in_force.put_in_force(door_of(database), "st-johns", "Chief of Police")
    assert changed == ["sign_in.second_factor: nobody -> everybody"], "tests begin with passwords alone"


def as_migrated(database: Database) -> None:
    """Tables of which `platestream migrate` has not put the rules in force yet: a row with columns only."""
    sql = "ALTER TABLE platestream.gate_rules UPDATE rules = '' WHERE 1"
    database.client().command(sql, settings={"mutations_sync": 2})


def test_a_service_that_acts_before_the_first_rules_are_in_force_leaves_them_those_of_the_profile(
    database: Database,
) -> None:
    as_migrated(database)
    by_itself: inquire.ActorDocumentation = {"who": "console", "automatic": True, "set_off_by": "root"}
    inquire.write(database.client(), uuid4(), "account_sign_in", by_itself, {})
    assert (
        database.value("SELECT countIf(automatic AND outcome = 'allowed') FROM platestream.inquiry_log") == 1
    )
    rules_in_force.upgrade(database.client(), "virginia")
    rules = rules_reader.in_force(database.client())
    assert (rules.name, rules.profile) == ("virginia", load("virginia"))


def test_a_row_of_columns_that_is_adopted_says_a_year_where_its_profile_does(database: Database) -> None:
    as_migrated(database)
    changed = "ALTER TABLE platestream.gate_rules UPDATE reason_letters = reason_letters + 1 WHERE 1"
    database.client().command(changed, settings={"mutations_sync": 2})
    database.ask()
    rules_in_force.upgrade(database.client(), "virginia")
    rules = rules_reader.in_force(database.client())
    ours = load("st-johns")
    assert (rules.name, rules.profile.training) == ("st-johns", ours.training)
    assert rules.profile.inquiries.reason_letters == ours.inquiries.reason_letters + 1
    (difference,) = rules.contradictions(ours)
    assert "reason_letters" in difference


def test_a_profile_is_put_in_force_by_whoever_is_named_and_a_wrong_one_is_refused_with_its_line(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    result = ["registry", "rules", "--profile", "virginia"]
    assert CliRunner().invoke(app, result).exit_code == 2, "without --by"
    assert CliRunner().invoke(app, [*result, "--by", "Chief"]).exit_code == 0
    assert gate_rules.in_force(database.client()).retention == 21 * DAY
    wrong = tmp_path / "own.toml"
    wrong.write_text("[agency]\nname = 7\n")
    refused = CliRunner().invoke(app, ["registry", "rules", "--profile", str(wrong), "--by", "Chief"])
    assert isinstance(refused.exception, ProfileError)
    assert "own.toml, line 2: agency.name" in str(refused.exception)


def test_a_day_that_was_dropped_does_not_come_back_when_its_frames_are_read_again(
    database: Database, tmp_path: Path
) -> None:
    profile = load("st-johns")
    streams = FileTopics(tmp_path / "data", follow=False)
    streams.append(topics.FRAMES, [frame(MIDDLE)])
    reader = ScriptedReader({number + 1: [plate] for number, plate in enumerate(PLATE.values())})
    bounds = Bounds(age=profile.retention.span)

    def read_all(now: datetime) -> int:
        edge = Edge(streams, ClickHouseTables(database.dsn, follow=False))
        run(recognize_flow.build(edge, reader, now=lambda: now, bounds=bounds))
        return int(database.value("SELECT uniqExact(detection_id) FROM platestream.detections"))

    assert read_all(NOW) == 1
    later = NOW + (31 - MIDDLE) * DAY
    door = clock(database, tmp_path / "elsewhere")
    assert door.rules.profile.retention.span == profile.retention.span
    retention.run(door, profile.retention.span, later)
    assert database.value("SELECT count() FROM platestream.detections") == 0
    assert read_all(later) == 0, "a lost recovery store: everything is read again"
    assert database.value("SELECT count() FROM platestream.images") == 0
    assert [topics.DEAD_LETTERS.decode(one).reason for one in streams.messages(topics.DEAD_LETTERS)] == [
        "expired"
    ]
