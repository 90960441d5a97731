"""`platestream registry` on the embedded edge, in one process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typer.testing import CliRunner

from platestream.access import gate
from platestream.access.effects import Bulk
from platestream.access.inquire import RefusedInquiry
from platestream.access.rules_reader import in_force_row
from platestream.cli.main import app
from platestream.edges.clickhouse_client import ANALYST
from platestream.operations.up.status import PLAN, StartPlan
from platestream.schemas import topics
from platestream.schemas.acts import ROLES
from platestream.schemas.message import Message
from platestream.settings import load_settings
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import signed_in_as
from tests.support.stored_topics import stored_topics

TODAY = NOW.astimezone(ZoneInfo("America/Phoenix")).date()
TRAINED = f"{TODAY - timedelta(days=30)}"
PLACE = ("--latitude", "34.5", "--longitude", "-109.4")
CHIEF = ("--title", "Cmdr. Ortiz", "--agency", "sjpd")
Run = Callable[..., str]


@pytest.fixture
def registry(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`platestream registry …`, run by Ortiz unless `by` says who, on the test's database and topics."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))

    def run(*words: str, by: str = "ortiz", code: int = 0) -> str:
        signed_in_as(monkeypatch, by)
        if words[0] == "user":
            words = (*words, "--employee-number", f"E-{words[1]}")
        done = CliRunner().invoke(app, ["registry", *words])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output + str(done.exception or "")

    return run


CAMERAS = """
[cameras.north]
kind = "folder"
path = "."
latitude = 34.5
longitude = -109.4

