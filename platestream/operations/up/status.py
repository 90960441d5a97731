"""Service status on this machine: processes, waiting messages, cameras, disk, and faults."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from platestream.access.registry import records
from platestream.access.rules_reader import RulesError, in_force
from platestream.cameras import config, health
from platestream.cameras.approvals import unread
from platestream.cameras.state import CameraHealth, GatewayHealth
from platestream.edges.clickhouse_client import DOOR, ConnectError, DatabaseError, Dsn, connect
from platestream.edges.files import FileTopics
from platestream.edges.kafka_client import BrokerError
from platestream.flow_process import free_share
from platestream.hotlist.feed_health import FeedAge, feed_ages, feed_faults
from platestream.operations.up.accounts import port_of
from platestream.operations.up.log import exits
from platestream.operations.up.plan import Program, StartOptions
from platestream.operations.up.supervisor import ProcessState, Supervisor, UpError
from platestream.operators.approvals import Unapproved
from platestream.partners.offers import list_unreachable as partners_late
from platestream.reports import public_figures
from platestream.retention import clock_guard
from platestream.runtime.metrics import samples
from platestream.runtime.private_file import write_file
from platestream.schemas import metrics, topics
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, open_topics

PLAN = "plan.json"
LITTLE_DISK = 0.1
READ_BY: dict[topics.Topic[Any], str] = {
    topics.FRAMES: "recognize",
    topics.DETECTIONS: "match",
    topics.ALERT_HITS: "notify",
    topics.HIT_ACTIONS: "audit",
}
LONG = timedelta(minutes=1)
"""Longest time that a message may wait for its reader."""
OFTEN, TIRED = 3, timedelta(minutes=10)
"""Exits within a time that make a process a fault, unless it has run for `LONG` since."""
ANSWER_SECONDS = 5.0
"""Most seconds until a process that serves pages or tables answers."""
COUNTED_WITHIN = timedelta(days=2)
MANY = 1000
"""Most messages that may wait on a broker, for which arrival times are not known."""


class StartedProcess(msgspec.Struct, frozen=True):
    """A started process, stored for later queries."""

    name: str
    does: str
    metrics: str = ""


class StartPlan(msgspec.Struct, frozen=True):
    """The processes that `platestream up` started. `cameras` is the gateway's configuration; empty without
    one.
    """

    programs: tuple[StartedProcess, ...]
    cameras: str = ""
    boards: int = 0
    console: int = 0
    transparency: int = 0

    def has(self, flow: str) -> bool:
        """Return whether a process of `flow` was started."""
        return any(one.name.split("-")[0] == flow for one in self.programs)


class ProcessStatus(msgspec.Struct, frozen=True):
    """A process. `since` is None where it does not run."""

    name: str
    does: str
    state: str
    pid: int
    since: datetime | None
    said: str


class TopicBacklog(msgspec.Struct, frozen=True):
    """Messages of a topic that its reader has not read, and the arrival of the first one.

    `count` is None where it is not known, `since` where no message waits or times are not known.
    """

    topic: str
    reader: str
    count: int | None
    since: datetime | None = None


class Status(msgspec.Struct, frozen=True):
    """The service status; `disk_free` is a share."""

    processes: tuple[ProcessStatus, ...]
    waiting: tuple[TopicBacklog, ...]
    cameras: tuple[CameraHealth, ...]
    disk_free: float
    wrong: tuple[str, ...]
    boards: int
    console: int
    transparency: int = 0
    feeds: tuple[FeedAge, ...] = ()


def write_plan(folder: Path, programs: list[Program], options: StartOptions) -> None:
    """Store the plan before the processes are started, so that queries during the start can use it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    planned = tuple(StartedProcess(one.name, one.does, one.metrics) for one in programs)
    ports = options.boards, options.console, options.transparency
    plan = StartPlan(planned, str(options.cameras or ""), *ports)
    write_file(folder / PLAN, msgspec.json.encode(plan))


