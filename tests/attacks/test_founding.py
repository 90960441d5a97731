"""Attempts to become administrator without one: founding again, misusing the recovery (issue 27, row 7)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from importlib.resources import files
from uuid import uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError as Refused

from platestream.access import recovery, registry
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.clickhouse import migrate
from platestream.clickhouse.sql_files import statements
from platestream.edges.clickhouse_client import DOOR
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person

TODAY = NOW - timedelta(hours=1)
LAPSED = NOW - timedelta(days=400)
Doors = Callable[[str], Door]


@pytest.fixture
def agency(database: Database) -> Agency:
    """An agency whose one administrator's training has lapsed since it was founded."""
    made = Agency(database, database.data)
    made.put(
        OWN,
        person("lee", "administrator"),
        person("ana", "analyst"),
        person("smith", "officer"),
        person("jones", "officer"),
        person("late", "officer", trained=LAPSED),
        person("aud", "auditor"),
    )
    return made


@pytest.fixture
def doors(agency: Agency) -> Iterator[Doors]:
    with ExitStack() as stack:
        yield lambda who: stack.enter_context(door_of(agency.database, who))


@pytest.fixture
def code(agency: Agency, doors: Doors) -> str:
    """The code that the administrator made before their training lapsed."""
    made = recovery.make_code(doors("lee"))
    agency.put(person("lee", "administrator", trained=LAPSED))
    return made


def administrators(agency: Agency) -> set[str]:
    found = agency.database.rows(
        "SELECT id FROM platestream.registry FINAL "
        "WHERE kind = 'user' AND active AND role LIKE '%administrator%' "
        "AND trained_at > now() - INTERVAL 1 YEAR"
    )
    return {name for (name,) in found}


def test_nobody_founds_again_when_every_administrators_training_has_lapsed(
    agency: Agency, code: str, doors: Doors
) -> None:
    for who in ("smith", "stranger", "lee"):
        with pytest.raises(RefusedInquiry):
            registry.put(doors(who), person("mallory", "administrator"), NOW)
    assert administrators(agency) == set()
    result = agency.results("administrator")["administrator"]
    assert result.outcome == "not_held"
    assert "platestream registry recover" in str(result)


@pytest.mark.parametrize("kind", ["registry_user", "registry_agency", "registry_recovery_code"])
@pytest.mark.parametrize("gone", ["lapsed", "ended", "another role", "another agency's"])
def test_an_account_in_sql_does_not_found_an_agency_that_had_an_administrator(
    agency: Agency, kind: str, gone: str
) -> None:
    agency.put(
        {
            "lapsed": person("lee", "administrator", trained=LAPSED),
            "ended": person("lee", "administrator", active=False),
            "another role": person("lee", "officer"),
            "another agency's": person("lee", "officer", agency="county"),
        }[gone]
    )
    agency.database.client().command("OPTIMIZE TABLE platestream.registry FINAL")
    inquiry = agency.database.ask(DOOR, kind=kind, on_behalf_of="stranger", other="user/stranger")
    assert agency.database.logged(inquiry)["outcome"] == "refused"


def test_yesterdays_installation_that_had_an_administrator_is_founded(empty_database: Database) -> None:
    client = empty_database.client()
    migrate.apply(client)
    agency = Agency(empty_database, empty_database.data)
    agency.put(OWN, person("lee", "officer"))
    client.command("TRUNCATE TABLE platestream.administrators")
    agency.log(
        kind="registry_user", who="lee", other="user/lee", change="role: officer -> administrator,officer"
    )
    file = files("platestream.clickhouse").joinpath("migrations/0176_recovery.sql").read_text("utf-8")
    (text,) = [one for one in statements(file) if one.startswith("INSERT INTO platestream.administrators")]
    client.command(text)
    assert empty_database.rows("SELECT id FROM platestream.administrators") == [("lee",)]


