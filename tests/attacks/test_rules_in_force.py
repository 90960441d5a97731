"""Attempts to have other rules than those in force: by the environment, a file, or the rules' own row."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner

from clickhouse import migrate
from connectors.changelog import publish
from connectors.clickhouse_client import (
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
from connectors.profiles import load
from connectors.rules_in_force import RulesError, text_of
from connectors.settings import Settings
from flows.in_force import rules_in_force
from flows.post import read_rules
from platestream.cli.main import app
from schemas import tables, topics
from schemas.catalogue import example
from schemas.detection import Detection
from schemas.gate_rules import AgencyRules
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import registry
from services.door import Clients, Door
from services.evidence import hold
from services.inquiries.gate import THROWN, RefusedInquiry
from services.policy.checks import cameras, keeping, recorded
from services.policy.checks.live import Live
from services.retention import job as retention
from services.retention import recovery_stores
from services.rules import in_force
from services.setup import apply_migrations
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, signed_in_as, staffed
from tests.support.rules import as_before

DAY = timedelta(days=1)
WAIT = {"mutations_sync": 2}
READ = Detection.from_json(bytes(example("detection").accepted))
ST_JOHNS = (files("connectors.profiles") / "st-johns.toml").read_text("utf-8")


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


def door(database: Database, who: str, named: str) -> Door:
    settings = Settings(clickhouse=database.dsn, data=database.data, profile=named)
    return Door(settings, who, "test", Clients(settings))


def left(database: Database) -> int:
    return int(database.value("SELECT count() FROM platestream.detections"))


def refused(*words: str) -> str:
    """What a command says that does not begin."""
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, RulesError), done.output
    return str(done.exception)


@pytest.mark.parametrize("who", ["stranger", "smith", "chief"])
@pytest.mark.parametrize("more", [(), ("--every", "15")])
def test_another_profile_in_the_environment_deletes_nothing(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, more: tuple[str, ...]
) -> None:
    signed_in_as(monkeypatch, who)
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(profile(tmp_path)))
    said = refused("retention", "run", *more)
    assert "retention.data: 3 minutes -> 30 days" in said
    assert "platestream registry rules --profile" in said
    assert left(agency) == 1


def test_a_caller_that_compares_nothing_deletes_by_the_rules_in_force(
    agency: Database, tmp_path: Path
) -> None:
    job = replace(door(agency, "retention", str(profile(tmp_path))), automatic=True, set_off_by="chief")
    receipt = retention.read_receipt(retention.once(job))
    assert receipt.period_s == 30 * 24 * 3600
    assert left(agency) == 1


@pytest.mark.parametrize("who", ["stranger", "smith", "chief"])
def test_another_profile_holds_no_evidence_for_another_time(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    named = profile(tmp_path, **{"10 years": "1 hour"})
    assert hold.schedules(door(agency, who, str(named)))["felony"] == "10 years"
    signed_in_as(monkeypatch, who)
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(named))
    told = ["--case", "26-001234", "--authority", "Chief", "--schedule", "felony", "ABC*"]
    assert "evidence.schedules.felony: 1 hour -> 10 years" in refused("evidence", "hold", *told)
    assert agency.value("SELECT count() FROM platestream.evidence_holds") == 0


@pytest.mark.parametrize("named", ["./st-johns.toml", "sub/../st-johns.toml"])
def test_an_edited_copy_of_a_profile_of_the_package_is_not_that_profile(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    profile(tmp_path, "st-johns.toml")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLATESTREAM_PROFILE", named)
    refused("retention", "run")
    assert left(agency) == 1


def test_a_profile_edited_in_the_package_changes_nothing_that_is_in_force(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = load(str(profile(tmp_path)))
    monkeypatch.setattr("connectors.rules_in_force.load", lambda _name: edited)
    assert door_of(agency).rules.profile.retention.data == "30 days"
    monkeypatch.setenv("PLATESTREAM_PROFILE", "st-johns")
    refused("retention", "run")


def test_a_file_that_is_swapped_after_it_was_put_in_force_changes_nothing(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = profile(tmp_path, "own.toml", **{"30 days": "20 days"})
    in_force.put_in_force(door_of(agency, "chief"), str(own), "Chief of Police")
    own.write_text(own.read_text().replace("20 days", "3 minutes"))
    job = replace(door(agency, "retention", str(own)), automatic=True, set_off_by="chief")
    assert retention.read_receipt(retention.once(job)).period_s == 20 * 24 * 3600
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(own))
    refused("retention", "run")
    own.unlink()
    assert job.rules.profile.retention.data == "20 days", "the file is not needed any more"


def test_one_relative_name_means_no_two_profiles(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, period in (("one", "20 days"), ("two", "3 minutes")):
        (tmp_path / folder).mkdir()
        profile(tmp_path / folder, "own.toml", **{"30 days": period})
    monkeypatch.chdir(tmp_path / "one")
    in_force.put_in_force(door_of(agency, "chief"), "own.toml", "Chief of Police")
    monkeypatch.chdir(tmp_path / "two")
    monkeypatch.setenv("PLATESTREAM_PROFILE", "own.toml")
    refused("retention", "run")
    monkeypatch.chdir(tmp_path / "one")
    signed_in_as(monkeypatch, "chief")
    assert CliRunner().invoke(app, ["registry", "list", "camera"]).exit_code == 0


def test_a_flow_and_its_recovery_store_do_not_start_with_another_profile(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = str(profile(tmp_path))
    settings = Settings(clickhouse=agency.dsn, data=agency.data, profile=named)
    with pytest.raises(RulesError, match="contradicts the rules in force"):
        rules_in_force(settings)
    monkeypatch.setenv("PLATESTREAM_PROFILE", named)
    monkeypatch.setattr(os, "execvp", lambda *_words: pytest.fail("the flow was started"))
    store = agency.data / "recovery" / "recognize"
    with pytest.raises(RulesError):
        recovery_stores.main(str(store), "1", "true")
    assert not store.exists()


@pytest.mark.parametrize(
    "change",
    [
        "retention_s = 180",
        "case_number = '.*'",
        "rules = replaceAll(rules, '30 days', '3 minutes')",
        """rules = replaceAll(rules, '"always_registry":false', '"always_registry":true')""",
    ],
)
def test_a_row_whose_text_and_columns_differ_is_used_by_nobody(agency: Database, change: str) -> None:
    owner = agency.client(OWNER)
    owner.command(f"ALTER TABLE platestream.gate_rules UPDATE {change} WHERE 1", settings=WAIT)
    with pytest.raises(RulesError, match="contradict themselves"):
        retention.once(replace(door_of(agency, "retention"), automatic=True, set_off_by="chief"))
    assert left(agency) == 1
    live = Live.of(door_of(agency, "chief"), NOW)
    assert "in the gate" in "; ".join(keeping.rules(live).faults)


def test_a_row_that_is_changed_in_text_and_columns_alike_is_not_held(agency: Database) -> None:
    """By the owner of the database, the only one who can: no act holds the hash of what is there then."""
    chief = door_of(agency, "chief")
    in_force.put_in_force(chief, "virginia", "Chief of Police")
    assert recorded.ruled(Live.of(chief, NOW)).faults == ()
    both = "rules = replaceAll(rules, '21 days', '3 minutes'), retention_s = 180"
    sql = f"ALTER TABLE platestream.gate_rules UPDATE {both} WHERE profile = 'virginia'"
    agency.client(OWNER).command(sql, settings=WAIT)
    assert "no act holds the hash" in recorded.ruled(Live.of(chief, NOW)).faults[0]


def test_rules_changed_and_changed_back_around_a_deletion_are_two_acts_of_the_administrator(
    agency: Database, tmp_path: Path
) -> None:
    chief, short = door_of(agency, "chief"), profile(tmp_path)
    with pytest.raises(RefusedInquiry, match="it takes administrator"):
        in_force.put_in_force(door_of(agency, "smith"), str(short), "Chief of Police")
    assert chief.rules.profile.retention.data == "30 days"
    in_force.put_in_force(chief, str(short), "Chief of Police")
    first = chief.rules.digest
    in_force.put_in_force(chief, "st-johns", "Chief of Police")
    acts = agency.rows(
        "SELECT effect, change FROM platestream.inquiry_log"
        " WHERE kind = 'rules' AND outcome = 'allowed' ORDER BY at"
    )
    assert [effect for effect, _change in acts] == [first, chief.rules.digest]
    assert "retention.data: 30 days -> 3 minutes" in acts[0][1]
    assert "retention.data: 3 minutes -> 30 days" in acts[1][1]


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
    """What an account that speaks for people enters by SQL."""
    return database.ask(DOOR, kind=kind, on_behalf_of=who, pattern="", other="x", effect=effect)


def is_refused(database: Database, inquiry: UUID, *texts: str, **settings: Any) -> bool:
    """By the view itself, and not for a mistake of the test."""
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
    assert recorded.ruled(Live.of(door_of(agency, "chief"), NOW)).faults == ()


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
    assert "training_days" in "; ".join(keeping.rules(Live.of(chief, NOW)).faults)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "ALTER TABLE platestream.gate_rules UPDATE {old} WHERE profile = 'virginia'",
            "no act holds the hash",
        ),
        ("ALTER TABLE platestream.gate_rules DELETE WHERE profile = 'virginia'", "rules of the newest act"),
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
    assert recorded.ruled(Live.of(chief, NOW)).faults == ()
    told = {"old": old} if "{old}" in sql else {}
    agency.client(OWNER).command(
        sql.format(old="rules = {old:String}"), parameters=told, settings={"mutations_sync": 2}
    )
    assert said in "; ".join(recorded.ruled(Live.of(chief, datetime.now(UTC) + DAY)).faults)


def test_03_rules_of_the_release_before_go_on_and_are_changed_by_an_act(agency: Database) -> None:
    """Its texts have neither columns nor files."""
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
    assert recorded.ruled(Live.of(chief, NOW)).faults == ()
    in_force.put_in_force(chief, "st-johns", "Chief of Police")
    assert chief.rules.files is None
    assert recorded.ruled(Live.of(chief, NOW)).faults == ()


TOML = 'oldest = "12 hours"\n[[receivers]]\nname = "cad"\napprise = "json://me:{}@cad.agency.example"\n'
TOML += '[[routes]]\nto = ["cad"]\n'


@pytest.fixture
def bound(agency: Database, tmp_path: Path) -> Path:
    """The file of notification, in force by an act; the other two are not."""
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    wanted = in_force.Change(files={"notify_file": file})
    in_force.change(door_of(agency, "chief"), wanted, "Chief of Police")
    return file


def with_file(database: Database, file: Path, name: str = "notify_file") -> Settings:
    text_of.cache_clear()  # another process
    return Settings(clickhouse=database.dsn, data=database.data).model_copy(update={name: file})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cad.agency", "evil"),
        ("me:", "you:"),
        ('"12 hours"', '"10 days"'),
        ('to = ["cad"]', 'to = ["cad"]\nhistorical = true'),
        ('"cad"\napprise', '"cad"\nshows = "picture"\napprise'),
    ],
)
def test_05_another_file_of_notification_starts_nothing_and_is_not_held(
    agency: Database, bound: Path, old: str, new: str
) -> None:
    told = bound.read_text()
    assert old in told
    bound.write_text(told.replace(old, new))
    settings = with_file(agency, bound)
    with pytest.raises(RulesError, match=r"PLATESTREAM_NOTIFY_FILE=.* is not the file in force"):
        rules_in_force(settings)
    chief = Door(settings, "chief", "test", Clients(settings))
    assert "is not the file in force" in "; ".join(keeping.rules(Live.of(chief, NOW)).faults)


def test_05_a_secret_a_comment_and_a_copy_elsewhere_are_the_same_file(
    agency: Database, bound: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text("# our rules\n" + TOML.format("another secret"))
    rules_in_force(with_file(agency, copy))
    copy.unlink()
    rules_in_force(with_file(agency, copy))


@pytest.mark.parametrize("name", ["partners_file", "oidc_file"])
def test_05_a_file_that_no_act_put_in_force_is_none_that_may_be_used(
    agency: Database, bound: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "other.toml"
    file.write_text('issuer = "https://login.evil.example"\n')
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))
    in_force.put_in_force(door_of(agency, "chief"), "virginia", "Chief of Police")
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))
    in_force.change(door_of(agency, "chief"), in_force.Change(files={name: file}), "Chief of Police")
    rules_in_force(with_file(agency, file, name))
    in_force.change(door_of(agency, "chief"), in_force.Change(files={name: None}), "Chief of Police")
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))


def test_05_nobody_but_an_administrator_binds_a_file(agency: Database, bound: Path) -> None:
    bound.write_text(TOML.format("secret").replace("cad.agency", "evil"))
    text_of.cache_clear()
    wanted = in_force.Change(files={"notify_file": bound})
    with pytest.raises(RefusedInquiry, match="it takes administrator"):
        in_force.change(door_of(agency, "smith"), wanted, "Chief of Police")


def test_05_a_file_that_is_swapped_after_the_start_is_not_read_again(agency: Database, bound: Path) -> None:
    settings = with_file(agency, bound)
    rules = rules_in_force(settings)
    bound.write_text(bound.read_text().replace("cad.agency", "evil"))
    (receiver,) = read_rules(settings, rules.gate).receivers
    assert receiver.apprise == "json://me:secret@cad.agency.example"


def test_05_files_of_an_installation_of_before_are_accepted_and_not_checked(
    agency: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    as_before(agency)
    rules_in_force(with_file(agency, file))
    gaps = keeping.rules(Live.of(door_of(agency, "chief"), NOW)).gaps
    assert "platestream registry rules --notify FILE" in gaps[-1].needs


def test_05_a_new_installation_begins_with_the_files_of_its_settings(
    empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    settings = with_file(empty_database, file)
    apply_migrations(Door(settings, "up", "test", Clients(settings)))
    rules_in_force(settings)
    file.write_text(TOML.format("secret").replace("cad.agency", "evil"))
    with pytest.raises(RulesError, match="PLATESTREAM_NOTIFY_FILE"):
        rules_in_force(with_file(empty_database, file))
    file.write_text('issuer = "https://login.evil.example"\n')
    with pytest.raises(RulesError, match="PLATESTREAM_OIDC_FILE"):
        rules_in_force(with_file(empty_database, file, "oidc_file"))


@pytest.mark.parametrize("days", ["1000", "16"])
def test_05_no_setting_lets_a_flow_go_on_with_a_store_that_is_older_than_data_may_be(
    agency: Database, monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", agency.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(agency.data))
    monkeypatch.setenv(recovery_stores.DAYS, days)
    alarms: list[int] = []
    monkeypatch.setattr("signal.alarm", alarms.append)
    monkeypatch.setattr(os, "execvp", lambda *_words: None)
    recovery_stores.main(str(agency.data / "recovery" / "match"), "1", "true")
    assert alarms == [15 * 24 * 3600]


def begin(database: Database, named: str) -> list[str]:
    """What `platestream migrate` does with this PLATESTREAM_PROFILE."""
    return apply_migrations(door(database, "up", named))


@pytest.mark.parametrize("acts", [False, True])
def test_the_setting_chooses_the_profile_of_an_installation_in_which_nobody_acted_and_of_no_other(
    empty_database: Database, acts: bool
) -> None:
    migrate.apply(empty_database.client())
    if acts:
        empty_database.ask()
    begin(empty_database, "virginia")
    rules = door_of(empty_database).rules
    assert rules.name == ("st-johns" if acts else "virginia")
    assert (
        empty_database.value("SELECT retention_s FROM platestream.rules_in_force") == rules.gate.retention_s
    )
    begin(empty_database, "new-jersey")
    assert door_of(empty_database).rules == rules


def without_text(database: Database, name: str) -> None:
    """Rows as a release before would have stored them."""
    sql = f"ALTER TABLE platestream.gate_rules UPDATE rules = '', profile = '{name}' WHERE 1"
    database.client().command(sql, settings=WAIT)


def test_an_installation_of_a_release_before_keeps_its_rules_and_gets_their_text_once(
    database: Database, tmp_path: Path
) -> None:
    own = profile(tmp_path, "own.toml", **{"30 days": "20 days", "10 years": "11 years"})
    in_force.put_in_force(door_of(database), str(own), "Chief of Police")
    without_text(database, str(tmp_path / "gone.toml"))
    with pytest.raises(RulesError, match="no text"):
        _ = door_of(database).rules
    with pytest.raises(RulesError):
        begin(database, str(profile(tmp_path)))
    without_text(database, str(own))
    assert begin(database, "virginia") == [f"rules in force: those of the profile {own}"]
    rules = door_of(database).rules
    assert rules.profile.evidence.schedules["felony"] == "11 years"
    assert rules.gate.retention == 20 * DAY
    assert begin(database, "") == []
    assert database.value("SELECT countIf(adopted_at > 0) FROM platestream.gate_rules WHERE rules != ''") == 1


def test_no_module_takes_a_rule_from_the_profile_that_a_setting_names() -> None:
    """But those that compare it, begin with it, diagnose it, or go before a flow that asks the database."""
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for package in ("services", "flows", "platestream", "connectors", "operators")
        for path in (root / package).rglob("*.py")
        if "settings.profile" in path.read_text() or "load_settings().profile" in path.read_text()
    }
    assert found <= {
        "connectors/rules_in_force.py",
        "services/setup.py",
        "services/backup/restore.py",
        "services/cameras/gateway.py",
        "services/doctor/installation.py",
        "services/retention/recovery_stores.py",
    }


@pytest.mark.parametrize(
    ("setting", "value", "path"),
    [
        ("unapproved", "watch", "cameras.unapproved"),
        ("alert_confidence", 0.9, "alerts.least_confidence"),
        ("alternative_confidence", 1.0, "alerts.least_alternative"),
    ],
)
def test_a_setting_that_changed_a_rule_is_refused_where_it_contradicts_the_rules_in_force(
    agency: Database, setting: str, value: object, path: str
) -> None:
    settings = Settings(clickhouse=agency.dsn, data=agency.data).model_copy(update={setting: value})
    with pytest.raises(RulesError, match=path):
        rules_in_force(settings)


TOWN = "boundary = [[34.4, -109.5], [34.6, -109.5], [34.6, -109.25], [34.4, -109.25]]\n"


def camera(north: float, east: float, *, moves: bool = False) -> RegistryRecord:
    told: dict[str, Any] = {"approved_by": "Chief", "approved_at": NOW - DAY, "moves": moves}
    return RegistryRecord(kind="camera", id="c1", name="c1", latitude=north, longitude=east, **told)


def test_20_a_fixed_camera_outside_the_agencys_boundary_is_refused_or_not_held(
    agency: Database, tmp_path: Path
) -> None:
    bounded = profile(tmp_path, "own.toml", **{'state = "AZ"\n': f'state = "AZ"\n{TOWN}'})
    chief = door_of(agency, "chief")
    in_force.put_in_force(chief, str(bounded), "Chief of Police")
    with pytest.raises(RefusedError, match="outside the agency's boundary"):
        registry.put(chief, camera(33.4, -112.0), NOW)
    with pytest.raises(RefusedError, match="outside the agency's boundary"):
        registry.put(chief, camera(34.7, -109.4), NOW)
    registry.put(chief, camera(34.5, -109.4), NOW)
    assert cameras.bounded(Live.of(chief, NOW)).faults == ()
    moved = msgspec.structs.replace(
        READ, detection_id=uuid4(), camera_id="c1", latitude=33.4, longitude=-112.0
    )
    agency.put(tables.DETECTIONS, moved)
    assert "took pictures outside" in cameras.bounded(Live.of(chief, NOW)).faults[0]
    behind = msgspec.structs.replace(camera(33.4, -112.0), changed_at=NOW + DAY)
    publish(chief.streams, topics.REGISTRY, [behind])
    assert "registered outside" in cameras.bounded(Live.of(chief, NOW)).faults[0]


def test_20_without_a_boundary_in_the_rules_nothing_is_held(agency: Database) -> None:
    (gap,) = cameras.bounded(Live.of(door_of(agency, "chief"), NOW)).gaps
    assert gap.needs.startswith("[agency] boundary in the profile")
