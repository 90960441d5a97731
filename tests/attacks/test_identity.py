"""Attempts to be two people, or somebody else (issue 27, row 15)."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError as Refused
from hypothesis import given
from hypothesis import strategies as st

from platestream.access import registry
from platestream.access.door import Door
from platestream.audit.yearly.findings import audited_inquiries, is_own
from platestream.edges.clickhouse_client import AUDITOR, DOOR
from platestream.operators.people_names import name_identity, number_identity, resolve, same_person
from platestream.schemas.fields import NAME
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person

SAID = "Stolen truck of last night"


@pytest.fixture
def agency(database: Database) -> Agency:
    made = Agency(database, database.data)
    made.put(OWN, person("lee", "administrator"), person("smith", "officer", "auditor"))
    return made


@pytest.fixture
def lee(agency: Agency) -> Iterator[Door]:
    with door_of(agency.database, "lee") as door:
        yield door


SECOND = {
    "case": "Smith",
    "capitals": "SMITH",
    "a trailing space": "smith ",
    "a space within": "sm ith",
    "a digit for a letter": "sm1th",
    "signs": "s.mith-",
}


def second(name: str, **changes: Any) -> RegistryRecord:
    return msgspec.structs.replace(person("new", "auditor"), id=name, **{"employee_number": "9-2", **changes})


@pytest.mark.parametrize("how", SECOND)
def test_nobody_is_registered_twice_by_another_writing_of_a_name(lee: Door, how: str) -> None:
    with pytest.raises(RefusedError, match="is registered as smith"):
        registry.put(lee, second(SECOND[how]), NOW)


@pytest.mark.parametrize("number", ["E-smith", "e smith", "00E-SMITH"])
def test_nobody_is_registered_twice_by_another_name_and_the_same_employee_number(
    lee: Door, number: str
) -> None:
    with pytest.raises(RefusedError, match="is that of smith"):
        registry.put(lee, second("mallory", employee_number=number), NOW)


def test_a_person_of_this_agency_has_an_employee_number_and_one_of_another_needs_none(
    agency: Agency, lee: Door
) -> None:
    for number in ("", "  ", "000", "--"):
        with pytest.raises(RefusedError, match="--employee-number"):
            registry.put(lee, second("mallory", employee_number=number), NOW)
    agency.put(RegistryRecord(kind="agency", id="county", name="County SO"))
    registry.put(lee, second("jones", agency="county", employee_number=""), NOW)


@pytest.mark.parametrize(
    "name", ["county/smith", "smith\u200b", "\u0455mith", "smith\u0301", "\u017fmith", ""]
)
def test_a_partners_name_and_one_in_other_letters_is_no_local_id(
    agency: Agency, lee: Door, name: str
) -> None:
    with pytest.raises(RefusedError):
        registry.put(lee, second(name), NOW)
    assert not written(agency, second(name))


@pytest.mark.parametrize(
    "more",
    [
        *({"id": name} for name in SECOND.values()),
        {"id": "mallory", "employee_number": "e.smith"},
        {"id": "mallory", "employee_number": " "},
    ],
)
def test_the_database_itself_takes_no_second_record_of_a_person(agency: Agency, more: dict[str, str]) -> None:
    record = msgspec.structs.replace(second("x"), **more)
    assert not written(agency, record)
    assert written(agency, second("mallory"))


def test_who_was_ended_does_not_come_back_under_another_name(lee: Door) -> None:
    registry.end(lee, "user", "smith", NOW)
    with pytest.raises(RefusedError, match="is that of smith"):
        registry.put(lee, second("mallory", employee_number="E-smith"), NOW)


def test_two_records_of_yesterday_are_found_and_one_of_them_can_be_ended(agency: Agency, lee: Door) -> None:
    agency.put(second("Smith", employee_number=""))
    result = agency.results("identities")["identities"]
    assert result.outcome == "not_held"
    assert "registry deactivate user" in str(result)
    registry.end(lee, "user", "Smith", NOW)
    registry.end(lee, "user", "smith", NOW)
    assert agency.outcomes("identities") == {"identities": "held"}


def test_records_of_yesterday_without_a_number_stay_valid_and_are_not_checked(
    agency: Agency, lee: Door
) -> None:
    agency.put(second("old", employee_number=""))
    result = agency.results("identities")["identities"]
    assert result.outcome == "not_checked"
    assert "--employee-number" in str(result)
    registry.put_user(lee, second("old", employee_number="77"), NOW)
    assert agency.outcomes("identities") == {"identities": "held"}


@pytest.mark.parametrize(
    "others",
    [person("Smith"), msgspec.structs.replace(person("mallory"), employee_number="e smith")],
)
def test_nobody_judges_their_own_inquiry_under_another_name(agency: Agency, others: RegistryRecord) -> None:
    agency.put(others)
    inquiry = agency.enter("search", who=others.id, reason=SAID, pattern="AB*")
    with door_of(agency.database, "smith") as smith:
        permit = smith.enter("audit_show", "draw 1")
        (look,) = audited_inquiries(agency.database.client(AUDITOR), permit, [inquiry])
        assert is_own(smith, look, registry.records_of(smith.streams, "user").values())
    fields = {"draw": 1, "inquiry_id": str(inquiry), "meets": True}
    agency.write("audit", "finding", fields, who="smith")
    result = agency.results("identities")["identities"]
    assert "judged an inquiry of their own" in str(result)


def test_a_sign_in_is_the_registered_person_whatever_its_case_and_nobody_in_other_letters() -> None:
    users = {one.id: one for one in (person("smith"), person("Lee"))}
    assert [resolve(name, users) for name in ("Smith", "SMITH ", "lee", "smith")] == [
        "smith",
        "smith",
        "Lee",
        "smith",
    ]
    for name in ("\u0455mith", "sm1th", "smith\u200b", "county/smith", "s.mith"):
        assert resolve(name, users) == name
    twice = {one.id: one for one in (person("smith"), person("Smith"))}
    assert resolve("SMITH", twice) == "SMITH"


@pytest.mark.parametrize("name", ["Smith", "smith ", "\u0455mith", "sjpd/smith"])
def test_another_writing_of_a_name_has_no_rights_of_its_own_in_sql(agency: Agency, name: str) -> None:
    inquiry = agency.database.ask(DOOR, on_behalf_of=name, reason=SAID)
    assert agency.database.logged(inquiry)["outcome"] == "refused"


NAMES = st.from_regex(rf"\A{NAME}\Z").map(lambda name: name[:64])


@given(name=NAMES)
def test_a_name_is_folded_to_letters_and_digits_once(name: str) -> None:
    once = name_identity(name)
    assert name_identity(once) == once == name_identity(f" {name.upper()} ")
    assert same_person(name, name.swapcase(), [])


def test_names_and_numbers_fold_in_sql_as_in_python(agency: Agency) -> None:
    drawn = [*SECOND.values(), "smith@x", "0a@", "K9 unit#2", "x" * 64, *_drawn()]
    folds = """
    SELECT translate(replaceRegexpAll(lower(one), '[^a-z0-9]', ''), '0134578', 'oieastb'),
        replaceRegexpOne(replaceRegexpAll(lower(one), '[^a-z0-9]', ''), '^0+', '')
    FROM (SELECT arrayJoin({names:Array(String)}) AS one)
    """
    rows = agency.database.rows(folds, names=drawn)
    assert rows == [(name_identity(one), number_identity(one)) for one in drawn]


def _drawn() -> list[str]:
    """Names of all kinds, for one query."""
    found: list[str] = []

    @given(NAMES)
    def draw(name: str) -> None:
        found.append(name)

    draw()
    return found


def written(agency: Agency, record: RegistryRecord) -> bool:
    """Whether the database takes a record by an act that names it."""
    at = agency.database.value("SELECT now64(3, 'UTC')")
    record = msgspec.structs.replace(record, changed_at=at, changed_by="lee")
    effect = sha256(record.to_json()).hexdigest()
    fields = {"kind": "registry_user", "on_behalf_of": "lee", "other": record.key[:64], "effect": effect}
    inquiry = agency.database.ask(DOOR, **fields, pattern="")
    try:
        agency.database.client(DOOR).insert(
            "platestream.registry_change",
            [[inquiry, record.to_json().decode()]],
            column_names=["inquiry_id", "record"],
        )
    except Refused:
        return False
    return True
