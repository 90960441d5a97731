"""Which processes make up the system on one machine, and how each is started."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from connectors.settings import ACCOUNTS, Settings, job_account, system_account
from services.partners.configured import configured
from services.up.accounts import users_files

PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    """A process that is kept running. `first`: others need it, so that it is started before them."""

    name: str
    does: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    first: bool = False

    @property
    def metrics(self) -> str:
        """`host:port` where it serves metrics; empty: nowhere."""
        return self.environment.get("PLATESTREAM_METRICS", "")


@dataclass(frozen=True)
class Wanted:
    """What whoever starts the system chose. `accounts` is the folder with the DSNs of a server's accounts;
    None: the engine is started here.
    """

    settings: Settings
    port: int
    readers: int
    cameras: Path | None = None
    accounts: Path | None = None
    boards: int = 0
    console: int = 0
    metrics: int = 0


def programs(wanted: Wanted, hashes: dict[str, str], also: Program | None = None) -> list[Program]:
    """All processes, in the order in which they are started."""
    data = wanted.settings.data
    made = [] if wanted.accounts else [_engine(data, wanted.port, hashes)]
    made += [_recognize(wanted, number) for number in range(1, wanted.readers + 1)]
    made.append(_flow(wanted, "match", "compares detections with the hot list"))
    made.append(_flow(wanted, "audit", "seals the inquiry log"))
    if wanted.settings.notify_file is not None:
        made.append(_flow(wanted, "notify", "tells receivers of alert hits"))
    made.append(
        _job(wanted, "retention", "deletes what is past its time", "retention", "run", "--every", "15")
    )
    publish = ("audit", "publish", "--every", "5")
    made.append(_job(wanted, "publish", "publishes the head of the inquiry log", *publish, account="flows"))
    if wanted.cameras is not None:
        gateway = ("cameras", "run", "--config", str(wanted.cameras))
        made.append(Program("cameras", "takes frames from cameras", (PYTHON, "-m", "platestream", *gateway)))
    if wanted.boards:
        board = ("board", "--port", str(wanted.boards))
        made.append(
            _job(wanted, "boards", f"serves the boards on port {wanted.boards}", *board, account="grafana")
        )
    if wanted.console:
        pages = (PYTHON, "-m", "platestream", "console", "--port", str(wanted.console))
        account = _account(wanted, "console") if wanted.accounts else {}
        made.append(Program("console", f"serves the console on port {wanted.console}", pages, account))
    if configured(wanted.settings).serve is not None:
        made.append(_partners(wanted))
    return [*made, also] if also else made


def _partners(wanted: Wanted) -> Program:
    answers = (PYTHON, "-m", "platestream", "partners", "serve")
    account = _account(wanted, "console") if wanted.accounts else {}
    return Program("partners", "answers other agencies", answers, {**account, **_starter(wanted)})


def _engine(data: Path, port: int, hashes: dict[str, str]) -> Program:
    jobs, people = users_files(data)
    command = (
        *(PYTHON, "-m", "connectors.engine", "--data", str(data), "--port", str(port)),
        *("--users", str(jobs), "--users", str(people)),
    )
    return Program("engine", "holds the tables", command, hashes, first=True)


def _recognize(wanted: Wanted, number: int) -> Program:
    """One process with one thread for each core: two such read more than one process with two threads."""
    if wanted.readers == 1:
        return _flow(wanted, "recognize", "reads plates", PLATESTREAM_THREADS="1")
    share = f"{number}/{wanted.readers}"
    name = f"recognize-{number}-of-{wanted.readers}"
    return _flow(
        wanted,
        name,
        f"reads plates of part {share} of the cameras",
        PLATESTREAM_THREADS="1",
        PLATESTREAM_SHARE=share,
    )


def _flow(wanted: Wanted, name: str, does: str, **environment: str) -> Program:
    """A flow with a recovery store of its own, which is brought in order before it starts."""
    store = str(wanted.settings.data / "recovery" / name)
    flow = f"flows.{name.split('-')[0]}_flow:flow"
    command = (
        *(PYTHON, "-m", "services.retention.recovery_stores", store, "1"),
        *(PYTHON, "-m", "bytewax.run", flow, "-r", store, "-s", "1", "-b", "0"),
    )
    return Program(
        name, does, command, {**_account(wanted, "flows"), **_metrics(wanted, name), **environment}
    )


def _job(wanted: Wanted, name: str, does: str, *command: str, account: str = "") -> Program:
    environment = {**_account(wanted, account or name), **_starter(wanted)}
    return Program(name, does, (PYTHON, "-m", "platestream", *command), environment)


def _starter(wanted: Wanted) -> dict[str, str]:
    """Who starts the system: the person named by the settings, or who runs the command."""
    return {"PLATESTREAM_STARTED_BY": wanted.settings.started_by or system_account()}


def _account(wanted: Wanted, job: str) -> dict[str, str]:
    folder = wanted.accounts or wanted.settings.data / ACCOUNTS
    return {"PLATESTREAM_CLICKHOUSE_FILE": str(job_account(folder, job))}


def _metrics(wanted: Wanted, name: str) -> dict[str, str]:
    """Ports in a row: the other flows', then that of each recogniser."""
    if not wanted.metrics:
        return {}
    flow, _dash, rest = name.partition("-")
    number = int(rest.partition("-")[0] or 1)
    place = {"match": 0, "audit": 1, "notify": 2, "recognize": 2 + number}[flow]
    return {"PLATESTREAM_METRICS": f"127.0.0.1:{wanted.metrics + place}"}
