"""How the system on this machine is: what runs, what waits, the cameras, the disk, and what is wrong."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from connectors.files import FileTopics
from connectors.metrics import samples
from connectors.private_file import write_whole
from connectors.process import free
from connectors.settings import Settings
from schemas import metrics, topics
from schemas.counted import counted
from schemas.fields import NOT_JSON
from services.cameras import health
from services.cameras.state import CameraHealth, GatewayHealth
from services.partners.offering import late as partners_late
from services.retention import clock
from services.up.accounts import port_of
from services.up.log import exits
from services.up.plan import Program, Wanted
from services.up.supervisor import ProcessState, Supervisor, UpError

PLAN = "plan.json"
LITTLE_DISK = 0.1
READ_BY: dict[topics.Topic[Any], str] = {
    topics.FRAMES: "recognize",
    topics.DETECTIONS: "match",
    topics.ALERT_HITS: "notify",
    topics.HIT_ACTIONS: "audit",
}
LONG = timedelta(minutes=1)
"""How long a message may wait for its reader."""
OFTEN, TIRED = 3, timedelta(minutes=10)
"""A process that ended so often within that time, and has not run for `LONG` since, is not well."""
ANSWER_SECONDS = 5.0
"""How long a process that serves pages or tables may take to answer at all."""
MANY = 1000
"""How many may wait on a broker, which is asked of no times."""


class Planned(msgspec.Struct, frozen=True):
    """A process that was started, for whoever asks later."""

    name: str
    does: str
    metrics: str = ""


class Plan(msgspec.Struct, frozen=True):
    """What `platestream up` started. `cameras` is the gateway's configuration; empty: none."""

    programs: tuple[Planned, ...]
    cameras: str = ""
    boards: int = 0
    console: int = 0

    def has(self, flow: str) -> bool:
        """Whether a process of `flow` was started."""
        return any(one.name.split("-")[0] == flow for one in self.programs)


class Running(msgspec.Struct, frozen=True):
    """A process. `since` is None where it does not run."""

    name: str
    does: str
    state: str
    pid: int
    since: datetime | None
    said: str


class Waiting(msgspec.Struct, frozen=True):
    """Messages of a topic that its reader has not read, and when the first of them arrived.

    `count` is None where nobody says, `since` where none waits or times are not known.
    """

    topic: str
    reader: str
    count: int | None
    since: datetime | None = None


class Status(msgspec.Struct, frozen=True):
    """The whole; `disk_free` is a share."""

    processes: tuple[Running, ...]
    waiting: tuple[Waiting, ...]
    cameras: tuple[CameraHealth, ...]
    disk_free: float
    wrong: tuple[str, ...]
    boards: int
    console: int


def write_plan(folder: Path, programs: list[Program], wanted: Wanted) -> None:
    """Remember what is started: before it is, so that whoever is asked meanwhile can tell."""
    folder.mkdir(mode=0o700, exist_ok=True)
    planned = tuple(Planned(one.name, one.does, one.metrics) for one in programs)
    plan = Plan(planned, str(wanted.cameras or ""), wanted.boards, wanted.console)
    write_whole(folder / PLAN, msgspec.json.encode(plan))


def status(settings: Settings, now: datetime) -> Status:
    """Asks supervisor, topics and gateway. Raises UpError where nothing runs."""
    supervisor = Supervisor(settings.data)
    states = {one.name: one for one in supervisor.states()}
    plan = _plan(supervisor.folder)
    running = tuple(_running(one, states) for one in plan.programs)
    waiting = tuple(
        _waiting(settings, plan, topic, flow) for topic, flow in READ_BY.items() if plan.has(flow)
    )
    gateway = _gateway(settings, plan)
    ports = {"engine": port_of(settings.data), "console": plan.console, "boards": plan.boards}
    disk = free(settings.data)
    wrong = (
        *of_processes(running, now, supervisor.log),
        *silent(running, ports, now),
        *_behind(waiting, now),
        *_cameras(plan, gateway, now),
        *short_of_disk(settings.data, disk),
        *partners_late(settings, now),
        *clock.word(settings.data),
    )
    cameras = gateway.cameras if gateway else ()
    return Status(running, waiting, cameras, disk, wrong, plan.boards, plan.console)