def test_the_first_administrator_is_founded_by_anybody_with_a_code(database: Database) -> None:
    with door_of(database, "chief") as chief:
        registry.put(chief, OWN, NOW)
        assert len(recovery.code_at_founding(chief, ["administrator"]).replace("-", "")) == recovery.LENGTH
        registry.put(chief, person("chief", "administrator"), NOW)
        assert recovery.code_at_founding(chief, ["administrator"]) == ""
    assert Agency(database, database.data).outcomes("administrator") == {"administrator": "held"}


def test_two_people_with_the_code_bring_an_administrator_back_and_it_is_not_held_until_an_auditor_reviews_it(
    agency: Agency, code: str, doors: Doors
) -> None:
    assert not recovery.recover(doors("smith"), "lee", code, TODAY).done
    assert administrators(agency) == set()
    assert recovery.recover(doors("jones"), "lee", code.lower().replace("-", " "), None).done
    assert administrators(agency) == {"lee"}
    assert agency.outcomes("administrator") == {"administrator": "not_held"}
    inquiry = agency.database.value("SELECT inquiry_id FROM platestream.recoveries WHERE step = 'done'")
    agency.put(person("jones", "auditor"), person("lee2", "auditor"))
    recovery.review(doors("jones"), str(inquiry), "I was there myself, all fine")
    assert agency.outcomes("administrator") == {"administrator": "not_held"}
    recovery.make_code(doors("lee"))
    recovery.review(doors("aud"), str(inquiry), "Both of them and the Chief were asked")
    assert agency.outcomes("administrator") == {"administrator": "held"}


def test_a_code_counts_once(agency: Agency, code: str, doors: Doors) -> None:
    recovery.recover(doors("smith"), "lee", code, TODAY)
    recovery.recover(doors("jones"), "lee", code, None)
    assert agency.results("administrator")["administrator"].outcome == "not_held"
    agency.put(person("lee", "administrator", trained=LAPSED))
    with pytest.raises(RefusedInquiry, match="used before"):
        recovery.recover(doors("smith"), "ana", code, TODAY)


def test_a_code_is_not_found_by_trying_and_every_try_is_a_row(
    agency: Agency, code: str, doors: Doors
) -> None:
    for number in range(5):
        with pytest.raises(RefusedInquiry, match="is wrong"):
            recovery.recover(doors("smith"), "lee", f"{number:026}", TODAY)
    with pytest.raises(RefusedInquiry, match="wait"):
        recovery.recover(doors("smith"), "lee", code, TODAY)
    assert not recovery.recover(doors("jones"), "lee", code, TODAY).done  # others do not wait for smith
    rows = agency.database.rows("SELECT who, step FROM platestream.recoveries ORDER BY at")
    assert rows == [("smith", "refused")] * 6 + [("jones", "first")]


def test_one_person_is_not_two(agency: Agency, code: str, doors: Doors) -> None:
    twin = msgspec.structs.replace(person("smythe", "officer"), employee_number="E-smith")
    agency.put(twin)
    recovery.recover(doors("smith"), "lee", code, TODAY)
    assert not recovery.recover(doors("smith"), "lee", code, TODAY).done
    with pytest.raises(RefusedInquiry, match="second person is the first"):
        recovery.recover(doors("smythe"), "lee", code, TODAY)
    assert administrators(agency) == set()


def test_nobody_brings_themselves_back(agency: Agency, code: str, doors: Doors) -> None:
    with pytest.raises(RefusedInquiry, match="themselves"):
        recovery.recover(doors("smith"), "smith", code, TODAY)


def test_who_has_no_training_or_is_not_registered_takes_no_part(
    agency: Agency, code: str, doors: Doors
) -> None:
    recovery.recover(doors("smith"), "lee", code, TODAY)
    for who, rule in (("late", "lapsed"), ("stranger", "not a registered"), ("lee", "lapsed")):
        with pytest.raises(RefusedInquiry, match=rule):
            recovery.recover(doors(who), "lee", code, None)