def status(settings: Settings, now: datetime) -> Status:
    """Query supervisor, topics and gateway. Raises UpError where nothing runs."""
    supervisor = Supervisor(settings.data)
    states = {one.name: one for one in supervisor.states()}
    plan = _plan(supervisor.folder)
    running = tuple(_running(one, states) for one in plan.programs)
    waiting = tuple(
        _waiting(settings, plan, topic, flow) for topic, flow in READ_BY.items() if plan.has(flow)
    )
    gateway = _gateway(settings, plan)
    ports = {
        "engine": port_of(settings.data),
        "console": plan.console,
        "boards": plan.boards,
        "transparency": plan.transparency,
    }
    disk, known = free_share(settings.data), _registry(settings)
    wrong = (
        *process_faults(running, now, supervisor.log),
        *unresponsive(running, ports, now),
        *_behind(waiting, now),
        *_cameras(settings, plan, gateway, now),
        *disk_faults(settings.data, disk),
        *partners_late(settings, now),
        *feed_faults(settings.data, known, now),
        *clock_guard.read_note(settings.data),
        *(public_page_faults(settings, now) if plan.transparency else ()),
    )
    cameras = gateway.cameras if gateway else ()
    ports_of_pages = plan.boards, plan.console, plan.transparency
    ages = tuple(feed_ages(known, now))
    return Status(running, waiting, cameras, disk, wrong, *ports_of_pages, ages)


def disk_faults(folder: Path, share: float) -> Iterator[str]:
    """Yield a fault where this free share of the disk of `folder` is too small."""
    if share < LITTLE_DISK:
        yield f"{share:.0%} of the disk of {folder} is free: make room, or keep less"


def _registry(settings: Settings) -> list[RegistryRecord]:
    """Return the registry's records; none where the broker is away, which the gateway's `sending` reports."""
    try:
        return records(open_topics(settings, follow=False))
    except BrokerError:
        return []


def public_page_faults(settings: Settings, now: datetime) -> Iterator[str]:
    """Yield a fault where the figures of the public page are damaged, or were not counted for two days."""
    try:
        found = public_figures.stored(settings)
    except msgspec.MsgspecError:
        yield "the file of the public page's figures is damaged: platestream report count"
        return
    if found is not None and now - found.counted_at > COUNTED_WITHIN:
        yield (
            f"the public page shows figures of {found.counted_at:%Y-%m-%d}: grep 'figures ' "
            f"{Supervisor(settings.data).log}"
        )


def gateway(settings: Settings) -> GatewayHealth | None:
    """Return the last state of the gateway that was started here; None where there is none.

    Raises UpError where the plan cannot be read, RefusedError and OSError where the gateway's configuration
    cannot be read any more.
    """
    folder = Supervisor(settings.data).folder
    return _gateway(settings, _plan(folder)) if (folder / PLAN).exists() else None


def planned_ports(settings: Settings) -> tuple[int, int]:
    """Return the ports of the console and of the boards that were started here; 0 where there is none."""
    try:
        plan = _plan(Supervisor(settings.data).folder)
    except UpError:
        return 0, 0
    return plan.console, plan.boards


def spool(settings: Settings) -> Path | None:
    """Return the folder where the gateway that was started here stores its frames; None without a gateway.
    Raises as `gateway`.
    """
    path = gateway_file(settings)
    return health.spool(path, settings) if path else None


def _plan(folder: Path) -> StartPlan:
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=StartPlan)
    except (FileNotFoundError, *NOT_JSON):
        raise UpError(
            f"{folder / PLAN} does not say what was started: platestream down, and then platestream up"
        ) from None


def _gateway(settings: Settings, plan: StartPlan) -> GatewayHealth | None:
    return health.newest(Path(plan.cameras), settings) if plan.cameras else None


def _running(one: StartedProcess, states: dict[str, ProcessState]) -> ProcessStatus:
    found = states.get(one.name, ProcessState(one.name, "unknown", 0, None, ""))
    return ProcessStatus(one.name, one.does, found.state, found.pid, found.since, found.said)


def process_faults(running: tuple[ProcessStatus, ...], now: datetime, log: Path) -> Iterator[str]:
    """Yield faults of processes, a sentence each; `log` shows which ended recently."""
    ended = exits(log, now - TIRED)
    for one in running:
        young = one.since is not None and now - one.since < LONG
        if one.state == "stopped":
            yield f"{one.name} was not started: platestream down, and then platestream up"
        elif ended[one.name] >= OFTEN and (young or one.since is None):
            yield f"{one.name} has ended {ended[one.name]} times in ten minutes: grep '{one.name} ' {log}"
        elif one.state == "running" or (one.state == "starting" and young):
            continue
        else:
            yield f"{one.name} is {one.state}{f' ({one.said})' if one.said else ''}: grep '{one.name} ' {log}"


