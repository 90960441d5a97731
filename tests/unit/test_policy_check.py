"""Each check of the order: held by an agency that follows it, broken by what it is there to find."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.clickhouse import ClickHouseTables
from connectors.clickhouse_client import ANALYST, AUDITOR, CUSTODIAN, RETENTION
from connectors.edge import Edge
from connectors.files import FileTopics
from connectors.profiles import load
from flows import audit_flow
from platestream.cli.main import app
from schemas import tables, topics
from schemas.alert_hit import AlertHit
from schemas.catalogue import example
from schemas.deployment import DeploymentFinding
from schemas.detection import Detection
from schemas.finding import Finding
from schemas.hotlist import HotListChange
from schemas.message import Message
from schemas.registry import RegistryRecord
from services.evidence import hold as holding
from services.policy import check as checking
from services.policy import docs
from services.policy.checks.live import Live
from services.policy.clauses import CLAUSES
from services.policy.table import CHECKS
from services.retention import job as retention
from services.retention import recovery_stores
from services.rules import gate_rules, in_force
from services.yearly_audit import draw as drawing
from services.yearly_audit import findings as judging
from services.yearly_audit import memo as memos
from tests.support.database import Database, copied
from tests.support.flows import INQUIRY, LISTED, READ, run
from tests.support.hit_actions import action

NOW = datetime.now(UTC).replace(microsecond=0)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PROFILE = load("st-johns")
CASE = "26-001234"
HIT = AlertHit.from_json(bytes(example("alert_hit").accepted))


@dataclass(frozen=True)
class Agency:
    """An agency's database and folder, and ways to break its order."""

    database: Database
    data: Path

    @property
    def streams(self) -> FileTopics:
        return FileTopics(self.data, follow=False)

    def live(self, **changes: Any) -> Live:
        live = Live(
            self.database.client(AUDITOR), self.streams, "st-johns", PROFILE, datetime.now(UTC), self.data
        )
        return replace(live, **changes)

    def results(self, *names: str, **changes: Any) -> dict[str, tuple[str, str]]:
        """Outcome and faults of these checks, or of all, by name."""
        found = checking.run(
            self.live(**changes), [check for check in CHECKS if not names or check.name in names]
        )
        return {one.check.name: (one.outcome, "; ".join(one.faults)) for one in found}

    def sql(self, text: str) -> None:
        self.database.client().command(text, settings={"mutations_sync": 2})

    def log(self, **columns: Any) -> None:
        """A row of the log that the gate would not have let through, an hour old and unsealed."""
        row = {
            "entry": uuid4(),
            "inquiry_id": uuid4(),
            "at": NOW - HOUR,
            "who": "smith",
            "outcome": "allowed",
        }
        row |= {"kind": "search", "reason": "stolen vehicle", **columns}
        self.database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))

    def found(self, rule: str) -> None:
        one = msgspec.structs.replace(INQUIRY, inquiry_id=uuid4(), at=NOW - HOUR)
        self.database.put(tables.INQUIRY_FINDINGS, Finding.of(one, rule, "breach", "as a test"))

    def act(self, *kinds: str, age: timedelta = 8 * DAY, **told: Any) -> None:
        """Steps on a hit of an NCIC entry, a minute apart, the last one `age` ago."""
        hit = msgspec.structs.replace(
            HIT,
            hit_id=uuid4(),
            detection=read(age + HOUR),
            entry=msgspec.structs.replace(LISTED, source="ncic"),
        )
        self.database.put(tables.HIT_FACTS, hit)
        for number, kind in enumerate(reversed(kinds)):
            more = told if kind == "action_taken" else {}
            at = NOW - age - number * MINUTE
            step = action(kind, at=at, hit=hit.hit_id, **more)  # type: ignore[arg-type]
            self.database.put(tables.HIT_ACTIONS, step)

    def list(self, reference: str, **told: Any) -> None:
        entry = msgspec.structs.replace(LISTED, entry_id=f"x:{reference}", **told)
        self.streams.append(topics.HOTLIST, [HotListChange(entry.entry_id, entry).to_message()])


