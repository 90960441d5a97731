"""Attempts to change the rules in force other than by an act that names their hash (issue 27, row 3)."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from docs.generators.catalogue import example
from platestream.access import rules_in_force as in_force
from platestream.access.gate import THROWN
from platestream.access.rules_reader import RulesError
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    DOOR,
    INGEST,
    OWNER,
    RETENTION,
    SEALER,
    SUPERVISOR,
)
from platestream.policy.checks import registry_acts
from platestream.policy.checks import retention as keeping
from platestream.policy.checks.context import CheckData
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.gate_rules import AgencyRules
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed

DAY = timedelta(days=1)

WAIT = {"mutations_sync": 2}

READ = Detection.from_json(bytes(example("detection").accepted))

ST_JOHNS = (files("platestream.access.profiles") / "st-johns.toml").read_text("utf-8")


@pytest.fixture
def agency(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An agency with an administrator and an officer, and one read of ten days ago."""
    staffed(database, person("chief"), person("smith", "officer"))
    at = NOW - 10 * DAY
    old = msgspec.structs.replace(READ, detection_id=uuid4(), captured_at=at, best_at=at)
    database.put(tables.DETECTIONS, old)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))
    return database


def profile(folder: Path, name: str = "short.toml", **changed: str) -> Path:
    """Write the agency's profile with other values, each `old=new` as text of the file."""
    text = ST_JOHNS
    for old, new in (changed or {"30 days": "3 minutes"}).items():
        assert old in text
        text = text.replace(old, new)
    made = folder / name
    made.write_text(text)
    return made


PEOPLE = [DOOR, ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, DASHBOARD]


@pytest.mark.parametrize("role", [RETENTION, INGEST, SEALER, *PEOPLE])
def test_no_account_that_reads_the_rules_writes_them(agency: Database, role: str) -> None:
    client = agency.client(role)
    assert client.query("SELECT count() FROM platestream.rules_in_force").result_rows == [(1,)]
    with pytest.raises(DatabaseError) as refusal:
        client.command("INSERT INTO platestream.gate_rules (set_by, retention_s) VALUES ('migration', 180)")
    assert refusal.value.code == ACCESS_DENIED


def other_rules(database: Database, **changed: Any) -> AgencyRules:
    rules = door_of(database).rules
    shorter = msgspec.structs.replace(rules.profile.retention, data="21 days")
    profile = msgspec.structs.replace(rules.profile, retention=shorter)
    return msgspec.structs.replace(rules, profile=profile, **changed)


def act(database: Database, effect: str, kind: str = "rules", who: str = "chief") -> UUID:
    """Enter an act by SQL, as an account that speaks for people can."""
    return database.ask(DOOR, kind=kind, on_behalf_of=who, pattern="", other="x", effect=effect)


def is_refused(database: Database, inquiry: UUID, *texts: str, **settings: Any) -> bool:
    """Return whether the view itself refuses it, and not a mistake of the test."""
    with pytest.raises(DatabaseError) as refusal:
        append(database, inquiry, *texts, **settings)
    return bool(refusal.value.code == THROWN)


def append(database: Database, inquiry: UUID, *texts: str, **settings: Any) -> None:
    rows = [[inquiry, text] for text in texts]
    database.client(DOOR).insert(
        "platestream.rules_append", rows, column_names=["act", "rules"], settings=settings
    )


def test_03_rules_are_written_by_one_allowed_act_that_names_their_hash_and_by_nothing_else(
    agency: Database,
) -> None:
    rules, before = other_rules(agency), door_of(agency).rules
    own = rules.digest
    edited = rules.text.replace('"reason_letters":5', '"reason_letters":0')
    assert edited != rules.text
    once = act(agency, own)
    for inquiry, *texts in (
        (uuid4(), rules.text),
        (act(agency, ""), rules.text),
        (act(agency, own, "registry_camera"), rules.text),
        (act(agency, own, who="smith"), rules.text),
        (once, edited),
        (once, rules.text + " "),
        (once, rules.text, rules.text),
    ):
        assert is_refused(agency, inquiry, *texts)
    small = {"max_insert_block_size": 1, "min_insert_block_size_rows": 1}
    assert is_refused(agency, once, edited, rules.text, **small)
    assert door_of(agency).rules == before
    append(agency, once, rules.text)
    assert door_of(agency).rules == rules
    assert agency.value("SELECT argMax(set_by, set_at) FROM platestream.gate_rules") == "chief"
    assert is_refused(agency, once, rules.text), "once"
    assert registry_acts.rules_logged(CheckData.of(door_of(agency, "chief"), NOW)).faults == ()


