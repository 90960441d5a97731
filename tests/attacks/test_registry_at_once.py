"""Attempts to change who may do what beside the act, or later than the act (issue 27, row 8)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError as Refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.access import inquire, registry
from platestream.access.door import Door
from platestream.access.profiles import load
from platestream.access.shifts import log_in
from platestream.edges.clickhouse_client import ANALYST, AUDITOR, CUSTODIAN, DOOR, INGEST, SUPERVISOR
from platestream.edges.kafka_client import BrokerError
from platestream.operators.inquiry_checks.logic import Event, InquiryChecks
from platestream.schemas import tables, topics
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GATE_RULES, RulesInForce, of_profile
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import EPOCH
from tests.support.agency import DAY, MINUTE, Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person
from tests.support.flows import INQUIRY

RULED = RulesInForce(NOW - 1000 * DAY, of_profile("st-johns", load("st-johns")))
SAID = "Stolen truck of last night"


@pytest.fixture
def agency(database: Database) -> Agency:
    """An agency with two administrators and an officer, and a registry of their acts."""
    made = Agency(database, database.data)
    made.put(OWN, person("lee", "administrator"), person("kim", "administrator"), person("smith", "officer"))
    return made


@pytest.fixture
def lee(agency: Agency) -> Iterator[Door]:
    with door_of(agency.database, "lee") as door:
        yield door


def ended(agency: Agency, who: str = "smith", **more: Any) -> RegistryRecord:
    record = next(one for one in registry.records(agency.streams) if one.id == who)
    at = agency.database.value("SELECT now64(3, 'UTC')")
    return msgspec.structs.replace(record, **{"active": False, "changed_at": at, "changed_by": "lee", **more})


def acted(agency: Agency, record: RegistryRecord, who: str = "lee", **changes: Any) -> UUID:
    effect = sha256(record.to_json()).hexdigest()
    act = f"registry_{record.kind}"
    return agency.enter(act, record.key, who, **{"effect": effect, **changes})


def written(agency: Agency, inquiry: UUID, record: RegistryRecord | str, role: str = DOOR) -> bool:
    """Whether the database took the record by this act."""
    text = record if isinstance(record, str) else record.to_json().decode()
    try:
        agency.database.client(role).insert(
            "platestream.registry_change", [[inquiry, text]], column_names=["inquiry_id", "record"]
        )
    except Refused:
        return False
    return True


def searches(agency: Agency, who: str = "smith") -> str:
    inquiry = agency.database.ask(DOOR, on_behalf_of=who, reason=SAID)
    return str(agency.database.logged(inquiry)["outcome"])


def test_a_person_who_was_ended_searches_no_more_while_no_flow_runs(agency: Agency, lee: Door) -> None:
    assert searches(agency) == "allowed"
    registry.end(lee, "user", "smith", datetime.now(UTC))
    assert searches(agency) == "refused"


def test_a_change_counts_though_its_topic_is_unreachable_and_repair_brings_it_there(
    agency: Agency, lee: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_told: Any) -> None:
        raise BrokerError("no broker")

    with monkeypatch.context() as patched:
        patched.setattr(registry, "publish", away)
        with pytest.raises(BrokerError, match="platestream registry repair"):
            registry.end(lee, "user", "smith", datetime.now(UTC))
    assert searches(agency) == "refused"
    assert agency.outcomes("recorded") == {"recorded": "not_held"}
    assert registry.repair(lee) == ["user/smith"]
    assert not registry.records_of(agency.streams, "user")["smith"].active
    assert registry.repair(lee) == []


def test_a_record_on_the_topic_alone_gives_nobody_a_right(agency: Agency) -> None:
    raised = ended(agency, active=True, role="administrator,officer")
    agency.streams.append(topics.REGISTRY, [topics.REGISTRY.encode(raised)])
    agency.follow()
    rows = agency.database.rows("SELECT role FROM platestream.registry FINAL WHERE id = 'smith'")
    assert rows == [("officer",)]
    result = agency.results("recorded")["recorded"]
    assert result.outcome == "not_held"


@pytest.mark.parametrize("role", [DOOR, ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, INGEST])
def test_nobody_writes_the_registry_itself(agency: Agency, role: str) -> None:
    row = tables.REGISTRY.rows(ended(agency, active=True, role="administrator"))
    with pytest.raises(Refused):
        agency.database.client(role).insert(
            "platestream.registry", row, column_names=list(tables.REGISTRY.columns)
        )


def test_the_flows_account_brings_no_person_past_the_topic(agency: Agency) -> None:
    raised = tables.REGISTRY.rows(ended(agency, active=True, role="administrator"))
    agency.database.client(INGEST).insert(
        "platestream.registry_followed", raised, column_names=list(tables.REGISTRY.columns)
    )
    assert (
        agency.database.value("SELECT role FROM platestream.registry FINAL WHERE id = 'smith'") == "officer"
    )


def test_an_act_writes_its_own_record_and_no_other(agency: Agency) -> None:
    record = ended(agency)
    inquiry = acted(agency, record)
    assert not written(agency, inquiry, msgspec.structs.replace(record, active=True, role="administrator"))
    assert not written(agency, inquiry, record.to_json().decode() + " ")
    assert not written(agency, uuid4(), record)
    assert written(agency, inquiry, record)
    assert written(agency, inquiry, record)  # a retry of the same changes nothing


def test_an_act_of_another_kind_or_about_another_person_writes_nothing(agency: Agency) -> None:
    record = ended(agency)
    effect = sha256(record.to_json()).hexdigest()
    other_kind = agency.enter("registry_camera", record.key, "lee", effect=effect)
    other_person = agency.enter("registry_user", "user/kim", "lee", effect=effect)
    search = agency.enter("search", record.key, "smith", effect=effect, reason=SAID, pattern="AB*")
    assert [written(agency, one, record) for one in (other_kind, other_person, search)] == [False] * 3


def test_a_refused_act_writes_nothing(agency: Agency) -> None:
    record = ended(agency, "kim")
    inquiry = agency.database.ask(
        DOOR,
        kind="registry_user",
        on_behalf_of="smith",
        other=record.key,
        effect=sha256(record.to_json()).hexdigest(),
    )
    assert agency.database.logged(inquiry)["outcome"] == "refused"
    assert not written(agency, inquiry, record)


def test_a_record_of_before_or_of_the_future_is_not_taken(agency: Agency, lee: Door) -> None:
    before = ended(agency, active=True, role="auditor")
    replayed = acted(agency, before)
    registry.end(lee, "user", "smith", datetime.now(UTC))
    assert not written(agency, replayed, before)
    future = ended(agency, changed_at=datetime.now(UTC) + timedelta(days=40))
    assert not written(agency, acted(agency, future), future)
    past = ended(agency, "kim", changed_at=datetime.now(UTC) - timedelta(hours=1))
    assert not written(agency, acted(agency, past), past)
    assert searches(agency) == "refused"


def test_nobody_changes_their_own_record_under_a_cut_name(agency: Agency) -> None:
    long = "lee-" + "x" * 60
    agency.put(person(long, "administrator"))
    record = ended(agency, long, active=True, role="administrator,auditor")
    inquiry = agency.database.ask(
        DOOR,
        kind="registry_user",
        on_behalf_of=long,
        other=record.key[:64],
        effect=sha256(record.to_json()).hexdigest(),
    )
    assert not written(agency, inquiry, record)


def test_who_was_ended_does_not_bring_themselves_back(agency: Agency, lee: Door) -> None:
    registry.end(lee, "user", "kim", datetime.now(UTC))
    with door_of(agency.database, "kim") as kim, pytest.raises(inquire.RefusedInquiry):
        registry.put(kim, person("kim", "administrator"), datetime.now(UTC))
    back = ended(agency, "kim", active=True)
    inquiry = agency.database.ask(
        DOOR,
        kind="registry_user",
        on_behalf_of="kim",
        other="user/kim",
        effect=sha256(back.to_json()).hexdigest(),
    )
    assert not written(agency, inquiry, back)


def test_a_shift_counts_for_the_database_when_it_is_logged_in(agency: Agency) -> None:
    with door_of(agency.database, "smith") as smith:
        shift = log_in(smith, timedelta(hours=8), datetime.now(UTC))
    rows = agency.database.rows("SELECT id FROM platestream.registry FINAL WHERE kind = 'shift'")
    assert rows == [(shift.id,)]


@pytest.mark.parametrize("late", [False, True])
def test_what_was_done_after_a_change_is_found_whenever_the_change_comes(late: bool) -> None:
    before = person("smith", "officer", trained=NOW - 9 * DAY)
    known = [msgspec.structs.replace(one, changed_at=NOW - 8 * DAY) for one in (OWN, before)]
    end = msgspec.structs.replace(before, active=False, changed_at=NOW - MINUTE)
    looks = [looked(1, NOW - 2 * MINUTE), looked(2, NOW)]
    checks = InquiryChecks(None, lambda: NOW)
    result: list[Event] = [RULED, *known, EndOfSnapshot(GATE_RULES, 0, 1), EndOfSnapshot("registry", 0, 1)]
    out, _more = checks.on_batch([*result, *looks, end] if late else [*result, end, *looks])
    found = [(one.inquiry_id, one.rule) for one in out if isinstance(one, Finding)]
    assert found == [(UUID(int=2), "registered")]


def looked(number: int, at: datetime) -> SealedInquiry:
    one = msgspec.structs.replace(INQUIRY, inquiry_id=UUID(int=number), at=at, who="smith", agency="sjpd")
    return SealedInquiry(seal=number, previous="0" * 64, hash="0" * 64, inquiry=one)


MOMENTS = st.none() | st.integers(0, 4 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us))
RECORDS = st.builds(
    RegistryRecord,
    kind=st.just("agency"),
    id=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9 ._:@/#-]{0,20}\Z"),
    name=st.text(max_size=20).filter(lambda text: "\0" not in text),
    active=st.booleans(),
    approved_by=st.sampled_from(("", 'Chief "B"\\n', "Ñandú\n")),
    approved_at=MOMENTS,
    own=st.booleans(),
    law_enforcement=st.booleans(),
    mou_from=MOMENTS,
    shares_cameras=st.lists(st.sampled_from(("a", "b/c", "d e")), max_size=3).map(tuple),
    shares_kinds=st.lists(st.sampled_from(("search", "hits")), max_size=2).map(tuple),
    state=st.sampled_from(("", "AZ")),
)


@given(made=RECORDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_reads_a_record_as_the_flow_does(shared_agency: Agency, made: RegistryRecord) -> None:
    database = shared_agency.database
    record = msgspec.structs.replace(made, changed_at=database.value("SELECT now64(3, 'UTC')"))
    database.client().command("TRUNCATE TABLE platestream.registry")
    shared_agency.put(OWN, person("lee", "administrator"))
    assert written(shared_agency, acted(shared_agency, record), record)
    names = ", ".join(tables.REGISTRY.columns)
    sql = f"SELECT {names} FROM platestream.registry FINAL WHERE kind = 'agency' AND id = {{id:String}}"
    (row,) = database.rows(sql, id=record.id)
    (wanted,) = tables.REGISTRY.rows(record)
    assert [_in_milliseconds(one) for one in wanted] == list(row)


def _in_milliseconds(value: Any) -> Any:
    whole = isinstance(value, datetime)
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if whole else value


@pytest.fixture
def shared_agency(database: Database) -> Agency:
    return Agency(database, database.data)