def unresponsive(
    running: tuple[ProcessStatus, ...], ports: dict[str, int | None], now: datetime
) -> Iterator[str]:
    """Yield running processes that give no answer, or only errors: a process that hangs has not ended, so it
    is not restarted automatically.
    """
    for one in running:
        port = ports.get(one.name)
        old = one.since is not None and now - one.since >= LONG
        if port and one.state == "running" and old and (does := _server_fault(port)):
            mend = f"kill -9 {one.pid}, after which it is started again"
            yield f"{one.name} runs and {does} on port {port}: {mend}"


def _server_fault(port: int) -> str:
    """Return the fault of a server in words; empty where it serves."""
    try:
        status = httpx.get(f"http://127.0.0.1:{port}/health", timeout=ANSWER_SECONDS).status_code
    except httpx.HTTPError:
        return "gives no answer"
    return f"answers with error {status}" if status >= httpx.codes.INTERNAL_SERVER_ERROR else ""


def _waiting(settings: Settings, plan: StartPlan, topic: topics.Topic[Any], flow: str) -> TopicBacklog:
    if not settings.kafka:
        found = FileTopics(settings.data, follow=False).unread(topic)
        return TopicBacklog(topic.name, flow, found.count, found.since)
    lags = [found for one in plan.programs if one.metrics for found in _lag(one.metrics, topic.name)]
    return TopicBacklog(topic.name, flow, round(sum(lags)) if lags else None)


def _lag(address: str, topic: str) -> Iterator[float]:
    try:
        page = httpx.get(f"http://{address}/metrics", timeout=2).text
    except httpx.HTTPError:
        return
    yield from (value for labels, value in samples(page, metrics.TOPIC_LAG) if labels.get("topic") == topic)


def _behind(waiting: tuple[TopicBacklog, ...], now: datetime) -> Iterator[str]:
    for one in waiting:
        late = one.since is not None and now - one.since > LONG
        if late or (one.count or 0) > MANY:
            since = f", the first for {(now - one.since).total_seconds():.0f} s" if one.since else ""
            count, wait = pluralize(one.count or 0, "message"), "waits" if one.count == 1 else "wait"
            yield f"{count} of {one.topic} {wait}{since}: {one.reader} is behind, or stands still"


def _cameras(settings: Settings, plan: StartPlan, gateway: GatewayHealth | None, now: datetime) -> list[str]:
    if plan.cameras and gateway is None:
        return ["the camera gateway has not reported yet"]
    if gateway is None or not gateway.cameras:
        return ["no camera is set up: add one in the console (Administration, Cameras) or in cameras.toml"]
    try:
        known = records(open_topics(settings, follow=False))
    except BrokerError:  # `sending` of the gateway reports it
        return health.faults(gateway, (), now)
    return camera_faults(settings, gateway, known, _mode(settings), now)


def _mode(settings: Settings) -> Unapproved:
    """Return the rule for frames of unapproved cameras; the default where the database gives no answer."""
    if Dsn.parse(settings.clickhouse).scheme == "chdb":  # another process holds the folder
        return "quarantine"
    try:
        plain = settings.allow_plaintext
        client = connect(settings.clickhouse, DOOR, allow_plaintext=plain, patience=ANSWER_SECONDS)
        with closing(client):
            return in_force(client).profile.cameras.unapproved
    except (ConnectError, DatabaseError, RulesError):
        return "quarantine"


def camera_faults(
    settings: Settings,
    found: GatewayHealth,
    known: Iterable[RegistryRecord],
    mode: Unapproved,
    now: datetime,
) -> list[str]:
    """Return the faults of the cameras of the gateway that was started here, a sentence each.

    `known` are the records of the registry. Pages, `status` and `doctor` show these. Raises as `gateway`.
    """
    return health.faults(found, unread(gateway_cameras(settings), known, mode, now), now)


def gateway_cameras(settings: Settings) -> dict[str, config.Camera]:
    """Return the cameras of the gateway that was started here, if any. Raises as `gateway`."""
    path = gateway_file(settings)
    return config.load(path).cameras if path else {}


def gateway_file(settings: Settings) -> Path | None:
    """Return the configuration of the gateway that was started here. Raises UpError."""
    folder = Supervisor(settings.data).folder
    path = _plan(folder).cameras if (folder / PLAN).exists() else ""
    return Path(path) if path else None
