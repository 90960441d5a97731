"""Every act of the table, tried by every kind of person: refused or on record, never anything else.

What is expected is worked out here from the order, in the order's own words, and not by the gate.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.clickhouse_client import DOOR
from schemas.acts import ACTS, ROLES, Act, Role
from schemas.registry import RegistryRecord
from schemas.tables import REGISTRY
from tests.support.database import Database, copied

YEAR = timedelta(days=365)
OWN, PARTNER, EXPIRED, SILENT, ENDED = "sjpd", "apache-county-so", "old-partner-pd", "no-mou-pd", "ended-pd"
SAID = {"case_number": "26-001234", "reason": "Stolen truck of last night"}
PLATE = {"cotravel": {"pattern": "ABC123", "other": "XYZ789"}, "picture": {"other": str(UUID(int=7))}}


FOUND = """
SELECT inquiry_id, outcome, refusal FROM platestream.inquiry_log WHERE inquiry_id IN {ids:Array(UUID)}
"""


@dataclass(frozen=True)
class Person:
    """As the registry has them; `trained` is days ago, negative in the future, None never."""

    registered: bool = True
    active: bool = True
    agency: str = OWN
    trained: float | None = 30
    roles: tuple[Role, ...] = tuple(ROLES)


PEOPLE: dict[str, Person] = {
    "trained, with every role": Person(),
    **{f"only {role}": Person(roles=(role,)) for role in ROLES},
    "without a role that is known": Person(roles=()),
    "never trained": Person(trained=None),
    "trained next month": Person(trained=-30),
    "whose training lapsed": Person(trained=400),
    "whose access has ended": Person(active=False),
    "never registered": Person(registered=False),
    "of a partner with an MOU": Person(agency=PARTNER),
    "of a partner, untrained": Person(agency=PARTNER, trained=None),
    "of a partner whose MOU has ended": Person(agency=EXPIRED),
    "of an agency without an MOU": Person(agency=SILENT),
    "of an agency whose time has ended": Person(agency=ENDED),
    "of an agency nobody registered": Person(agency="nowhere-pd"),
}


def agency(name: str, **told: object) -> RegistryRecord:
    return RegistryRecord(kind="agency", id=name, name=name, **told)  # type: ignore[arg-type]


def may(person: Person, act: Act) -> bool:
    """F.7 and E.1.e for anything; F.6 and I.2 for other agencies; E.1.a for who does what."""
    if not (person.registered and person.active):
        return False
    if person.trained is None or not 0 <= person.trained <= 365:
        return False
    if person.agency not in (OWN, PARTNER) or not set(person.roles) & set(act.roles):
        return False
    return person.agency == OWN or act.browses


@pytest.fixture(scope="module")
def office(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A registry with an administrator, this agency and four others."""
    with copied(migrated, tmp_path_factory.mktemp("office")) as database:
        now = datetime.now(UTC)
        database.put(
            REGISTRY,
            agency(OWN, own=True),
            agency(PARTNER, mou_from=now - YEAR),
            agency(EXPIRED, mou_from=now - YEAR, mou_until=now - timedelta(days=1)),
            agency(SILENT),
            agency(ENDED, own=True, active=False),
            record("chief", Person(roles=("administrator",)), now),
        )
        yield database


def record(name: str, person: Person, now: datetime) -> RegistryRecord:
    trained = None if person.trained is None else now - timedelta(days=person.trained)
    return RegistryRecord(
        kind="user",
        id=name,
        name=name,
        active=person.active,
        agency=person.agency,
        role=",".join(person.roles) or "janitor",
        trained_at=trained,
    )


