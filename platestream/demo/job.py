"""The main job, end to end, on the embedded edge: what `platestream demo` does and what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from bytewax.testing import run_main

from connectors.clickhouse import ClickHouseTables
from connectors.clickhouse_client import ANALYST
from connectors.edge import Edge
from connectors.engine.folder import hold
from connectors.files import FileTopics
from connectors.rules_in_force import check as check_rules
from connectors.settings import ACCOUNTS, Settings, SettingsError, embedded_dsn, load_settings
from flows import audit_flow, match_flow, recognize_flow
from flows.reader import open_reader
from operators.decode import Bounds
from platestream.demo.files import HOT_LIST, sample_hot_list, sample_messages
from platestream.demo.people import register_whoever_runs_it
from schemas import topics
from schemas.alert_hit import AlertHit
from schemas.dead_letter import DeadLetter
from schemas.detection import Detection
from schemas.hotlist import OWN_SOURCE
from schemas.message import Message
from schemas.registry import RegistryRecord
from services import registry, setup
from services.door import Door
from services.hotlist.importing import Import
from services.hotlist.intake import import_lines
from services.hotlist.origin import Brought
from services.inquiries import gate
from services.inquiries.whole import check
from services.reading.media import folder_frames
from services.retention import job as retention
from services.retention import recovery_stores, uncommitted

EPOCH = timedelta(seconds=1)
BATCH = 50  # frames written to the topic at once
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What one demo read, hit, refused and logged; all of it is in the folder `data`."""

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
    """The demo in the data folder that the environment names: never an agency's broker or server.

    Raises SettingsError, and what `run` raises.
    """
    settings = load_settings()
    if (settings.data / ACCOUNTS).exists():
        raise SettingsError(
            f"{settings.data} belongs to a system that platestream up runs: name another folder in "
            "PLATESTREAM_DATA for the demo"
        )
    embedded = settings.model_copy(update={"kafka": "", "clickhouse": embedded_dsn(settings.data)})
    return run(embedded, frames, today(), say)


def run(settings: Settings, frames: Path | None, now: datetime, say: Say) -> Outcome:
    """Run all three flows to their end over `frames`, or over the sample frames; `say` hears each step.

    Raises FolderError where another demo or an engine works in the folder, and RefusedInquiry where somebody
    else is registered and whoever runs it is not.
    """
    with hold(settings.data), Door.open(settings, "platestream demo") as door:
        return _run_all(door, frames, now, say)


def _run_all(door: Door, frames: Path | None, now: datetime, say: Say) -> Outcome:
    settings = door.settings
    streams = FileTopics(settings.data, follow=False)
    tables = ClickHouseTables(settings.clickhouse, follow=False)
    edge = Edge(streams, tables)
    before = {topic.name: len(list(streams.messages(topic))) for topic in _COUNTED}
    try:
        say("tables")
        setup.apply_migrations(door)
        check_rules(settings, door.rules)
        say("agency and people")
        register_whoever_runs_it(door, now)
        say("hot list")
        # A day ago: hits of frames that were captured before an entry was listed would be historical.
        load_sample_list(door, now, now - timedelta(days=1))
        say("frames")
        count = _write(streams, sample_messages(now) if frames is None else folder_frames(frames, now))
        say(f"reading {count} frames")
        reader = open_reader(settings.models, settings.threads, device=settings.device)
        period = door.rules.profile.retention.span
        _run(recognize_flow.build(edge, reader, bounds=Bounds(age=period)), settings.data)
        say("matching")
        _run(match_flow.build(edge), settings.data)
        new = {topic.name: _after(streams, topic, before[topic.name]) for topic in _COUNTED}
        hits = new[topics.ALERT_HITS.name]
        searched = hits[0].detection.plate if hits else "*"
        say("searching")
        found, refusal = _inquire(door, searched, now)
        say("deleting what is past its time")
        retention.run(door.machine("retention"), period, now)
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


def load_sample_list(door: Door, now: datetime, listed: datetime) -> list[Import]:
    """Import the sample hot list the way `hotlist import` does, a source at a time, as of `listed`: lists of
    others by their feed, which is the file of the samples, and the agency's own by hand.
    """
    told = sample_hot_list(now)
    sources = sorted({line["source"] for line in told})
    known = registry.listed(door.streams, "hotlist_source")
    for source in sources:
        feed = RegistryRecord(
            kind="hotlist_source", id=source, name=source, feed_place=str(HOT_LIST), feed_layout="csv"
        )
        if source != OWN_SOURCE and (source not in known or known[source].feed_place != feed.feed_place):
            registry.designate(door, feed, now)
    return [
        import_lines(
            door if source == OWN_SOURCE else door.machine("hotlist"),
            source,
            enumerate(line for line in told if line["source"] == source),
            listed,
            "the sample hot list",
            Brought(place=HOT_LIST),
        )
        for source in sources
    ]


def _write(streams: FileTopics, messages: Iterable[Message]) -> int:
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
    """One flow to the end of its input, going on where its last run stopped."""
    folder = data / "recovery" / flow.flow_id
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with recovery_stores.hold(folder):
        if not folder.exists():
            recovery_stores.make(folder, 1)
        uncommitted.take_back(folder)
        run_main(
            flow,
            epoch_interval=EPOCH,
            recovery_config=RecoveryConfig(str(folder), backup_interval=timedelta(0)),
        )


def _after(streams: FileTopics, topic: Any, count: int) -> list[Any]:
    return [topic.decode(message) for message in list(streams.messages(topic))[count:]]


def _inquire(door: Door, plate: str, now: datetime) -> tuple[list[dict[str, Any]], str]:
    """One inquiry with its reason, and one without: what the first finds, and what the second is told."""
    ask = partial(gate.search, door.client(ANALYST), pattern=plate, since=now - timedelta(days=1))
    found = ask(**door.said(reason="Demonstration of a documented inquiry"))
    try:
        ask(**door.said())
    except gate.RefusedInquiry as refused:
        return found, str(refused)
    return found, ""


def today() -> datetime:
    """Now, in whole milliseconds, as cameras write it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
