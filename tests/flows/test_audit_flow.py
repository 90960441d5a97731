from pathlib import Path
from uuid import UUID

import msgspec

from flows import audit_flow
from schemas import tables, topics
from schemas.inquiry import broken
from schemas.message import Message
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
    assert list(broken(copy)) == []


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
