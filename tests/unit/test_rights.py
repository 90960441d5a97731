"""The rights of accounts on a broker, against what the flows do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bytewax.dataflow import Dataflow

from platestream.edges.edge import Edge
from platestream.edges.kafka_acls import declared_acls, principal
from platestream.flows import audit_flow, match_flow, notify_flow, recognize_flow
from platestream.operations.dead_letters import AGAIN
from platestream.operators.notify.rules import parse_rules
from platestream.schemas.rights import ACCOUNTS, PREFIX, Rights
from platestream.schemas.topics import DEAD_LETTERS, TOPICS, Topic
from tests.support.flows import ScriptedReader
from tests.support.memory_edge import MemoryTables, MemoryTopics


class Noting(MemoryTopics):
    """Notes which topics are asked for, to read and to write."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.writes = set[str](), set[str]()

    def read(self, topic: Topic[Any]) -> Any:
        self.reads.add(topic.name)
        return super().read(topic)

    def load(self, topic: Topic[Any]) -> Any:
        self.reads.add(topic.name)
        return super().load(topic)

    def write(self, topic: Topic[Any]) -> Any:
        self.writes.add(topic.name)
        return super().write(topic)

    def writer(self, topic: Topic[Any]) -> Any:
        self.writes.add(topic.name)
        return super().writer(topic)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Any]:
        self.reads.add(topic.name)
        return super().read_to_end(topic, prefix)


def build(name: str, edge: Edge) -> Dataflow:
    match name:
        case "recognize":
            return recognize_flow.build(edge, ScriptedReader({}))
        case "match":
            return match_flow.build(edge)
        case "audit":
            return audit_flow.build(edge)
    siem = '[[receivers]]\nname = "siem"\nsyslog = "syslog+udp://127.0.0.1:9"\npurpose = "monitoring"\n'
    records = '[[receivers]]\nname = "records"\nrms = "/srv/rms"\npurpose = "reports"\n'
    reads = '[[receivers]]\nname = "map"\nmqtt_reads = "mqtts://127.0.0.1/reads"\npurpose = "map"\n'
    return notify_flow.build(edge, parse_rules(siem + records + reads))


@pytest.mark.parametrize("name", ["recognize", "match", "audit", "notify"])
def test_a_flow_has_the_rights_that_it_uses_and_no_more(name: str) -> None:
    topics = Noting()
    build(name, Edge(topics, MemoryTables()))
    rights = ACCOUNTS[name]
    claims = {"claims"} if rights.claims else set()
    assert topics.reads | claims == {topic.name for topic in rights.reads}
    assert topics.writes | claims == {topic.name for topic in rights.writes}
    assert (rights.compares, rights.makes) == (False, False)


@pytest.mark.parametrize("name", ["console", "tools"])
def test_whoever_sends_dead_letters_again_may_write_where_they_came_from(name: str) -> None:
    assert set(AGAIN.values()) | {DEAD_LETTERS} <= set(ACCOUNTS[name].writes)
    assert DEAD_LETTERS in ACCOUNTS[name].reads


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_somebody_who_reads_and_somebody_who_writes_it(topic: Topic[Any]) -> None:
    assert [name for name, rights in ACCOUNTS.items() if topic in rights.reads]
    assert [name for name, rights in ACCOUNTS.items() if topic in rights.writes]


def test_no_right_is_given_twice_and_none_is_for_all_topics() -> None:
    acls = declared_acls()
    assert len(set(acls)) == len(acls)
    flows = {f"platestream_{flow} " for flow in ("recognize", "match", "audit", "notify")}
    others = {"platestream", "__transaction_state"}
    assert {one.name for one in acls} == {topic.name for topic in TOPICS} | others | flows
    assert {one.principal for one in acls} == {principal(name) for name in set(ACCOUNTS) - {"retention"}}


def test_the_page_for_operators_has_the_rights_as_they_are_declared() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/topics.md").read_text()
    for name, rights in ACCOUNTS.items():
        if rights == Rights():
            continue
        reads, writes = (
            ", ".join(f"`{topic.name}`" for topic in of) or "-" for of in (rights.reads, rights.writes)
        )
        assert f"| `{PREFIX}{name}` | {reads} | {writes} |" in page