def short_of_disk(folder: Path, share: float) -> Iterator[str]:
    """What is wrong where this share of the disk of `folder` is free; nothing where it is enough."""
    if share < LITTLE_DISK:
        yield f"{share:.0%} of the disk of {folder} is free: make room, or keep less"


def gateway(settings: Settings) -> GatewayHealth | None:
    """The cameras, as the gateway that was started here last told of them; None where nothing is known.

    Raises UpError where what was started cannot be told, RefusedError and OSError where the gateway's
    configuration cannot be read any more.
    """
    folder = Supervisor(settings.data).folder
    return _gateway(settings, _plan(folder)) if (folder / PLAN).exists() else None


def spool(settings: Settings) -> Path | None:
    """Where the gateway that was started here keeps its frames; None where none was. Raises as `gateway`."""
    folder = Supervisor(settings.data).folder
    cameras = _plan(folder).cameras if (folder / PLAN).exists() else ""
    return health.spool(Path(cameras), settings) if cameras else None


def _plan(folder: Path) -> Plan:
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (FileNotFoundError, *NOT_JSON):
        raise UpError(
            f"{folder / PLAN} does not say what was started: platestream down, and then platestream up"
        ) from None


def _gateway(settings: Settings, plan: Plan) -> GatewayHealth | None:
    return health.newest(Path(plan.cameras), settings) if plan.cameras else None


def _running(one: Planned, states: dict[str, ProcessState]) -> Running:
    found = states.get(one.name, ProcessState(one.name, "unknown", 0, None, ""))
    return Running(one.name, one.does, found.state, found.pid, found.since, found.said)


def of_processes(running: tuple[Running, ...], now: datetime, log: Path) -> Iterator[str]:
    """What is wrong with processes, a sentence each; `log` tells which ended lately."""
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


def silent(running: tuple[Running, ...], ports: dict[str, int | None], now: datetime) -> Iterator[str]:
    """What runs and gives no answer, or only errors: a process that hangs has not ended, so nobody starts it
    again.
    """
    for one in running:
        port = ports.get(one.name)
        old = one.since is not None and now - one.since >= LONG
        if port and one.state == "running" and old and (does := _instead_of_an_answer(port)):
            mend = f"kill -9 {one.pid}, after which it is started again"
            yield f"{one.name} runs and {does} on port {port}: {mend}"


def _instead_of_an_answer(port: int) -> str:
    """What it does that it should not; nothing where it serves."""
    try:
        status = httpx.get(f"http://127.0.0.1:{port}/health", timeout=ANSWER_SECONDS).status_code
    except httpx.HTTPError:
        return "gives no answer"
    return f"answers with error {status}" if status >= httpx.codes.INTERNAL_SERVER_ERROR else ""


def _waiting(settings: Settings, plan: Plan, topic: topics.Topic[Any], flow: str) -> Waiting:
    if not settings.kafka:
        found = FileTopics(settings.data, follow=False).unread(topic)
        return Waiting(topic.name, flow, found.count, found.since)
    told = [found for one in plan.programs if one.metrics for found in _lag(one.metrics, topic.name)]
    return Waiting(topic.name, flow, round(sum(told)) if told else None)


def _lag(address: str, topic: str) -> Iterator[float]:
    try:
        page = httpx.get(f"http://{address}/metrics", timeout=2).text
    except httpx.HTTPError:
        return
    yield from (value for labels, value in samples(page, metrics.TOPIC_LAG) if labels.get("topic") == topic)


def _behind(waiting: tuple[Waiting, ...], now: datetime) -> Iterator[str]:
    for one in waiting:
        late = one.since is not None and now - one.since > LONG
        if late or (one.count or 0) > MANY:
            since = f", the first for {(now - one.since).total_seconds():.0f} s" if one.since else ""
            count, wait = counted(one.count or 0, "message"), "waits" if one.count == 1 else "wait"
            yield f"{count} of {one.topic} {wait}{since}: {one.reader} is behind, or stands still"


def _cameras(plan: Plan, gateway: GatewayHealth | None, now: datetime) -> list[str]:
    if not plan.cameras:
        return ["no camera is set up: write a cameras.toml (docs/cameras.md), and start with --cameras"]
    if gateway is None:
        return ["the camera gateway has not said anything yet"]
    return health.faults(gateway, now)
