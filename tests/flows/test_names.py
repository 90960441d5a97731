"""Names that outlive code: a step's id is the key of its state and position in the recovery store."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from bytewax.dataflow import Dataflow

from platestream.flows import audit_flow, match_flow, notify_flow, recognize_flow
from platestream.operators.consensus import PassRules, VehiclePasses
from platestream.operators.inquiry_checks.logic import InquiryChecks
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.events import Reads
from platestream.operators.notify.rules import NotifyRules
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.inquiry import FIRST, chain
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.tables import TABLES
from platestream.schemas.topics import TOPICS
from tests.support.clock import NOW
from tests.support.flows import INQUIRY, LISTED, READ, ScriptedReader, memory_edge

STORED = {
    "recognize": [
        "recognize.registry",
        "recognize.frames",
        "recognize.once",
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
        "match.found",
        "match.place",
        "match.match",
        "match.alert_hits_table",
        "match.hit_facts_table",
        "match.dead_letters_table",
    ],
    "notify": [
        "notify.registry",
        "notify.deliveries",
        "notify.presence",
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
        "presence",
        "in_view",
        "claims",
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
        "frames_counted",
    ]


def test_state_is_bytes_or_nothing_so_that_class_names_may_change() -> None:
    passes = VehiclePasses(None, ("m",), PassRules(), lambda: NOW)
    matcher = HotListMatcher(None)
    matcher.on_batch([[Reads([READ])]])
    assert type(passes.snapshot()) is bytes
    assert type(matcher.snapshot()) is bytes
    held, others, passes, batches = msgspec.msgpack.decode(matcher.snapshot())
    assert held[0]["schema"] == "detection/1"
    assert (others, passes, batches) == ([], {}, [[1, 0]])


def test_what_waits_in_a_store_of_the_version_before_is_judged_by_this_one() -> None:
    """Its encodings: the matcher without `batches`, the checks with inquiries alone."""
    hits = list(matched(msgspec.msgpack.encode([[READ], [], {}])))
    assert [hit.detection for hit in hits] == [READ]
    inquiry = next(iter(chain([INQUIRY], 0, FIRST)))
    checks = InquiryChecks(msgspec.msgpack.encode([[inquiry], {}]), lambda: NOW)
    assert msgspec.msgpack.decode(checks.snapshot())[0][0]["schema"] == "sealed_inquiry/1"


def matched(state: bytes) -> Iterator[AlertHit]:
    matcher = HotListMatcher(state)
    marks = [EndOfSnapshot(name, 0, 1) for name in ("hotlist", "registry")]
    entry = msgspec.structs.replace(LISTED, plate=READ.plate, expires_at=READ.captured_at + timedelta(days=1))
    yield from matcher.on_batch([[pack_entry(entry), *marks]])[0]