def test_03_an_older_act_does_not_bring_its_rules_back(agency: Database) -> None:
    chief, rules = door_of(agency, "chief"), other_rules(agency)
    left_over = act(agency, rules.digest)
    in_force.put_in_force(chief, "virginia", "Chief of Police")
    assert is_refused(agency, left_over, rules.text)


def test_03_columns_that_contradict_the_profile_in_their_text_are_used_by_nobody_and_not_held(
    agency: Database,
) -> None:
    text = other_rules(agency).text.replace('"training_days":365', '"training_days":36500')
    append(agency, act(agency, sha256(text.encode()).hexdigest()), text)
    chief = door_of(agency, "chief")
    with pytest.raises(RulesError, match="contradict themselves"):
        _ = chief.rules
    assert "training_days" in "; ".join(keeping.rules(CheckData.of(chief, NOW)).faults)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "ALTER TABLE platestream.gate_rules UPDATE {old} WHERE profile = 'virginia'",
            "no act holds the hash",
        ),
        (
            "ALTER TABLE platestream.gate_rules DELETE WHERE profile = 'virginia'",
            "rules that an act put in force are not there",
        ),
        (
            "INSERT INTO platestream.gate_rules SELECT * REPLACE (now64(6) AS set_at)"
            " FROM platestream.gate_rules WHERE set_by = 'chief' ORDER BY set_at LIMIT 1",
            "set without an act on record",
        ),
    ],
)
def test_03_what_the_owner_does_behind_the_acts_is_not_held(agency: Database, sql: str, said: str) -> None:
    """With rules that once were in force by an act, so that their hash is on record."""
    chief = door_of(agency, "chief")
    in_force.put(chief, other_rules(agency), "Chief of Police")
    old = agency.value("SELECT argMax(rules, set_at) FROM platestream.gate_rules")
    in_force.put_in_force(chief, "virginia", "Chief of Police")
    assert registry_acts.rules_logged(CheckData.of(chief, NOW)).faults == ()
    result = {"old": old} if "{old}" in sql else {}
    agency.client(OWNER).command(
        sql.format(old="rules = {old:String}"), parameters=result, settings={"mutations_sync": 2}
    )
    assert said in "; ".join(registry_acts.rules_logged(CheckData.of(chief, datetime.now(UTC) + DAY)).faults)


def test_03_rules_of_the_release_before_go_on_and_are_changed_by_an_act(agency: Database) -> None:
    """The texts of that release have neither columns nor files."""
    chief = door_of(agency, "chief")
    in_force.put_in_force(chief, "virginia", "Chief of Police")
    whole = msgspec.json.decode(chief.rules.text)
    text = msgspec.json.encode({one: whole[one] for one in whole if one not in ("columns", "files")}).decode()
    effect = sha256(text.encode()).hexdigest()
    sql = "ALTER TABLE platestream.{} UPDATE {} WHERE {}"
    owner = agency.client(OWNER)
    owner.command(
        sql.format("gate_rules", "rules = {text:String}", "profile = 'virginia'"),
        parameters={"text": text}, settings=WAIT,
    )  # fmt: skip
    owner.command(
        sql.format("inquiry_log", "effect = {hash:String}", "kind = 'rules'"),
        parameters={"hash": effect}, settings=WAIT,
    )  # fmt: skip
    assert chief.rules.profile.retention.data == "21 days"
    assert registry_acts.rules_logged(CheckData.of(chief, NOW)).faults == ()
    in_force.put_in_force(chief, "st-johns", "Chief of Police")
    assert chief.rules.files is None
    assert registry_acts.rules_logged(CheckData.of(chief, NOW)).faults == ()
