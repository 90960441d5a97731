"""Command line entry point. Commands parse their arguments, call a service and print its result.

A command's module is imported when the command is called, so that help and usage errors appear at once. Exit
codes: 0 success, 1 refused or problem found, 2 usage error. Results go to stdout, everything else to stderr.
"""

import logging
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from platestream.runtime import core_dumps, log_rate_limit
from platestream.schemas.escape_invisible import escape_invisible


class Entry(NamedTuple):
    """Module and summary of a command; `module` has the group as `app`, or one `function`."""

    module: str
    summary: str
    function: str = ""


COMMANDS = {
    "up": Entry("operations.commands.up", "Start the whole system on this machine.", "up"),
    "status": Entry("operations.commands.up", "Show service status.", "status"),
    "doctor": Entry("operations.commands.doctor", "Diagnose this installation.", "doctor"),
    "down": Entry("operations.commands.up", "Stop the system on this machine.", "down"),
    "demo": Entry("demo.commands", "Run the whole pipeline on samples.", "demo"),
    "read": Entry("reading.commands", "Read plates in pictures, videos and cameras.", "read"),
    "cameras": Entry("cameras.commands", "Run and check the camera gateway."),
    "board": Entry("boards.commands", "Serve the boards as one page, without Grafana.", "board"),
    "console": Entry("web.commands", "Serve the web console.", "console"),
    "sign-in": Entry("access.commands.sign_in", "Sign in by a code that the console confirms.", "sign_in"),
    "sign-out": Entry("access.commands.sign_in", "End the sign-in of this command line.", "sign_out"),
    "account": Entry("access.commands.account", "Set, revoke and list passwords for the console."),
    "token": Entry("access.commands.token", "Make, revoke and list tokens for programs that use the API."),
    "hotlist": Entry("hotlist.commands.hotlist", "Import, change, offer and list entries of the hot list."),
    "search": Entry("inquiries.commands.search", "Search for a plate (a documented inquiry).", "search"),
    "map": Entry("maps.commands", "Install the street map below search results."),
    "sql": Entry("inquiries.commands.sql", "Query the database in SQL with your own account.", "sql"),
    "hits": Entry("hits.commands", "List, verify and dispose alert hits."),
    "bolo": Entry("hotlist.commands.bolo", "Add BOLOs of neighboring agencies to the hot list."),
    "partners": Entry("partners.commands", "Manage and serve partner agencies, keys and offers."),
    "shift": Entry("access.commands.shift", "Start, end and list shifts."),
    "notify": Entry("notifications.commands", "Check the notification rules and test receivers."),
    "dead-letters": Entry("operations.commands.dead_letters", "List, show and resend rejected messages."),
    "migrate": Entry("operations.commands.setup", "Bring the database to this release's tables.", "migrate"),
    "backup": Entry("operations.commands.backup", "Back up the records to one file.", "backup"),
    "backup-key": Entry("operations.commands.backup", "Make a key pair for encrypted backups.", "backup_key"),
    "restore": Entry("operations.commands.backup", "Restore a backup into an empty installation.", "restore"),
    "keys": Entry("operations.commands.keys", "Change the master key of the hourly keys."),
    "topics": Entry("operations.commands.setup", "Create or compare the broker's topics.", "topics"),
    "registry": Entry("access.commands.registry", "Manage agencies, users, cameras and the rules in force."),
    "audit": Entry("audit.commands.log", "Export, verify, publish and audit the inquiry log."),
    "report": Entry("reports.commands", "Report figures, without plates."),
    "retention": Entry("retention.commands", "Delete expired data, with receipts."),
    "evidence": Entry("evidence.commands", "Hold, export and verify evidence."),
    "policy": Entry("policy.commands", "Check compliance with the order."),
}
CHECKOUT = Path(__file__).resolve().parents[2]
if (CHECKOUT / "benchmarks").is_dir():  # an installed package has none
    COMMANDS["bench"] = Entry(
        "benchmarks.commands", "Run benchmarks; each prints one JSON object of figures."
    )


class LazyGroup(TyperGroup):
    """Command group that knows its commands by name and summary, and imports the one that is called."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """Return as much of a command as the help page needs."""
        entry = COMMANDS.get(cmd_name)
        return entry and TyperCommand(cmd_name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(COMMANDS[str(name)]), rest


def load(entry: Entry) -> Any:
    """Import the module of a command and return the command."""
    if entry.module.startswith("benchmarks."):
        sys.path.insert(0, str(CHECKOUT))
        module = import_module(entry.module)
    else:
        module = import_module(f"platestream.{entry.module}")
    if not entry.function:
        return typer.main.get_command(module.app)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name=entry.function)(getattr(module, entry.function))
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # saves half of the time of the first help page
    help="License plate reader that an agency runs itself and that proves its compliance with the order.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from platestream.cli.output import write

        write(f"platestream {version('platestream')}\n")
        raise typer.Exit


@app.callback()
def _group(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Keep `platestream` a group of commands."""


class OneLineFormatter(logging.Formatter):
    """Log formatter that escapes line ends and cursor movements in foreign text."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the standard library
        """Return the line; a traceback comes after it."""
        return escape_invisible(super().formatMessage(record))


def main() -> None:
    """Run `platestream`: known failures become one line, others a traceback."""
    core_dumps.disable()
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.root.handlers:
        handler.setFormatter(OneLineFormatter("%(levelname)s %(name)s: %(message)s"))
    log_rate_limit.limit_log_output()
    for client in ("urllib3", "clickhouse_connect"):  # the command reports their failures in its own words
        logging.getLogger(client).setLevel(logging.CRITICAL)
    try:
        app()
    except Exception as error:
        if not is_refusal(error):
            raise
        message = escape_invisible(str(error), keep="\n").replace("\n", "\n  ")
        sys.stderr.write(f"platestream: {message}\n")
        sys.exit(1)


# Modules whose errors are reported in one line. A module that was not imported raised none of them.
REFUSALS = {
    "platestream.schemas.message": "RefusedError",
    "platestream.schemas.profile": "ProfileError",
    "platestream.settings": "SettingsError",
    "platestream.clickhouse.sql_files": "MigrationError",
    "platestream.reading.ocr": "ModelError",
    "platestream.engine.folder_lock": "FolderError",
    "platestream.keys.recipients": "RecipientError",
    "platestream.edges.kafka_client": "BrokerError",
    "platestream.edges.clickhouse_client": "DatabaseError",
    "platestream.edges.dsn": "ConnectError",
    "platestream.access.rules_reader": "RulesError",
    "platestream.runtime.metrics": "PortTakenError",
    "platestream.access.inquire": "RefusedInquiry",
    "platestream.access.gate": "DamagedPicture",
    "platestream.access.gate_rules": "WrongRule",
    "platestream.merkle.note": "NoteError",
    "platestream.runtime.private_file": "PrivateFileError",
    "platestream.transparency_log.publisher_state": "BusyError",
    "platestream.transparency_log.leaves": "LeavesError",
    "platestream.transparency_log.config": "LogError",
    "platestream.evidence.hold": "NothingToHold",
    "platestream.evidence.package": "PackageError",
    "platestream.inquiries.sql.failure": "SqlError",
    "platestream.audit.yearly.draw": "TooSoon",
}


def is_refusal(error: BaseException) -> bool:
    """Return whether `error` is an answer to the person at the command line, and not a fault of the
    program.
    """
    known: list[Any] = [OSError]
    for module, names in REFUSALS.items():
        if imported := sys.modules.get(module):
            known += [getattr(imported, name) for name in names.split()]
    return isinstance(error, tuple(known))
