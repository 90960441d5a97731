"""Every act of the table, tried by every kind of person: refused or on record, never anything else.

What is expected is worked out here from the order, in the order's own words, and not by the gate.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.generators.policy import ACTS_PAGE, END, START
from platestream.edges.clickhouse_client import DOOR
from platestream.schemas.acts import ACTS, ROLES, Act
from platestream.schemas.tables import REGISTRY
from tests.support.database import Database, copied
from tests.support.matrix import matrix
from tests.support.people import (
    ENDED,
    EXPIRED,
    OWN,
    PARTNER,
    PEOPLE,
    SILENT,
    Person,
    agency,
    attempt,
    furnish,
    record,
)


def may(person: Person, act: Act) -> bool:
    """F.7 and E.1.e for anything; F.6 and I.2 for other agencies; E.1.a for who does what.

    Nobody brings an administrator back while one is in force, as the office's Chief is.
    Other agencies look at our data and offer us entries of theirs; they do not ask third ones through us.
    """
    if not (person.registered and person.active) or act.name == "registry_recover":
        return False
    if person.trained is None or not 0 <= person.trained <= 365:
        return False
    if person.agency not in (OWN, PARTNER) or not set(person.roles) & set(act.roles):
        return False
    looks = act.browses and not act.name.startswith("partner_")
    own_account = act.name in (
        "account_redeem",
        "account_change",
        "account_factor",
        "account_passkey",
        "account_terminal",
        "account_terminal_end",
    )
    return person.agency == OWN or looks or own_account or act.name == "partner_offer"


@pytest.fixture(scope="module")
def office(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("office")) as database:
        furnish(database)
        yield database


def test_the_matrix_in_the_documents_is_what_the_gate_answers(office: Database) -> None:
    written = ACTS_PAGE.read_text().partition(START)[2].partition(END)[0]
    assert written == matrix(office), "make generate"


def test_each_kind_of_person_may_do_just_what_the_order_gives_them(office: Database) -> None:
    names = {f"other-{number}": one for number, one in enumerate(PEOPLE.values())}  # nobody is at a limit
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
    ended = Person(active=False, roles=("officer",))
    lapsed = Person(trained=900, roles=("officer",))
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