def test_lapsed_people_take_part_where_all_training_has_lapsed(
    agency: Agency, code: str, doors: Doors
) -> None:
    agency.put(*(person(who, "officer", trained=LAPSED) for who in ("ana", "smith", "jones", "aud")))
    recovery.recover(doors("smith"), "lee", code, TODAY)
    assert recovery.recover(doors("jones"), "lee", code, None).done
    agency.follow()
    assert agency.outcomes("trained")["trained"] == "not_held"  # the others are still untrained
    found = agency.database.rows(
        "SELECT rule FROM platestream.inquiry_findings WHERE kind = 'registry_recover'"
    )
    assert found == []


def test_nobody_is_brought_back_while_an_administrator_is_in_force(agency: Agency, doors: Doors) -> None:
    code = recovery.make_code(doors("lee"))
    with pytest.raises(RefusedInquiry, match="is in force"):
        recovery.recover(doors("smith"), "ana", code, TODAY)


def test_the_record_that_the_first_saw_is_the_one_that_counts(
    agency: Agency, code: str, doors: Doors
) -> None:
    recovery.recover(doors("smith"), "lee", code, TODAY)
    with pytest.raises(RefusedError, match="not registered"):
        recovery.recover(doors("jones"), "mallory", code, TODAY)
    assert not recovery.recover(doors("jones"), "ana", code, TODAY).done  # another record: another beginning
    assert administrators(agency) == set()


def test_a_recovery_that_two_people_did_not_complete_writes_no_record(
    agency: Agency, code: str, doors: Doors
) -> None:
    recovery.recover(doors("smith"), "lee", code, TODAY)
    inquiry, text = agency.database.rows("SELECT inquiry_id, record FROM platestream.recoveries")[0]
    with pytest.raises(Refused):
        agency.database.client(DOOR).insert(
            "platestream.registry_change", [[inquiry, text]], column_names=["inquiry_id", "record"]
        )


def test_a_code_of_ones_own_making_is_not_taken(agency: Agency, code: str, doors: Doors) -> None:
    with pytest.raises(RefusedInquiry, match="administrator"):
        recovery.make_code(doors("smith"))
    effect = sha256(b"salt:" + b"0" * 64).hexdigest()
    inquiry = agency.database.ask(
        DOOR, kind="registry_recovery_code", on_behalf_of="smith", effect=effect, pattern=""
    )
    for result in (inquiry, uuid4()):
        with pytest.raises(Refused):
            agency.database.client(DOOR).insert(
                "platestream.recovery_code",
                [[result, "salt", "0" * 64]],
                column_names=["inquiry_id", "salt", "hash"],
            )
    for table in ("recovery_codes", "recoveries", "administrators"):
        with pytest.raises(Refused):
            agency.database.client(DOOR).command(f"SELECT count() FROM platestream.{table}")


def test_the_code_is_stored_nowhere(agency: Agency, code: str, doors: Doors) -> None:
    recovery.recover(doors("smith"), "lee", code, TODAY)
    salt, hashed = agency.database.rows("SELECT salt, hash FROM platestream.recovery_codes")[0]
    stored = agency.database.rows("SELECT toString(tuple(*)) FROM platestream.inquiry_log")
    stored += agency.database.rows("SELECT toString(tuple(*)) FROM platestream.recoveries")
    key = recovery._key(code, salt)
    assert sha256(bytes.fromhex(key)).hexdigest() == hashed
    assert not any(code in text or key in text for (text,) in stored)


def test_a_record_that_no_person_is_behind_is_refused(agency: Agency, code: str, doors: Doors) -> None:
    officer: RegistryRecord = person("ana", "officer")
    record = msgspec.structs.replace(officer, changed_at=doors("smith").now(), changed_by="smith")
    permit = doors("smith").enter("registry_recover", record.key, effect=registry.effect_of(record))
    status = recovery.status(doors("smith"))
    doors("smith").write(
        "recover",
        inquiry_id=permit.inquiry_id,
        proof=recovery._key(code, status.salt),
        record=record.to_json().decode(),
    )
    rows = agency.database.rows("SELECT step, refusal FROM platestream.recoveries")
    assert rows == [("refused", "the record is of no administrator")]