[cameras.south]
kind = "folder"
path = "."
latitude = 34.51
longitude = -109.4
"""


@pytest.fixture
def founded(registry: Run) -> Run:
    """The same where this agency and Ortiz, its administrator, are registered."""
    registry("agency", "sjpd", "--title", "St. Johns PD", "--own")
    registry("user", "ortiz", *CHIEF, "--role", "administrator", "--trained", TRAINED)
    return registry


def log(database: Database, columns: str = "kind, who, other, outcome", **asked: Any) -> list[Any]:
    return database.rows(f"SELECT {columns} FROM platestream.inquiry_log ORDER BY at", **asked)


def user(database: Database, name: str) -> Any:
    """Role, day of training, and who changed it."""
    sql = (
        "SELECT role, if(trained_at = 0, '', toString(toDate(trained_at, 'America/Phoenix'))),"
        " JSONExtractString(record, 'changed_by')"
        " FROM platestream.registry FINAL WHERE kind = 'user' AND id = {name:String}"
    )
    return database.rows(sql, name=name)[0]


def test_a_registered_trained_user_may_look_at_once_and_nobody_else_from_then_on(
    founded: Run, database: Database
) -> None:
    refused = founded("user", "mlee", "--title", "M. Lee", "--agency", "nowhere", code=1)
    assert "agency nowhere is not registered" in refused
    founded("user", "mlee", "--title", "Det. M. Lee", "--agency", "sjpd", "--trained", TRAINED)
    founded("camera", "main-st-n", "--title", "Main", *PLACE)
    assert TRAINED in founded("list", "user")
    assert "main-st-n" in founded("list", "camera", "--json")

    client = database.client(ANALYST)
    assert gate.search(client, who="mlee", reason="stolen vehicle", pattern="ABC*") == []
    with pytest.raises(RefusedInquiry, match="not a registered user"):
        gate.search(client, who="jdoe", reason="stolen vehicle", pattern="ABC*")
    founded("deactivate", "user", "mlee")
    with pytest.raises(RefusedInquiry, match="access has ended"):
        gate.search(client, who="mlee", reason="stolen vehicle", pattern="ABC*")


def test_each_change_is_on_record_before_it_is_done_with_who_and_what_was_before_and_after(
    founded: Run, database: Database
) -> None:
    founded("user", "mlee", "--title", "Det. Lee", "--agency", "sjpd")
    founded("user", "mlee", "--title", "Sgt. Lee", "--agency", "sjpd", "--role", "supervisor")
    founded("deactivate", "user", "mlee")
    founded("list", "user")
    rows = log(database, "kind, who, other, outcome, change")[3:]
    assert [row[:4] for row in rows] == [
        *([("registry_user", "ortiz", "user/mlee", "allowed")] * 3),
        ("registry_show", "ortiz", "user", "allowed"),
    ]
    assert "name: - -> Det. Lee" in rows[0][4]
    assert rows[1][4] == "name: Det. Lee -> Sgt. Lee; role: officer -> supervisor"
    assert rows[2][4] == "active: yes -> no"
    assert user(database, "mlee") == ("supervisor", "", "ortiz")


def test_a_record_is_the_one_that_its_act_names_and_the_audit_flow_finds_no_breach_in_the_founding(
    founded: Run, database: Database
) -> None:
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd", "--trained", TRAINED)
    bare = """
    SELECT id FROM platestream.registry FINAL WHERE lower(hex(SHA256(record))) NOT IN (
        SELECT effect FROM platestream.inquiry_log WHERE outcome = 'allowed')
    """
    assert database.rows(bare) == []
    Agency(database, load_settings().data).follow()
    assert database.rows("SELECT rule, grade, detail FROM platestream.inquiry_findings") == []


WRONG_FIRST = [
    (("--trained", TRAINED), "an officer"),
    (("--role", "supervisor", "--role", "auditor", "--trained", TRAINED), "no administrator"),
    (("--role", "administrator"), "untrained"),
    (("--role", "administrator", "--trained", f"{TODAY + timedelta(days=2)}"), "trained in the future"),
    (("--role", "administrator", "--trained", f"{TODAY - timedelta(days=400)}"), "training has lapsed"),
]


@pytest.mark.parametrize(
    "result", [result for result, _why in WRONG_FIRST], ids=[why for _told, why in WRONG_FIRST]
)
def test_the_first_person_is_the_trained_administrator_and_any_other_is_refused_on_record(
    registry: Run, database: Database, result: tuple[str, ...]
) -> None:
    registry("agency", "sjpd", "--title", "St. Johns PD", "--own")
    assert "no ALPR administrator is in force" in registry("user", "ortiz", *CHIEF, *result, code=1)
    acts = [row for row in log(database)[1:] if row[0] != "registry_recovery_code"]
    assert acts == [("registry_user", "ortiz", "user/ortiz", "refused")]
    assert database.value("SELECT count() FROM platestream.registry WHERE kind = 'user'") == 0


def test_the_administrator_is_of_this_agency(registry: Run) -> None:
    registry("agency", "county", "--title", "County SO", "--mou-from", TRAINED)
    result = ("--title", "Ortiz", "--agency", "county", "--role", "administrator", "--trained", TRAINED)
    assert "an employee of this agency" in registry("user", "ortiz", *result, code=1)


def test_nobody_renews_their_own_training_nor_gives_themselves_a_role(
    founded: Run, database: Database
) -> None:
    refused = founded("user", "ortiz", *CHIEF, "--trained", f"{TODAY}", code=1)
    assert "nobody changes their own roles or training" in refused
    assert "nobody changes their own roles or training" in founded("deactivate", "user", "ortiz", code=1)
    assert user(database, "ortiz") == ("administrator", TRAINED, "ortiz")


def test_whose_registration_has_ended_cannot_register_themselves_again(founded: Run) -> None:
    founded(
        "user", "mlee", "--title", "Lee", "--agency", "sjpd", "--role", "administrator", "--trained", TRAINED
    )
    founded("deactivate", "user", "mlee")
    again = ("user", "mlee", "--title", "Lee", "--agency", "sjpd", "--trained", f"{TODAY}")
    assert "access has ended" in founded(*again, by="mlee", code=1)
    assert "not a registered user" in founded(*again, by="stranger", code=1)


def test_what_is_not_told_of_a_person_stays_as_it_is_on_record(founded: Run, database: Database) -> None:
    roles = ("--role", "auditor", "--role", "officer")
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd", *roles, "--trained", TRAINED)
    assert user(database, "mlee")[:2] == ("officer,auditor", TRAINED)
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd", "--trained", f"{TODAY}")
    assert user(database, "mlee")[:2] == ("officer,auditor", f"{TODAY}")
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd", "--role", "custodian")
    assert user(database, "mlee")[:2] == ("custodian", f"{TODAY}")
    founded("deactivate", "user", "mlee")
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd")
    assert user(database, "mlee")[:2] == ("officer", ""), "who comes back begins anew"


def test_roles_are_those_of_the_table_and_help_lists_them(founded: Run) -> None:
    assert "no role chief: it is one of officer, " in founded(
        "user", "mlee", *CHIEF, "--role", "chief", code=1
    )
    help_ = founded("user", "--help")
    assert all(role in help_ for role in ROLES)


def test_this_agency_is_not_ended_while_its_administrator_needs_it(founded: Run) -> None:
    assert "nobody could do anything" in founded("deactivate", "agency", "sjpd", code=1)
    assert "nobody could do anything" in founded("agency", "sjpd", "--title", "St. Johns PD", code=1)


def test_only_an_administrator_registers_and_changes_the_rules(founded: Run, database: Database) -> None:
    founded("user", "mlee", "--title", "Lee", "--agency", "sjpd", "--trained", TRAINED)
    tried = [
        ("user", "new", "--title", "New", "--agency", "sjpd"),
        ("agency", "county", "--title", "County SO"),
        ("camera", "main", "--title", "Main", *PLACE),
        ("source", "repo", "--title", "Repo"),
        ("category", "trailers", "--longest-days", "9"),
        ("rules", "--profile", "virginia", "--by", "Chief of Police"),
    ]
    for words in tried:
        assert "none of this user's roles may do this" in founded(*words, by="mlee", code=1)
    outcomes = log(database, "kind, outcome")[4:]
    assert {outcome for _kind, outcome in outcomes} == {"refused"}
    assert len(outcomes) == len(tried)
    assert database.value("SELECT argMax(profile, set_at) FROM platestream.gate_rules") == "st-johns"


def test_rules_are_changed_by_who_is_signed_in_on_the_order_of_whoever_is_named(
    founded: Run, database: Database
) -> None:
    founded("rules", "--profile", "st-johns", "--case-number", "^[0-9-]+$", code=2)
    founded("rules", "--case-number", "^[0-9-]+$", "--by", "Chief of Police")
    newest = "SELECT set_by, case_number FROM platestream.gate_rules ORDER BY set_at DESC LIMIT 1"
    assert database.rows(newest) == [("ortiz", "^[0-9-]+$")]
    (row,) = log(database, "kind, who, reason, change, effect")[3:]
    assert row[:3] == ("rules", "ortiz", "By order of Chief of Police")
    assert row[4] == in_force_row(database.client()).rules.digest
    assert row[3].startswith("inquiries.case_number: ")
    assert row[3].endswith(" -> ^[0-9-]+$")
    assert '"case_number":"^[0-9-]+$"' in founded("rules").replace(" ", "")
    assert log(database)[4:] == [("registry_show", "ortiz", "rules", "allowed")]


def test_a_source_and_a_category_of_the_hot_list_are_designated_and_withdrawn(
    founded: Run, database: Database
) -> None:
    founded("source", "repo", code=2)
    founded("source", "repo", "--title", "Repossessions of the county")
    founded("category", "stolen_trailer", code=2)
    founded("category", "stolen_trailer", "--longest-days", "90")
    assert "90" in founded("list", "hotlist_category", "--json")
    founded("source", "mvd", "--end")
    assert "is not designated" in founded("source", "other", "--end", code=1)
    founded("source", "repo", "--end")
    rows = database.rows(
        "SELECT kind, id, name, active FROM platestream.registry FINAL WHERE kind LIKE 'hotlist%' ORDER BY id"
    )
    assert rows == [
        ("hotlist_source", "mvd", "mvd", False),
        ("hotlist_source", "repo", "Repossessions of the county", False),
        ("hotlist_category", "stolen_trailer", "stolen_trailer", True),
    ]
    acts = [row for row in log(database) if row[0] in ("registry_source", "registry_category")]
    assert acts == [
        ("registry_source", "ortiz", "hotlist_source/repo", "allowed"),
        ("registry_category", "ortiz", "hotlist_category/stolen_trailer", "allowed"),
        ("registry_source", "ortiz", "hotlist_source/mvd", "allowed"),
        ("registry_source", "ortiz", "hotlist_source/other", "refused"),
        ("registry_source", "ortiz", "hotlist_source/repo", "allowed"),
    ]


def test_days_and_times_are_those_of_the_agency_s_time_zone(founded: Run, database: Database) -> None:
    founded(
        *("incident", "26-1", "--title", "Truck recovered", "--outcome", "recovery"),
        *("--at", "2026-11-24T15:30", "--camera", "main"),
    )
    at = database.value(
        "SELECT JSONExtractString(record, 'since') FROM platestream.registry WHERE id = '26-1'"
    )
    assert datetime.fromisoformat(at) == datetime(2026, 11, 24, 22, 30, tzinfo=UTC), (
        "Phoenix is seven hours behind"
    )
    assert "`until` is before `since`" in founded(
        *("detail", "op", "--title", "Op", "--camera", "a", "--since", "2026-11-24", "--until", "2026-11-23"),
        code=2,
    )


def test_deployments_their_approval_and_what_came_of_them_are_on_record(
    founded: Run, database: Database
) -> None:
    founded("user", "sgt", "--title", "Sgt", "--agency", "sjpd", "--role", "supervisor", "--trained", TRAINED)
    assert "is not approved yet" in founded("camera", "main", "--title", "Main St", *PLACE)
    assert "not approved" in founded("release", "main", by="sgt", code=1)
    streams = stored_topics(load_settings().data)
    kept = Message(b"main", b"jpeg", {"camera-id": "main", "captured-at": "2026-11-24T08:00:00Z",
                                      "latitude": "34.5", "longitude": "-109.4"})  # fmt: skip
    streams.append(topics.FRAMES_QUARANTINE, [kept, msgspec.structs.replace(kept, key=b"other")])
    founded(
        "camera", "main", "--title", "Main St", *PLACE, "--approved-by", "Chief", "--results", "two stops"
    )
    assert "1 frames" in founded("release", "main", by="sgt")
    assert [message.value for message in streams.read_to_end(topics.FRAMES)] == [b"jpeg"]
    released = [row for row in log(database) if row[0] == "quarantine_release"]
    assert released == [
        ("quarantine_release", "sgt", "camera/main", "refused"),
        ("quarantine_release", "sgt", "camera/main", "allowed"),
    ]
    effects = database.rows("SELECT effect FROM platestream.inquiry_log WHERE kind = 'quarantine_release'")
    assert (Bulk.of(streams.read_to_end(topics.FRAMES)).effect,) in effects

    times = ("--since", "2026-11-24", "--until", "2026-11-26")
    unapproved = founded("detail", "op-1", "--title", "Operation", "--camera", "trailer", *times)
    assert "op-1 is not approved" in unapproved
    founded(
        *("incident", "26-1", "--title", "Truck recovered", "--outcome", "recovery"),
        *("--at", "2026-11-24T15:30", "--camera", "main", "--case", "26-1"),
    )
    assert "recovery 26-1" in founded("list", "incident")
    rows = database.rows(
        "SELECT kind, id, approved_by, cameras, outcome, results FROM platestream.deployments ORDER BY id"
    )
    assert rows == [
        ("incident", "26-1", "", ["main"], "recovery", ""),
        ("camera", "main", "Chief", [], "", "two stops"),
        ("detail", "op-1", "", ["trailer"], "", ""),
    ]


def test_a_roster_and_training_material_are_recorded_and_listed(
    founded: Run, tmp_path: Path, database: Database
) -> None:
    text, rows = tmp_path / "training.pdf", tmp_path / "2026-W48.csv"
    text.write_bytes(b"How to use it")
    said = ("--title", "ALPR training", "--version", "3", "--file", str(text), "--approved-by", "Chief")
    assert "material/alpr-3" in founded("material", "alpr-3", *said, "--approved", TRAINED)
    assert "names a material" in founded("user", "roe", *CHIEF, "--trained", TRAINED, code=1)
    founded("user", "roe", *CHIEF, "--trained", TRAINED, "--material", "alpr-3", "--sworn")
    rows.write_text(
        f"user,since,until,absent\nroe,{TODAY}T06:00,{TODAY}T18:00,\nroe,{TODAY}T12:00,{TODAY}T18:00,sick\n"
    )
    assert "roster/2026-W48: 2 times recorded" in founded("roster", str(rows))
    (listed,) = founded("list", "roster", "--json").splitlines()
    assert '"absent":"sick"' in listed.replace(": ", ":")
    assert f"{TODAY}T13:00" in listed, "six o'clock in Arizona"
    assert (
        database.value("SELECT count() FROM platestream.registry WHERE kind IN ('roster', 'material')") == 2
    )


def test_a_first_camera_names_those_that_stop_and_one_command_approves_all(
    founded: Run, tmp_path: Path
) -> None:
    config = tmp_path / "cameras.toml"
    config.write_text(CAMERAS)
    folder = tmp_path / "data" / "up"
    folder.mkdir(parents=True)
    (folder / PLAN).write_bytes(msgspec.json.encode(StartPlan((), cameras=str(config))))
    said = founded("camera", "north", "--title", "Main St", *PLACE, "--approved-by", "Chief")
    assert "from now on: camera south: its frames are not read, because the camera is not registered" in said
    assert "the approval has no date, and so is not on record" in said
    said = founded("cameras", "--approved-by", "Chief Yazzie")
    assert "south: approved at 34.51, -109.4" in said
    assert "1 of 2 cameras are registered and approved now" in said
    assert "0 of 2" in founded("cameras", "--approved-by", "Chief Yazzie")


def test_cameras_of_a_file_are_approved_before_anything_runs(founded: Run, tmp_path: Path) -> None:
    assert "no gateway runs here" in founded("cameras", "--approved-by", "Chief Yazzie", code=2)
    config = tmp_path / "other.toml"
    config.write_text(CAMERAS)
    said = founded("cameras", "--approved-by", "Chief", "--approved", "2026-01-15", "--config", str(config))
    assert "2 of 2 cameras are registered and approved now" in said
