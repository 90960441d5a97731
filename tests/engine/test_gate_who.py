"""Who may look: the registry's rules, each refusal with its rule and as a row."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from platestream.access import gate, gate_rules, inquire
from platestream.access.gate_rules import WrongRule
from platestream.access.inquire import RefusedInquiry
from platestream.access.profiles import load
from platestream.access.rules_in_force import put
from platestream.edges.clickhouse_client import ANALYST, AUDITOR, DOOR
from platestream.operators.people import People, PeopleRules
from platestream.schemas import tables
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.spans import parse_span
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of
from tests.support.nightly import nightly
from tests.support.rules import put_columns

DAY = timedelta(days=1)
REASON = "stolen vehicle"
AGENCIES: dict[str, dict[str, Any]] = {
    "sjpd": {"own": True},
    "apache-county": {"mou_from": NOW - 90 * DAY, "mou_until": NOW + 90 * DAY},
    "no-mou": {},
    "future": {"mou_from": NOW + DAY},
    "ended": {"mou_from": NOW - 90 * DAY, "mou_until": NOW - DAY},
    "closed": {"mou_from": NOW - 90 * DAY, "active": False},
    "two-cameras": {"mou_from": NOW - DAY, "shares_cameras": ("north", "south")},
    "searches": {"mou_from": NOW - DAY, "shares_kinds": ("search",)},
    "insurer": {"mou_from": NOW - DAY, "law_enforcement": False},
}


@pytest.fixture
def fresh(database: Database, migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """One of the test's own, in which nobody is registered; the shared one opens again when it is used."""
    database.close()
    with copied(migrated, tmp_path) as made:
        yield made


