"""The processes of the system on one machine, and the command that starts each."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from platestream.operations.up.accounts import users_files
from platestream.partners.config import read_config
from platestream.settings import ACCOUNTS, Settings, job_account, system_account

PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    """A process that is restarted when it ends. `first`: others need it, so that it is started before
    them.
    """

    name: str
    does: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    first: bool = False

    @property
    def metrics(self) -> str:
        """The address `host:port` of its metrics; empty without metrics."""
        return self.environment.get("PLATESTREAM_METRICS", "")


@dataclass(frozen=True)
class StartOptions:
    """The choices of the person who starts the system. `accounts` is the folder with the DSNs of a server's
    accounts; None: the engine is started here.
    """

    settings: Settings
    port: int
    readers: int
    cameras: Path | None = None
    accounts: Path | None = None
    boards: int = 0
    console: int = 0
    metrics: int = 0
    transparency: int = 0
    """Port of the public page; 0: none."""
    feeds: bool = False
    evidence: bool = False


def programs(options: StartOptions, also: Program | None = None) -> list[Program]:
    """Return all processes, in the order of their start."""
    data = options.settings.data
    made = [] if options.accounts else [_engine(data, options.port)]
    made += [also] if also else []
    made += [_recognize(options, number) for number in range(1, options.readers + 1)]
    made.append(_flow(options, "match", "compares detections with the hot list"))
    made.append(_flow(options, "audit", "seals the inquiry log"))
    if options.settings.notify_file is not None:
        made.append(_flow(options, "notify", "tells receivers of alert hits"))
    every = ("retention", "run", "--every", "15")
    made.append(_job(options, "retention", "deletes what is past its time", *every))
    publish = ("audit", "publish", "--every", "5")
    made.append(_job(options, "publish", "publishes the head of the inquiry log", *publish, account="flows"))
    if options.cameras is not None:
        gateway = _command("cameras", "run", "--config", str(options.cameras))
        made.append(Program("cameras", "takes frames from cameras", gateway))
    if options.boards:
        board, does = ("board", "--port", str(options.boards)), f"serves the boards on port {options.boards}"
        made.append(_job(options, "boards", does, *board, account="grafana"))
    account = _account(options, "console") if options.accounts else {}
    if options.console:
        pages = _command("console", "--port", str(options.console))
        made.append(Program("console", f"serves the console on port {options.console}", pages, account))
    if options.transparency:
        port = str(options.transparency)
        figures, page = (
            _command("report", "count", "--every", "24"),
            _command("report", "serve", "--port", port),
        )
        made.append(Program("figures", "counts the public page's figures", figures, account))
        # The page itself has no database account.
        made.append(Program("transparency", f"serves the public page on port {port}", page))
    followers = (
        (options.feeds, "feeds", "imports hot lists of registered feeds", ("hotlist", "follow")),
        (options.evidence, "evidence", "sends exports to their evidence systems", ("evidence", "follow")),
        (read_config(options.settings).serve, "partners", "answers other agencies", ("partners", "serve")),
    )
    for wanted, name, does, words in followers:
        if wanted:
            made.append(Program(name, does, _command(*words), {**account, **_starter(options)}))
    return made


def _command(*words: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "platestream", *words)


def _engine(data: Path, port: int) -> Program:
    jobs, people = users_files(data)
    command = (
        *(PYTHON, "-m", "platestream.engine", "--data", str(data), "--port", str(port)),
        *("--users", str(jobs), "--users", str(people)),
    )
    return Program("engine", "holds the tables", command, first=True)


def _recognize(options: StartOptions, number: int) -> Program:
    """Return a reader with one thread; a process for each core reads more than one process with more
    threads.
    """
    if options.readers == 1:
        return _flow(options, "recognize", "reads plates", PLATESTREAM_THREADS="1")
    share = f"{number}/{options.readers}"
    name = f"recognize-{number}-of-{options.readers}"
    return _flow(
        options,
        name,
        f"reads plates of part {share} of the cameras",
        PLATESTREAM_THREADS="1",
        PLATESTREAM_SHARE=share,
    )


def _flow(options: StartOptions, name: str, does: str, **environment: str) -> Program:
    """Return a flow with a recovery store of its own, which is prepared before it starts."""
    store = str(options.settings.data / "recovery" / name)
    flow = f"platestream.flows.{name.split('-')[0]}_flow:flow"
    command = (
        *(PYTHON, "-m", "platestream.retention.recovery_stores", store, "1"),
        *(PYTHON, "-m", "bytewax.run", flow, "-r", store, "-s", "1", "-b", "0"),
    )
    return Program(
        name, does, command, {**_account(options, "flows"), **_metrics(options, name), **environment}
    )


def _job(options: StartOptions, name: str, does: str, *command: str, account: str = "") -> Program:
    environment = {**_account(options, account or name), **_starter(options)}
    return Program(name, does, _command(*command), environment)


def _starter(options: StartOptions) -> dict[str, str]:
    """Return the person who starts the system: the one named by the settings, or the one who runs the
    command.
    """
    return {"PLATESTREAM_STARTED_BY": options.settings.started_by or system_account()}


def _account(options: StartOptions, job: str) -> dict[str, str]:
    folder = options.accounts or options.settings.data / ACCOUNTS
    return {"PLATESTREAM_CLICKHOUSE_FILE": str(job_account(folder, job))}


def _metrics(options: StartOptions, name: str) -> dict[str, str]:
    """Return consecutive ports: the other flows', then that of each recognizer."""
    if not options.metrics:
        return {}
    flow, _dash, rest = name.partition("-")
    number = int(rest.partition("-")[0] or 1)
    place = {"match": 0, "audit": 1, "notify": 2, "recognize": 2 + number}[flow]
    return {"PLATESTREAM_METRICS": f"127.0.0.1:{options.metrics + place}"}
