"""The command line. What a command does is in the service that it calls; here is what it is told and says.

A command's module is imported when the command is called, so that help and mistakes answer at once.
Exit codes: 0 done, 1 refused or found wanting, 2 wrong usage. Answers on stdout, all else on stderr.
"""

import logging
import sys
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from connectors import core_dumps, seldom
from schemas.visible import visible


class Entry(NamedTuple):
    """Where a command is and what it does; `module` has the group as `app`, or one `function`."""

    module: str
    summary: str
    function: str = ""


COMMANDS = {
    "up": Entry("up", "Start the whole system on this machine.", "up"),
    "status": Entry("up", "How the system on this machine is.", "status"),
    "doctor": Entry("doctor", "Is everything here as it should be?", "doctor"),
    "down": Entry("up", "End the system on this machine.", "down"),
    "demo": Entry("demo", "The whole job on this machine.", "demo"),
    "read": Entry("read", "Read plates in pictures, videos and cameras.", "read"),
    "cameras": Entry("cameras", "The camera gateway: run, check, list, health."),
    "board": Entry("board", "The boards as one page, without Grafana.", "board"),
    "console": Entry("serve", "The console: pages in a browser.", "console"),
    "account": Entry("account", "Passwords for the console: set, end, list, resets."),
    "token": Entry("token", "Tokens for programs that use the API: make, take, end, list."),
    "hotlist": Entry("hotlist", "The hot list: import, add, remove, list, check."),
    "search": Entry("search", "Look for a plate: a documented inquiry.", "search"),
    "sql": Entry("sql", "SQL as one's own account, at a prompt or from a script.", "sql"),
    "hits": Entry("hits", "Alert hits: list, show, verify, dispose."),
    "bolo": Entry("bolo", "BOLOs of neighbouring agencies: take, serve."),
    "partners": Entry("partners", "Other agencies that are asked, and that ask: keys, set, list, serve."),
    "shift": Entry("shift", "Shifts: login, logout, list."),
    "notify": Entry("notify", "Notifications: check the rules, try a receiver."),
    "dead-letters": Entry("dead_letters", "What was refused: list, show, send again."),
    "migrate": Entry("setup", "Bring the database to this release's tables.", "migrate"),
    "backup": Entry("backup", "Back up what must be kept to one file.", "backup"),
    "restore": Entry("backup", "Bring a backup into an empty system.", "restore"),
    "topics": Entry("setup", "Make or compare the broker's topics.", "topics"),
    "registry": Entry("registry", "Agencies, users, cameras; the rules in force."),
    "audit": Entry("audit", "The inquiry log, published and proven; the yearly audit."),
    "report": Entry("report", "Figures to publish, without a plate."),
    "retention": Entry("retention", "Delete what is past its time, with receipts."),
    "evidence": Entry("evidence", "Evidence: held, exported, verified, purged in time."),
    "policy": Entry("policy", "The order, clause by clause, on live data."),
    "bench": Entry("bench", "Benchmarks; each prints one JSON object of figures."),
}


class LazyGroup(TyperGroup):
    """Knows its commands by name and summary; imports the one that is called."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """Enough of a command for the help page."""
        entry = COMMANDS.get(cmd_name)
        return entry and TyperCommand(cmd_name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(COMMANDS[str(name)]), rest


def load(entry: Entry) -> Any:
    """The command itself, its module imported."""
    module = import_module(f"platestream.cli.{entry.module}")
    if not entry.function:
        return typer.main.get_command(module.app)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name=entry.function)(getattr(module, entry.function))
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the first page answers in half the time without
    help="A licence plate reader that an agency runs itself, and that can prove it follows its order.",
)


@app.callback()
def _group() -> None:
    """Keeps `platestream` a group of commands."""


class OneLine(logging.Formatter):
    """Log lines in which text of others ends no line and moves no cursor."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the standard library
        """Return the line; a traceback comes after it."""
        return visible(super().formatMessage(record))


def main() -> None:
    """What `platestream` runs: known failures become one line, others a traceback."""
    core_dumps.forbid()
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.root.handlers:
        handler.setFormatter(OneLine("%(levelname)s %(name)s: %(message)s"))
    seldom.bound()
    for client in ("urllib3", "clickhouse_connect"):  # what fails in them is said in the command's own words
        logging.getLogger(client).setLevel(logging.CRITICAL)
    try:
        app()
    except Exception as error:
        if not is_refusal(error):
            raise
        said = visible(str(error), keep="\n").replace("\n", "\n  ")
        sys.stderr.write(f"platestream: {said}\n")
        sys.exit(1)


# Where the errors are that a person is told in one line. A module that was not imported raised none of them.
REFUSALS = {
    "schemas.message": "RefusedError",
    "schemas.profile": "ProfileError",
    "connectors.settings": "SettingsError",
    "connectors.ocr": "ModelError",
    "connectors.engine.folder": "FolderError",
    "connectors.kafka_client": "BrokerError",
    "connectors.clickhouse_client": "ConnectError DatabaseError",
    "connectors.rules_in_force": "RulesError",
    "connectors.metrics": "PortTakenError",
    "services.inquiries.gate": "RefusedInquiry DamagedPicture",
    "services.rules.gate_rules": "WrongRule",
    "operators.tlog.note": "NoteError",
    "connectors.private_file": "PrivateFileError",
    "connectors.tlog.kept": "BusyError",
    "connectors.tlog.leaves": "LeavesError",
    "services.tlog.config": "LogError",
    "services.evidence.hold": "NothingToHold",
    "services.evidence.package": "PackageError",
    "services.sql.failure": "SqlError",
    "services.yearly_audit.draw": "TooSoon",
}


def is_refusal(error: BaseException) -> bool:
    """Whether `error` is an answer to the person at the command line, and no fault of the program."""
    known: list[Any] = [OSError]
    for module, names in REFUSALS.items():
        if imported := sys.modules.get(module):
            known += [getattr(imported, name) for name in names.split()]
    return isinstance(error, tuple(known))