def user(name: str, agency: str = "sjpd", **more: Any) -> RegistryRecord:
    more = {"trained_at": NOW - DAY, "changed_at": NOW, **more}
    return RegistryRecord(kind="user", id=name, name=name, agency=agency, **more)


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: agencies of every sort, and a trained user of each."""
    with copied(migrated, tmp_path_factory.mktemp("who")) as made:
        made.put(
            tables.REGISTRY,
            *(RegistryRecord(kind="agency", id=name, name=name, **more) for name, more in AGENCIES.items()),
            *(user(f"of-{name}", name) for name in AGENCIES),
            user("of-nowhere", "nowhere"),
            user("untrained", trained_at=None),
            user("to-be-trained", trained_at=NOW + DAY),
            user("lapsed", trained_at=NOW - 366 * DAY),
            user("gone", active=False),
        )
        yield made


@pytest.mark.parametrize(
    ("zone", "span"),
    [
        ("America/New_York", "1 year"),
        *nightly(
            ("America/Phoenix", "4 years"),
            ("Australia/Lord_Howe", "18 months"),
            ("America/New_York", "30 days"),
        ),
    ],
)
def test_gate_and_services_agree_to_the_second_when_training_and_declarations_lapse(
    fresh: Database, zone: str, span: str
) -> None:
    profile = load("new-jersey")
    replaced = msgspec.structs.replace
    profile = replaced(
        profile,
        agency=replaced(profile.agency, time_zone=zone),
        training=replaced(profile.training, renewed_every=span),
        sharing=replaced(profile.sharing, declaration_holds=span, declaration_of="all"),
    )
    put(door_of(fresh), AgencyRules(name="new-jersey", profile=profile), "Chief Yazzie")
    rules = PeopleRules.of(gate_rules.in_force(fresh.client(AUDITOR)))
    begin = parse_span(span).before(datetime.now(UTC), ZoneInfo(zone))
    days = [
        begin + timedelta(hours=hours, minutes=10) for hours in (-99, -48, -25, -24, -1, 0, 1, 24, 25, 48, 99)
    ]
    people = [user(f"of-{number}", trained_at=day) for number, day in enumerate(days)]
    agencies = [
        RegistryRecord(
            kind="agency", id=f"agency-{number}", name="x", mou_from=NOW - DAY, state="NY", declared_at=day
        )
        for number, day in enumerate(days)
    ]
    theirs = [user(f"their-{number}", f"agency-{number}") for number in range(len(days))]
    own = RegistryRecord(kind="agency", id="sjpd", name="SJPD", own=True)
    fresh.put(tables.REGISTRY, own, *people, *agencies, *theirs)
    known = People([own, *people, *agencies, *theirs])
    for one in (*people, *theirs):
        now = datetime.now(UTC)
        objection = known.person(one.id, now, rules) or known.agency(one.agency, now, rules)
        if objection is None:
            look(fresh, one.id)
        else:
            with pytest.raises(RefusedInquiry, match="lapsed"):
                look(fresh, one.id)


def look(database: Database, who: str, **more: Any) -> list[gate.Row]:
    return gate.search(database.client(ANALYST), **{"who": who, "reason": REASON, "pattern": "ABC*", **more})


@pytest.mark.parametrize(
    ("who", "rule"),
    [
        ("stranger", r"not a registered user .*E\.1\.e"),
        ("gone", r"access has ended .*E\.1\.e"),
        ("untrained", r"no training on record .*F\.7"),
        ("to-be-trained", r"no training on record .*F\.7"),
        ("lapsed", r"training has lapsed .*F\.7"),
        ("of-nowhere", r"agency that is not registered .*I\.2"),
        ("of-closed", r"agency that is not registered .*I\.2"),
        ("of-no-mou", r"no MOU .*I\.2"),
        ("of-future", r"no MOU .*I\.2"),
        ("of-ended", r"MOU .* has ended .*I\.2"),
        ("of-two-cameras", r"shares some cameras only.*I\.2"),
        ("of-insurer", r"without its legal basis .*I\.4"),
    ],
)
def test_who_may_not_look_is_refused_by_the_rule_and_is_a_row(
    database: Database, who: str, rule: str
) -> None:
    with pytest.raises(RefusedInquiry, match=rule):
        look(database, who)
    logged = database.rows(
        "SELECT outcome, refusal FROM platestream.inquiry_log WHERE who = {who:String}", who=who
    )
    assert {outcome for outcome, _why in logged} == {"refused"}


@pytest.mark.parametrize(
    ("who", "more"),
    [
        ("of-sjpd", {}),
        ("of-sjpd", {"agency": "sjpd"}),
        ("of-apache-county", {}),
        ("of-two-cameras", {"cameras": ["north"]}),
        ("of-searches", {}),
        ("of-insurer", {"legal_basis": "Court order CV-26-11, Apache County"}),
    ],
)
def test_who_is_trained_and_of_an_agency_that_shares_may_look(
    database: Database, who: str, more: dict[str, Any]
) -> None:
    assert look(database, who, **more) == []


def test_what_an_mou_does_not_share_is_refused(database: Database) -> None:
    with pytest.raises(RefusedInquiry, match="some cameras only"):
        look(database, "of-two-cameras", cameras=["north", "east"])
    with pytest.raises(RefusedInquiry, match="does not share this kind"):
        gate.search(database.client(ANALYST), "hits", who="of-searches", reason=REASON)


def test_an_agency_is_what_the_registry_says_and_not_what_is_claimed(database: Database) -> None:
    with pytest.raises(RefusedInquiry, match="of another agency"):
        look(database, "of-no-mou", agency="sjpd")
    inquiry = database.ask(on_behalf_of="of-apache-county")
    assert database.logged(inquiry)["agency"] == "apache-county"


def test_a_request_from_outside_of_law_enforcement_needs_its_legal_basis_and_records_it(
    database: Database,
) -> None:
    with pytest.raises(RefusedInquiry, match=r"section I\.4"):
        look(database, "of-sjpd", requester="Acme Insurance")
    fields = {"requester": "Acme Insurance", "legal_basis": "Subpoena CR-26-77"}
    look(database, "of-sjpd", **fields)
    row = database.rows(
        "SELECT requester, legal_basis FROM platestream.inquiry_log"
        " WHERE outcome = 'allowed' AND requester != ''"
    )
    assert row == [tuple(fields.values())]


@pytest.mark.parametrize("act", ["audit_export", "evidence_export", "audit_draw", "retention", "hotlist_add"])
def test_without_training_nobody_does_anything(database: Database, act: str) -> None:
    for who, rule in (("untrained", "no training"), ("state auditor", "not a registered user")):
        with pytest.raises(RefusedInquiry, match=rule):
            inquire.record(
                database.client(DOOR), kind=act, who=who, case_number="26-001", reason="yearly audit"
            )


def test_before_anybody_is_registered_anybody_may_look_unless_ruled_otherwise(
    fresh: Database,
) -> None:
    assert not gate_rules.registry_enforced(fresh.client())
    look(fresh, "anybody")
    rules = gate_rules.in_force(fresh.client())
    assert put_columns(door_of(fresh), replace(rules, always_registry=True), "chief")
    assert gate_rules.registry_enforced(fresh.client())
    with pytest.raises(RefusedInquiry, match="not a registered user"):
        look(fresh, "anybody")


def test_an_older_record_that_comes_again_takes_nothing_back(fresh: Database) -> None:
    agency = RegistryRecord(kind="agency", id="sjpd", name="sjpd", own=True)
    for record in (user("smith"), user("smith", active=False, changed_at=NOW + DAY), user("smith")):
        fresh.put(tables.REGISTRY, agency, record)
    with pytest.raises(RefusedInquiry, match="access has ended"):
        look(fresh, "smith")


def test_rules_are_configuration_and_every_change_of_them_stays_on_record(fresh: Database) -> None:
    owner = fresh.client()
    rules = gate_rules.in_force(owner)
    wanted = replace(
        rules,
        case_number=r"^\d{2}-\d{6}$",
        reason_letters=12,
        prohibited=("immigration",),
        purposes=("criminal investigation", "missing person"),
    )
    assert put_columns(door_of(fresh), wanted, "chief")
    assert not put_columns(door_of(fresh), wanted, "chief"), "nothing changed"
    assert gate_rules.in_force(fresh.client(AUDITOR)) == wanted
    assert fresh.value("SELECT count() FROM platestream.gate_rules") == 2

    purpose = "criminal investigation"
    look(fresh, "smith", reason="", case_number="26-001234", purpose=purpose)
    for asked, rule in (
        ({"reason": "", "case_number": "26-1234", "purpose": purpose}, "less than 12 letters"),
        ({"purpose": purpose}, None),
        ({"reason": "Immigration status of the driver", "purpose": purpose}, "prohibited purpose"),
        ({"purpose": "curious"}, "none of those that the agency allows"),
        ({}, "none of those that the agency allows"),
    ):
        if rule is None:
            look(fresh, "smith", **asked)
            continue
        with pytest.raises(RefusedInquiry, match=rule):
            look(fresh, "smith", **asked)


def test_a_pattern_that_would_break_the_gate_is_not_put_in_force(fresh: Database) -> None:
    rules = gate_rules.in_force(fresh.client())
    for wrong in ({"case_number": "("}, {"prohibited": ("fine", "(?<=x)y")}, {"reason_letters": -1}):
        with pytest.raises(WrongRule):
            put_columns(door_of(fresh), replace(rules, **wrong), "chief")
    assert fresh.logged(fresh.ask())["outcome"] == "allowed"