def read(age: timedelta, camera: str = "main-n", **told: Any) -> Detection:
    at = NOW - age
    return msgspec.structs.replace(
        READ, detection_id=uuid4(), camera_id=camera, captured_at=at, best_at=at, **told
    )


VERIFIED = ("plate_and_state_confirmed", "confirmed_current", "action_taken")


def follow_the_order(agency: Agency) -> None:
    """What an agency does that keeps to all of it."""
    database, since = agency.database, NOW - 90 * DAY
    approved: dict[str, Any] = {"approved_by": "Chief", "approved_at": since}
    place: dict[str, Any] = {"latitude": 34.5, "longitude": -109.4}
    database.put(
        tables.REGISTRY,
        RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True),
        RegistryRecord(kind="agency", id="county", name="County SO", mou_from=since),
        RegistryRecord(kind="user", id="smith", name="Smith", agency="sjpd", trained_at=since),
        RegistryRecord(kind="user", id="jones", name="Jones", agency="county", trained_at=since),
        RegistryRecord(kind="camera", id="main-n", name="Main St", **place, **approved),
    )
    reads = [read(HOUR), read(3 * DAY), read(9 * DAY, plate="HELD001")]
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)
    agency.list("own", source="sjpd", expires_at=NOW + 20 * DAY)
    agency.act(*VERIFIED, actionable=True, result="arrest", case_number=CASE)
    terms = holding.Terms(
        case_number=CASE, authority="Det. Begay", schedule="felony", release_at=NOW + 900 * DAY, who="smith"
    )
    holding.hold(database.client(ANALYST), database.client(CUSTODIAN), terms, pattern="HELD001")
    for who in ("smith", "jones"):
        database.ask(on_behalf_of=who)
    retention.run(database.client(RETENTION), PROFILE.retention.span, datetime.now(UTC), agency.data)
    edge = Edge(agency.streams, ClickHouseTables(database.dsn, follow=False))
    run(audit_flow.build(edge))


