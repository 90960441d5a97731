"""Main pipeline, end to end, on the embedded edge, and the results of `platestream demo`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from bytewax.testing import run_main

from platestream.access import gate, inquire, registry, rules_in_force
from platestream.access.door import Door, agency_zone
from platestream.access.rules_reader import check as check_rules
from platestream.audit.integrity import check
from platestream.demo.files import HOT_LIST, sample_hot_list, sample_messages
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import ANALYST
from platestream.edges.edge import Edge
from platestream.edges.sealed_topics import SealedTopics
from platestream.engine.folder_lock import lock_folder
from platestream.flows import audit_flow, match_flow, recognize_flow
from platestream.hotlist import bolos
from platestream.hotlist.intake import import_lines
from platestream.hotlist.list_changes import Import
from platestream.hotlist.origin import Delivery
from platestream.operations import setup
from platestream.operators.decode import Bounds
from platestream.reading.factory import PlateReader
from platestream.reading.media import folder_frames
from platestream.reading.vehicle import VehicleModel
from platestream.retention import recovery_stores, uncommitted
from platestream.retention import service as retention
from platestream.schemas import topics
from platestream.schemas.acts import ROLES
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import BOLO_SOURCE, OWN_SOURCE
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from platestream.settings import (
    ACCOUNTS,
    Settings,
    SettingsError,
    embedded_dsn,
    load_settings,
    open_keys,
    open_topics,
)

AGENCY, NEIGHBOR = "sjpd", "az-dps"  # the first one is a name of the sample hot list
EPOCH = timedelta(seconds=1)
BATCH = 50  # frames written to the topic in one batch
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """Results of one demo: reads, hits, refusals and inquiries. All data is in the folder `data`."""

    data: Path
    frames: int
    detections: list[Detection]
    hits: list[AlertHit]
    dead_letters: list[DeadLetter]
    searched: str
    found: list[dict[str, Any]]
    refusal: str
    seals: int
    faults: list[str]


def run_here(frames: Path | None, say: Say) -> Outcome:
    """Run the demo in the data folder of the environment, never on an agency's broker or server.

    Raises SettingsError, and the errors of `run`.
    """
    settings = load_settings()
    if (settings.data / ACCOUNTS).exists():
        raise SettingsError(
            f"{settings.data} belongs to a system of platestream up: name another folder in "
            "PLATESTREAM_DATA for the demo"
        )
    embedded = settings.model_copy(update={"kafka": "", "clickhouse": embedded_dsn(settings.data)})
    return run(embedded, frames, today(), say)


def run(settings: Settings, frames: Path | None, now: datetime, say: Say) -> Outcome:
    """Run all three flows to their end over `frames`, or over the sample frames, and report each step to
    `say`.

    Raises FolderError if another demo or an engine uses the folder, and RefusedInquiry if other people are
    registered and the caller is not.
    """
    with lock_folder(settings.data), Door.open(settings, "platestream demo") as door:
        return _run_all(door, frames, now, say)


def _run_all(door: Door, frames: Path | None, now: datetime, say: Say) -> Outcome:
    settings = door.settings
    streams = open_topics(settings, follow=False)
    tables = ClickHouseTables(settings.clickhouse, follow=False)
    edge = Edge(streams, tables, open_keys(settings))
    before = {topic.name: len(list(streams.read_to_end(topic))) for topic in _COUNTED}
    try:
        say("tables")
        setup.apply_migrations(door)
        check_rules(settings, door.rules)
        say("agency and people")
        register_current_user(door, now)
        say("hot list")
        # A day ago: hits of frames that were captured before an entry was listed would be historical.
        load_sample_list(door, now, now - timedelta(days=1))
        say("frames")
        count = _write(streams, sample_messages(now) if frames is None else folder_frames(frames, now))
        say(f"reading {count} frames")
        reader = PlateReader(settings.models, settings.threads, device=settings.device)
        period = door.rules.profile.retention.span
        _run(
            recognize_flow.build(edge, reader, bounds=Bounds(age=period), examine=VehicleModel()),
            settings.data,
        )
        say("matching")
        _run(match_flow.build(edge), settings.data)
        new = {topic.name: _after(streams, topic, before[topic.name]) for topic in _COUNTED}
        hits = new[topics.ALERT_HITS.name]
        searched = hits[0].detection.plate if hits else "*"
        say("searching")
        found, refusal = _inquire(door, searched, now)
        say("deleting expired data")
        retention.run(door.system_job("retention"), period, now)
        say("sealing the inquiry log")
        _run(audit_flow.build(edge), settings.data)
        log = check(door)
    finally:
        tables.close()
    return Outcome(
        data=settings.data,
        frames=count,
        detections=new[topics.DETECTIONS.name],
        hits=hits,
        dead_letters=new[topics.DEAD_LETTERS.name],
        searched=searched,
        found=found,
        refusal=refusal,
        seals=log.seals,
        faults=log.faults,
    )


_COUNTED = (topics.DETECTIONS, topics.ALERT_HITS, topics.DEAD_LETTERS)


def register_current_user(door: Door, now: datetime) -> None:
    """Register this agency, and the person at the door with every role, trained today.

    Does nothing if an administrator is in force. Raises RefusedError and RefusedInquiry.
    """
    people, rules = registry.load_people(door)
    if people.with_role("administrator", now, rules):
        return
    if not people.users:  # nobody's data: it opens without a phone
        rules_in_force.change(door, rules_in_force.Change(second_factor="nobody"), "the sample")
    own = [one.id for one in people.agencies.values() if one.own and one.active]
    if not own:
        ours = door.rules.profile.agency
        registry.put(
            door, RegistryRecord(kind="agency", id=AGENCY, name=ours.name, state=ours.state, own=True), now
        )
    midnight = now.astimezone(agency_zone(door)).replace(hour=0, minute=0, second=0, microsecond=0)
    whoever = RegistryRecord(
        kind="user",
        id=door.who,
        name=door.who,
        agency=own[0] if own else AGENCY,
        employee_number="1",
        sworn=True,
        trained_at=midnight,
    )
    registry.put_user(door, whoever, now, ROLES)


def load_sample_list(door: Door, now: datetime, listed: datetime) -> list[Import]:
    """Import the sample hot list as `hotlist import` does, one source at a time, as of `listed`.

    Lists of other sources come by their feed, which is the sample file. The agency's own entries are added by
    hand, and BOLOs are received from an agency with an MOU.
    """
    every = sample_hot_list(now)
    lines = [line for line in every if line["source"] != BOLO_SOURCE]
    sources = sorted({line["source"] for line in lines})
    known = registry.records_of(door.streams, "hotlist_source")
    for source in sources:
        feed = RegistryRecord(
            kind="hotlist_source", id=source, name=source, feed_place=str(HOT_LIST), feed_layout="csv"
        )
        if source != OWN_SOURCE and (source not in known or known[source].feed_place != feed.feed_place):
            registry.designate(door, feed, now)
    neighbor = RegistryRecord(
        kind="agency", id=NEIGHBOR, name="Arizona DPS (sample)", state="AZ", mou_from=now - timedelta(days=1)
    )
    if NEIGHBOR not in registry.records_of(door.streams, "agency"):
        registry.put_agency(door, neighbor, now)
    for line in every:
        if line["source"] == BOLO_SOURCE:
            bolos.take(door, NEIGHBOR, line, listed)
    return [
        import_lines(
            door if source == OWN_SOURCE else door.system_job("hotlist"),
            source,
            enumerate(line for line in lines if line["source"] == source),
            listed,
            "the sample hot list",
            Delivery(place=HOT_LIST),
        )
        for source in sources
    ]


def _write(streams: SealedTopics, messages: Iterable[Message]) -> int:
    count, batch = 0, []
    for message in messages:
        batch.append(message)
        count += 1
        if len(batch) == BATCH:
            streams.append(topics.FRAMES, batch)
            batch = []
    if batch:
        streams.append(topics.FRAMES, batch)
    return count


def _run(flow: Dataflow, data: Path) -> None:
    """Run one flow to the end of its input, from where its last run stopped."""
    folder = data / "recovery" / flow.flow_id
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with recovery_stores.lock_store(folder):
        if not folder.exists():
            recovery_stores.make(folder, 1)
        uncommitted.delete_uncommitted(folder)
        run_main(
            flow,
            epoch_interval=EPOCH,
            recovery_config=RecoveryConfig(str(folder), backup_interval=timedelta(0)),
        )


def _after(streams: SealedTopics, topic: Any, count: int) -> list[Any]:
    return [topic.decode(message) for message in list(streams.read_to_end(topic))[count:]]


def _inquire(door: Door, plate: str, now: datetime) -> tuple[list[dict[str, Any]], str]:
    """Make one inquiry with a reason and one without; return the reads of the first and the refusal of the
    second.
    """
    ask = partial(gate.search, door.client(ANALYST), pattern=plate, since=now - timedelta(days=1))
    found = ask(**door.documentation(reason="Demonstration of a documented inquiry"))
    try:
        ask(**door.documentation())
    except inquire.RefusedInquiry as refused:
        return found, str(refused)
    return found, ""


def today() -> datetime:
    """Return the current time in whole milliseconds, as cameras write it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