def attempt(office: Database, people: dict[str, Person]) -> dict[tuple[str, str], str]:
    """Each person tries each act in one go; the outcome by person and act, of which there must be one."""
    now = datetime.now(UTC)
    office.put(REGISTRY, *(record(name, one, now) for name, one in people.items() if one.registered))
    asked, rows = {}, []
    for name in people:
        for act in ACTS:
            inquiry = uuid4()
            asked[inquiry] = (name, act.name)
            told = {"pattern": "ABC1", "other": "", **PLATE.get(act.name, {})}
            cameras = ["main-st-n"] if act.name == "sightings" else []
            since = now - timedelta(days=1)
            rows.append([inquiry, name, act.name, *SAID.values(), *told.values(), cameras, since])
    columns = ["inquiry_id", "on_behalf_of", "kind", *SAID, "pattern", "other", "cameras", "since"]
    office.client(DOOR).insert("platestream.inquire", rows, column_names=columns)
    found = office.rows(FOUND, ids=[str(one) for one in asked])
    assert len(found) == len(asked), "an attempt that is not on record"
    assert all((outcome == "refused") == bool(refusal) for _id, outcome, refusal in found)
    return {asked[inquiry]: outcome for inquiry, outcome, _refusal in found}


def test_each_kind_of_person_may_do_just_what_the_order_gives_them(office: Database) -> None:
    names = {f"person-{number}": one for number, one in enumerate(PEOPLE.values())}
    outcomes = attempt(office, names)
    wrong = [
        f"{kind}: {act.name} {outcomes[name, act.name]}"
        for (name, one), kind in zip(names.items(), PEOPLE, strict=True)
        for act in ACTS
        if (outcomes[name, act.name] == "allowed") != may(one, act)
    ]
    assert wrong == []
    assert Counter(outcomes.values())["allowed"] > 60, "the test tried what is allowed, too"


people = st.builds(
    Person,
    registered=st.booleans() | st.just(True),
    active=st.booleans() | st.just(True),
    agency=st.sampled_from([OWN, OWN, PARTNER, EXPIRED, SILENT, ENDED, "nowhere-pd"]),
    trained=st.none() | st.floats(-400, 400).filter(lambda days: abs(days) > 0.01 and abs(days - 365) > 0.01),
    roles=st.lists(st.sampled_from(sorted(ROLES)), unique=True).map(tuple),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(people, min_size=1, max_size=12))
def test_whoever_comes_is_refused_or_on_record(office: Database, some: list[Person]) -> None:
    names = {f"{uuid4()}": one for one in some}
    outcomes = attempt(office, names)
    for name, one in names.items():
        for act in ACTS:
            assert (outcomes[name, act.name] == "allowed") == may(one, act), (one, act.name)


def test_nobody_changes_their_own_registration(office: Database) -> None:
    attempt(office, {"vale": Person(), "lee": Person()})
    own = office.ask(DOOR, kind="registry_user", on_behalf_of="vale", other="user/vale")
    other = office.ask(DOOR, kind="registry_user", on_behalf_of="vale", other="user/lee")
    assert "own roles or training" in office.logged(own)["refusal"]
    assert office.logged(other)["outcome"] == "allowed"


def test_a_person_cannot_pass_for_the_machine(database: Database) -> None:
    purge = database.ask(DOOR, kind="evidence_purge", reason="", pattern="")
    assert "only the machine" in database.logged(purge)["refusal"], "though nobody is registered yet"
    claimed = database.ask(DOOR, kind="hit_verify", automatic=True, set_off_by="vale", pattern="")
    assert "only the machine" in database.logged(claimed)["refusal"]
    assert database.logged(claimed)["automatic"] is False


def test_before_there_is_an_administrator_people_can_be_registered_but_not_by_whoever_was_ended(
    database: Database,
) -> None:
    now = datetime.now(UTC)
    ended, lapsed = Person(active=False), Person(trained=900)
    database.put(REGISTRY, agency(OWN, own=True), record("ended", ended, now), record("lapsed", lapsed, now))
    tries = {
        name: database.ask(DOOR, kind="registry_user", on_behalf_of=name, other="user/new")
        for name in ("ended", "lapsed", "stranger")
    }
    outcomes = {name: database.logged(one)["outcome"] for name, one in tries.items()}
    assert outcomes == {"ended": "refused", "lapsed": "allowed", "stranger": "allowed"}
    database.put(REGISTRY, record("chief", Person(), now))
    later = database.ask(DOOR, kind="registry_user", on_behalf_of="stranger", other="user/new")
    assert database.logged(later)["outcome"] == "refused"