@pytest.fixture(scope="module")
def good(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    with copied(migrated, folder) as database:
        follow_the_order(Agency(database, folder / "data"))
    return folder


@pytest.fixture
def agency(good: Path, tmp_path: Path) -> Iterator[Agency]:
    shutil.copytree(good / "data", tmp_path / "data")
    with copied(good / "platestream", tmp_path) as database:
        yield Agency(database, tmp_path / "data")


def test_an_agency_that_follows_the_order_passes_every_check(agency: Agency) -> None:
    results = agency.results()
    assert results == dict.fromkeys((one.name for one in CHECKS), ("held", ""))
    at_the_end = agency.results(now=NOW + 20 * MINUTE)
    assert set(at_the_end.values()) == {("held", "")}


def _end_mou(agency: Agency) -> None:
    ended = RegistryRecord(
        kind="agency", id="county", name="County", mou_from=NOW - 9 * DAY, mou_until=NOW - DAY, changed_at=NOW
    )
    agency.database.put(tables.REGISTRY, ended)


def _untrain(agency: Agency) -> None:
    agency.database.put(tables.REGISTRY, RegistryRecord(kind="user", id="new", name="New", agency="sjpd"))


def _unapproved_detail(agency: Agency) -> None:
    found = DeploymentFinding.of("van-1", "detail_unapproved", NOW - HOUR, "op-7")
    agency.database.put(tables.DEPLOYMENT_FINDINGS, found)


def _change_rules(agency: Agency) -> None:
    client = agency.database.client()
    gate_rules.put_in_force(client, replace(gate_rules.in_force(client), reason_letters=2), "somebody")


def _old_row(agency: Agency) -> None:
    agency.sql("ALTER TABLE platestream.detections REMOVE TTL")
    agency.database.put(tables.DETECTIONS, read(31 * DAY))


def _old_file(agency: Agency) -> None:
    FileTopics(agency.data, follow=False, now=lambda: NOW - 9 * DAY).append(
        topics.DETECTIONS, [Message(b"k", b"v")]
    )


def _old_store(agency: Agency) -> None:
    folder = agency.data / "recovery"
    folder.mkdir(exist_ok=True)
    (folder / f"match{recovery_stores.MADE}").write_text((NOW - 31 * DAY).isoformat())


def _pictureless(agency: Agency) -> None:
    agency.database.put(tables.DETECTIONS, read(HOUR, latitude=0.0, longitude=0.0))


def _file_audit(agency: Agency, year: int = NOW.year) -> None:
    """A draw, a finding each, and the memorandum."""
    client = agency.database.client(AUDITOR)
    entry = drawing.draw(client, PROFILE, year, datetime.now(UTC), who="auditor", reason="Yearly audit")
    for inquiry in drawing.draws(client)[-1][1].inquiries:
        judging.find(
            client, judging.Finding(draw=entry.number, inquiry_id=inquiry, meets=True), who="auditor"
        )
    memo = memos.compose(client, PROFILE, entry.number, auditor="auditor")
    memos.file(client, memo, b"memo", b"%PDF", who="auditor")


def _lose_an_inquiry(agency: Agency) -> None:
    _file_audit(agency)
    agency.sql("ALTER TABLE platestream.inquiry_log DELETE WHERE kind = 'search' AND who = 'jones'")


def _lose_the_memo(agency: Agency) -> None:
    _file_audit(agency)
    agency.sql("ALTER TABLE platestream.documents DELETE WHERE name LIKE '%pdf'")


LOG_OF_SERVER = "platestream.schema_migrations"  # any table that the auditor may read
SERVER = {"embedded": False, "query_log": LOG_OF_SERVER}
Breaks = Callable[[Agency], object]
BROKEN: list[tuple[str, Breaks, dict[str, Any], str]] = [
    ("designated", lambda one: one.list("a", source="nobody"), {}, "1 entries of nobody/stolen_vehicle"),
    ("pictures", _pictureless, {}, "1 without a place; 1 without a picture"),
    (
        "cameras",
        lambda one: one.database.put(tables.DETECTIONS, read(HOUR, "new")),
        {},
        "not registered: new",
    ),
    ("deployed", _unapproved_detail, {}, "detail unapproved: op-7"),
    ("rules", _change_rules, {}, "differ from profile st-johns: reason_letters"),
    (
        "records",
        lambda one: one.sql("ALTER TABLE platestream.inquiry_log DELETE WHERE who = 'jones'"),
        {},
        "gone",
    ),
    (
        "records",
        lambda one: one.sql("ALTER TABLE platestream.ledger DELETE WHERE number = 1"),
        {},
        "not in the ledger",
    ),
    ("checked", lambda one: one.log(), {}, "1 inquiries wait for the audit flow"),
    ("trained", _untrain, {}, "without training in force: new"),
    ("trained", lambda one: one.found("trained"), {}, "1 looks that broke it"),
    ("trained", lambda one: one.sql("TRUNCATE TABLE platestream.registry"), {}, "nobody is registered"),
    ("trained", lambda _one: None, {"now": NOW + 300 * DAY}, "without training in force: jones, smith"),
    ("results", lambda one: one.database.put(tables.DETECTIONS, read(5 * DAY)), {}, "not counted"),
    ("requests", lambda one: one.log(requester="Acme"), {}, "1 requests without a legal basis"),
    ("purposes", lambda one: one.found("purpose"), {}, "1 looks that broke it"),
    ("agencies", _end_mou, {}, "without an MOU in force: county"),
    ("agencies", lambda one: one.found("shared"), {}, "1 looks that broke it"),
    (
        "evidence",
        lambda one: one.sql("ALTER TABLE platestream.evidence_images DELETE WHERE 1"),
        {},
        "with fewer pictures than detections",
    ),
    (
        "taken",
        lambda one: one.act(*VERIFIED, actionable=True, result="arrest", case_number="26-9"),
        {},
        "no evidence held after 7 days for 26-9",
    ),
    ("rows", _old_row, {}, "detections: a row 31.0 days old"),
    ("job", lambda _one: None, {"now": NOW + 2 * HOUR}, "the retention job last ran"),
    ("job", lambda one: one.sql("TRUNCATE TABLE platestream.ledger"), {}, "has never run"),
    ("ttls", lambda one: one.sql("ALTER TABLE platestream.images REMOVE TTL"), {}, "images keeps for ever"),
    ("topics", _old_file, {}, f"detections: file of {NOW - 9 * DAY:%Y-%m-%d}"),
    ("stores", _old_store, {}, "older than data may be: match"),
    ("verified", lambda one: one.act("confirmed_current", "action_taken"), {}, "before plate and state"),
    (
        "verified",
        lambda one: one.act("plate_and_state_confirmed", "action_taken"),
        {},
        "before NCIC, ACIC or MVD",
    ),
    ("verified", lambda one: one.act("action_taken", *VERIFIED[:2]), {}, "before plate and state"),
    ("marked", lambda one: one.act(*VERIFIED, result="arrest"), {}, "not marked after 7 days"),
    ("complete", lambda one: one.streams.append(topics.HOTLIST, [Message(b"x:1", b"{}")]), {}, "x:1"),
    ("expiring", lambda one: one.list("a", expires_at=NOW - 2 * DAY), {}, "expired and still listed: x:a"),
    (
        "expiring",
        lambda one: one.list("a", expires_at=NOW + 999 * DAY),
        {},
        "later than their category allows: x:a",
    ),
    ("documented", lambda one: one.log(reason=" .", case_number="-"), {}, "1 allowed without case number"),
    ("documented", lambda one: one.found("documented"), {}, "1 looks that broke it"),
    ("unlogged", lambda _one: None, {"embedded": False}, "keeps no query_log"),
    ("unlogged", lambda one: one.found("unlogged"), SERVER, "1 looks that broke it"),
    ("released", lambda _one: None, {"now": NOW + 901 * DAY}, "past their release date"),
    ("filed", lambda _one: None, {"now": datetime(NOW.year + 1, 1, 2, tzinfo=UTC)}, f"{NOW.year} is missing"),
    ("sampled", _lose_an_inquiry, {}, "the log of the period differs"),
    ("memoranda", _lose_the_memo, {}, f"the memorandum of {NOW.year} (draw 1) is not stored"),
]


@pytest.mark.parametrize(("name", "broken", "changes", "says"), BROKEN)
def test_what_breaks_the_order_breaks_its_check_which_says_what(
    agency: Agency, name: str, broken: Breaks, changes: dict[str, Any], says: str
) -> None:
    broken(agency)
    outcome, faults = agency.results(name, **changes)[name]
    assert outcome != "held"
    assert says in faults


def test_cameras_of_an_approved_special_detail_are_covered_by_it(agency: Agency) -> None:
    agency.database.put(tables.DETECTIONS, read(HOUR, "van-1"))
    assert agency.results("cameras")["cameras"][0] == "broken"
    detail = RegistryRecord(
        kind="detail",
        id="op-7",
        name="Op 7",
        cameras=("van-1",),
        since=NOW - DAY,
        until=NOW + DAY,
        approved_by="Chief",
    )
    agency.database.put(tables.REGISTRY, detail)
    assert agency.results("cameras")["cameras"] == ("held", "")


def test_every_check_is_broken_by_some_test() -> None:
    assert {name for name, *_rest in BROKEN} == {check.name for check in CHECKS}


def test_an_audit_that_was_filed_is_held_and_the_next_years_is_missed_in_turn(agency: Agency) -> None:
    _file_audit(agency)
    results = agency.results("filed", "sampled", "memoranda", "records")
    assert set(results.values()) == {("held", "")}
    next_year = datetime(NOW.year + 1, 1, 2, tzinfo=UTC)
    assert agency.results("filed", now=next_year)["filed"] == ("held", "")
    said = agency.results("filed", now=next_year.replace(year=NOW.year + 2))["filed"]
    assert said == ("broken", f"the audit of {NOW.year + 1} is missing; it was due on {NOW.year + 1}-12-31")


def test_a_profile_with_more_audits_a_year_misses_each(agency: Agency) -> None:
    months = [f"{month:02}-28" for month in range(1, 13)]
    monthly = msgspec.structs.replace(PROFILE, audit=msgspec.structs.replace(PROFILE.audit, due=months))
    outcome, faults = agency.results("filed", profile=monthly, now=NOW + 40 * DAY)["filed"]
    assert outcome == "broken"
    assert "is missing; it was due on" in faults


def test_another_agencys_profile_is_checked_by_its_own_rules(agency: Agency) -> None:
    virginia = load("virginia")
    told: dict[str, Any] = {"profile": virginia, "profile_name": "virginia"}
    before = agency.results("rules", "ttls", **told)
    assert {outcome for outcome, _faults in before.values()} == {"broken"}
    in_force.put_in_force(agency.database.client(), "virginia", virginia, "chief")
    results = agency.results("rules", "ttls", "agencies", **told)
    assert results["rules"] == results["ttls"] == ("held", "")
    assert "of another state: county" in results["agencies"][1]


def test_every_clause_is_checked_or_said_to_be_for_people_alone() -> None:
    numbers = [clause.number for clause in CLAUSES]
    assert len(numbers) == len(set(numbers))
    checked = {number for check in CHECKS for number in check.clauses}
    assert checked == {clause.number for clause in CLAUSES if not clause.people}
    assert all(clause.served for clause in CLAUSES if not clause.people)


def test_no_clause_of_the_order_is_left_out() -> None:
    counts = {"C": 8, "D": 5, "E": 1, "F": 8, "G": 8, "H": 8, "I": 7, "J": 2, "K": 4}
    letters = {"E.1": "abcdefg", "F.8": "ab", "G.4": "a", "G.5": "abc", "I.2": "a"}
    wanted = {f"{section}.{n}" for section, count in counts.items() for n in range(1, count + 1)} - {"E.1"}
    wanted |= {f"{clause}.{letter}" for clause, under in letters.items() for letter in under}
    assert {clause.number for clause in CLAUSES} == {"A", "B", *wanted}


def test_the_page_is_made_of_the_table() -> None:
    assert docs.PAGE.read_text() == docs.page(), "python -m services.policy.docs"


def test_the_command_prints_every_check_and_ends_with_1_when_one_is_not_held(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", agency.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(agency.data))
    command = CliRunner()
    shown = command.invoke(app, ["policy", "check"])
    assert shown.exit_code == 0, shown.output
    assert all(check.what.split()[0] in shown.output for check in CHECKS)
    told = json.loads(command.invoke(app, ["policy", "check", "--json"]).stdout)
    assert told["held"] is True
    assert [one["check"] for one in told["checks"]] == [check.name for check in CHECKS]
    assert {one["clause"] for one in told["people"]} == {one.number for one in CLAUSES if one.people}
    agency.found("purpose")
    broken = command.invoke(app, ["policy", "check", "--failed", "--json"])
    assert broken.exit_code == 1
    assert [one["check"] for one in json.loads(broken.stdout)["checks"]] == ["purposes"]


def test_the_checks_see_no_plate(agency: Agency) -> None:
    answers = json.dumps([(one.figure, one.faults) for one in checking.run(agency.live())])
    assert "HELD001" not in answers
