"""The real flows over topics in memory and the embedded database: what boards and their page are tried on."""

import contextlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from platestream.access import gate, inquire
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import ANALYST
from platestream.edges.edge import Edge
from platestream.flows import audit_flow, match_flow, notify_flow, recognize_flow
from platestream.operators.notify.rules import NotifyRules
from platestream.retention import service as retention
from platestream.schemas import topics
from platestream.schemas.hit_action import HitAction
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from tests.support import people
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import ScriptedReader, frame_message, listed, run
from tests.support.memory_edge import MemoryTopics

SCRIPT = {1: ["AST3087"], 2: ["XYZ9876"], 3: [], 4: ["KLM5555"], 5: ["AST3087"]}
CAMERAS = ("N1", "N2", "cam-3")
PLATES = ("AST3087", "XYZ9876", "KLM5555")
PEOPLE = ("Ofc. Vale", "jdoe")
WORDS = ("Stolen on 11-23", "hit and run inquiry")


def records() -> list[RegistryRecord]:
    """A registry as an agency has it."""
    return [
        RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True, changed_at=NOW),
        RegistryRecord(
            kind="user",
            id="jdoe",
            name="J. Doe",
            agency="sjpd",
            role="analyst",
            trained_at=NOW,
            changed_at=NOW,
        ),
        RegistryRecord(
            kind="user",
            id="chief",
            name="Chief",
            agency="sjpd",
            role="administrator",
            trained_at=NOW,
            changed_at=NOW,
        ),
        RegistryRecord(kind="hotlist_source", id="sjpd", name="own", refreshed_at=NOW, changed_at=NOW),
    ]


def frames(streams: MemoryTopics, cameras: int = len(CAMERAS)) -> None:
    """Vehicles of the last minutes, and two pictures that are none."""
    for index in range(24):
        camera = CAMERAS[index % cameras]
        streams.append(topics.FRAMES, frame_message(1 + index % 5, -40 * (25 - index), camera=camera))
    for _twice in range(2):
        streams.append(topics.FRAMES, Message(b"N1", b"GIF89a", frame_message(1, -1).headers))


def run_flows(edge: Edge) -> None:
    """All four, each to the end of its input."""
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT)))
    run(match_flow.build(edge))
    run(notify_flow.build(edge, NotifyRules()))
    run(audit_flow.build(edge))


def fill(database: Database) -> None:
    """A day in the life of an agency, in `database`."""
    streams = MemoryTopics()
    tables = ClickHouseTables(database.dsn, follow=False)
    edge = Edge(streams, tables)
    for record in records():
        streams.append(topics.REGISTRY, topics.REGISTRY.encode(record))
    for number, plate in enumerate(PLATES[:2]):
        streams.append(topics.HOTLIST, topics.HOTLIST.encode(listed(plate, str(number), listed_at=None)))
    frames(streams)
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT)))
    run(match_flow.build(edge))
    rows = [row for record in records() for row in REGISTRY.rows(record)]
    database.client().insert("platestream.registry", rows, column_names=list(REGISTRY.columns))
    inquiries(database)
    run(notify_flow.build(edge, NotifyRules()))
    for number, hit in enumerate(streams.records(topics.ALERT_HITS)[:4]):
        for kind in ("plate_and_state_confirmed", "confirmed_current") if number else ("misread",):
            streams.append(topics.HIT_ACTIONS, topics.HIT_ACTIONS.encode(step(hit.hit_id, kind, number)))
    retention.run(
        retention.start_scheduled(door_of(database, "chief")), timedelta(days=30), datetime.now(UTC)
    )
    run(audit_flow.build(edge))
    tables.close()


def step(hit_id: object, kind: str, number: int) -> HitAction:
    """What an officer recorded about a hit."""
    more = {"action_id": uuid4(), "hit_id": hit_id, "at": NOW + timedelta(seconds=10 + number), "kind": kind}
    if kind == "confirmed_current":
        more["checked_with"] = "ncic"
    if kind == "misread":
        more["confused"] = [{"actual": "B", "read": "8"}]
    return msgspec.convert({**more, "by": PEOPLE[0]}, HitAction)


def inquiries(database: Database) -> None:
    """A documented look, one without a reason, a change of the hot list, and the looks that this set off."""
    client = database.client(ANALYST)
    gate.search(client, pattern="AST*", who="jdoe", tool="tests", reason=WORDS[1], case_number="26-001234")
    with contextlib.suppress(inquire.RefusedInquiry):
        gate.search(client, pattern="AST*", who="jdoe", tool="tests")
    listed: inquire.ActorDocumentation = {
        "who": "jdoe",
        "tool": "tests",
        "reason": WORDS[0],
        "case_number": "26-001234",
    }
    listed["fields"] = people.WORDS
    inquire.record(client, kind="hotlist_add", other="sjpd:1", **listed)
    by: inquire.ActorDocumentation = {
        "who": "look-back",
        "tool": "tests",
        "automatic": True,
        "set_off_by": "jdoe",
    }
    by["reason"] = WORDS[1]
    for _day in range(3):
        gate.search(client, pattern="AST*", **by)
