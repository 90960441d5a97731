"""Names that outlive code: a step's id is the key of its state and position in the recovery store."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from bytewax.dataflow import Dataflow

from flows import audit_flow, match_flow, notify_flow, recognize_flow
from operators.consensus import PassRules, VehiclePasses
from operators.match import HotListMatcher
from operators.matching.events import Reads
from operators.notify.rules import NotifyRules
from schemas.tables import TABLES
from schemas.topics import TOPICS
from tests.support.flows import NOW, READ, ScriptedReader, memory_edge

STORED = {
    "recognize": [
        "recognize.registry",
        "recognize.frames",
        "recognize.passes",
        "recognize.detections_table",
        "recognize.images_table",
        "recognize.deployment_findings_table",
        "recognize.dead_letters_table",
    ],
    "match": [
        "match.registry",
        "match.hotlist",
        "match.detections",
        "match.place",
        "match.match",
        "match.alert_hits_table",
        "match.hit_facts_table",
        "match.dead_letters_table",
    ],
    "notify": [
        "notify.registry",
        "notify.deliveries",
        "notify.alert_hits",
        "notify.route",
        "notify.outbox",
        "notify.deliveries_table",
        "notify.dead_letters_table",
    ],
    "audit": [
        "audit.registry",
        "audit.inquiry_log",
        "audit.query_log",
        "audit.hit_actions",
        "audit.check",
        "audit.hit_actions_table",
        "audit.registry_table",
        "audit.findings_table",
        "audit.dead_letters_table",
    ],
}


def flows() -> dict[str, Dataflow]:
    edge, _streams, _tables = memory_edge()
    return {
        "recognize": recognize_flow.build(edge, ScriptedReader({})),
        "match": match_flow.build(edge),
        "audit": audit_flow.build(edge),
        "notify": notify_flow.build(edge, NotifyRules()),
    }


def steps(flow: Any) -> Iterator[Any]:
    for step in flow.substeps:
        yield step
        yield from steps(step)


@pytest.mark.parametrize("name", sorted(STORED))
def test_flow_and_step_ids_that_the_recovery_store_uses_have_not_changed(name: str) -> None:
    flow = flows()[name]
    assert flow.flow_id == name
    assert set(STORED[name]) <= {step.step_id for step in steps(flow)}


def test_topics_and_tables_have_kept_their_names() -> None:
    assert [topic.name for topic in TOPICS] == [
        "frames",
        "frames_quarantine",
        "detections",
        "hotlist",
        "alert_hits",
        "hit_actions",
        "deliveries",
        "inquiries",
        "registry",
        "dead_letters",
    ]
    assert [table.name for table in TABLES] == [
        "detections",
        "images",
        "alert_hits",
        "hit_actions",
        "hit_facts",
        "deliveries",
        "dead_letters",
        "registry",
        "inquiry_findings",
        "deployment_findings",
    ]


def test_state_is_bytes_or_nothing_so_that_class_names_may_change() -> None:
    passes = VehiclePasses(None, ("m",), PassRules(), lambda: NOW)
    matcher = HotListMatcher(None)
    matcher.on_batch([[Reads([READ])]])
    assert type(passes.snapshot()) is bytes
    assert type(matcher.snapshot()) is bytes
    held, others, passes = msgspec.msgpack.decode(matcher.snapshot())
    assert held[0]["schema"] == "detection/1"
    assert (others, passes) == ([], {})
