from pathlib import Path
from uuid import UUID

import msgspec

from platestream.flows import audit_flow
from platestream.schemas import tables, topics
from platestream.schemas.inquiry import chain_faults
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from tests.support.flows import ACTION, INQUIRY, memory_edge, recovery, run


def inquiries(first: int, count: int) -> list[object]:
    return [msgspec.structs.replace(INQUIRY, inquiry_id=UUID(int=n)) for n in range(first, first + count)]


def test_every_inquiry_is_copied_in_an_unbroken_chain_refused_ones_too() -> None:
    edge, streams, store = memory_edge()
    store.log.extend(inquiries(1, 2))  # type: ignore[arg-type]
    store.log.append(msgspec.structs.replace(INQUIRY, outcome="refused", refusal="no case number, no reason"))
    run(audit_flow.build(edge))
    copy = streams.records(topics.INQUIRIES)
    assert [one.inquiry for one in copy] == store.log
    assert list(chain_faults(copy)) == []


def test_a_restart_copies_only_what_is_new(tmp_path: Path) -> None:
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    store.log.extend(inquiries(1, 2))  # type: ignore[arg-type]
    run(audit_flow.build(edge), kept)
    store.log.extend(inquiries(3, 2))  # type: ignore[arg-type]
    run(audit_flow.build(edge), kept)
    assert [one.seal for one in streams.records(topics.INQUIRIES)] == [1, 2, 3, 4]


def test_hit_actions_reach_their_table_once_and_bad_ones_the_dead_letters() -> None:
    edge, streams, store = memory_edge()
    for _twice in range(2):
        streams.append(topics.HIT_ACTIONS, topics.HIT_ACTIONS.encode(ACTION))
    streams.append(topics.HIT_ACTIONS, Message(b"hit", b'{"schema":"hit_action/1"}'))
    run(audit_flow.build(edge))
    assert [row["action_id"] for row in store.rows(tables.HIT_ACTIONS)] == [ACTION.action_id]
    assert [letter.reason for letter in streams.records(topics.DEAD_LETTERS)] == ["schema"]


def test_the_registry_is_followed_and_inquiries_are_checked_against_it() -> None:
    edge, streams, store = memory_edge()
    user = RegistryRecord(kind="user", id=INQUIRY.who, name="M. Lee", agency="sjpd")
    agency = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)
    for record in (user, agency):
        streams.append(topics.REGISTRY, topics.REGISTRY.encode(record))
    store.log.extend(inquiries(1, 2))  # type: ignore[arg-type]
    run(audit_flow.build(edge), workers=2)
    assert {row["id"] for row in store.rows(tables.REGISTRY_FOLLOWED)} == {user.id, agency.id}
    found = store.rows(tables.INQUIRY_FINDINGS)
    assert {row["inquiry_id"] for row in found} == {UUID(int=1), UUID(int=2)}
    assert {row["rule"] for row in found} == {"trained"}
    copy = streams.records(topics.INQUIRIES)
    remarks = [one for one in copy if one.findings]
    assert [one.seal for one in copy if not one.findings] == [1, 2]
    assert sorted(one.seal for one in remarks) == [1, 2]
