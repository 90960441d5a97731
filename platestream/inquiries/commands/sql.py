"""`platestream sql`: SQL with one's own account, at a prompt or from a script."""

import logging
import sys
from collections.abc import Iterable
from datetime import tzinfo
from typing import Annotated

import typer

from platestream.cli.door import display_zone, settings
from platestream.cli.output import err
from platestream.inquiries.commands import sql_output
from platestream.inquiries.sql import text
from platestream.inquiries.sql.failure import SqlError
from platestream.inquiries.sql.session import Session

OURS = ("table", "csv", "json")


def sql(
    command: Annotated[
        str, typer.Option("--command", "-c", help="Run these statements, separated by `;`, and exit.")
    ] = "",
    written_as: Annotated[
        str, typer.Option("--format", help="table, csv, json, or a format of ClickHouse.")
    ] = "table",
) -> None:
    """Query the database in SQL as the account in PLATESTREAM_CLICKHOUSE (docs/how-to/analyst/sql.md).

    Without --command it opens a prompt, or runs the statements on standard input up to the first error.
    Statements end with a semicolon. Times are shown in the agency's time zone; times in SQL are UTC.

    Examples: platestream sql
    and platestream sql -c 'SHOW TABLES FROM platestream' --format json
    and platestream sql --format csv < report.sql > report.csv
    """
    # clickhouse-connect sets the level of urllib3 when it is imported, after `main` has set it.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    with Session(settings()) as session:
        zone = display_zone()
        if command or not sys.stdin.isatty():
            statements, last = text.split(command or sys.stdin.read())
            ok = _script(session, [*statements, last] if last else statements, written_as, zone)
            raise typer.Exit(0 if ok else 1)
        _prompt(session, written_as, zone)


def _script(session: Session, statements: Iterable[str], written_as: str, zone: tzinfo) -> bool:
    try:
        return all(_run(session, one, written_as, zone) for one in statements)
    except KeyboardInterrupt:
        _cancel(session)
        raise typer.Exit(130) from None


def _prompt(session: Session, written_as: str, zone: tzinfo) -> None:
    from platestream.inquiries.commands.sql_prompt import Prompt

    prompt = Prompt(f"{session.account}@{session.host}", session.words())
    err.print(
        f"ClickHouse {session.version} on {session.host}, as {session.account}.",
        "Statements end with a semicolon; Tab completes, Ctrl-C cancels, Ctrl-D ends.",
        "Times are shown in the agency's time zone. The history on disk holds no literals.",
        sep="\n",
    )
    while True:
        try:
            for statement in prompt.statements():
                if not _run(session, statement, written_as, zone):
                    break
        except KeyboardInterrupt:
            _cancel(session)
        except EOFError:
            return


def _run(session: Session, statement: str, written_as: str, zone: tzinfo) -> bool:
    """Run one statement and show its result; return False if it was refused."""
    try:
        if not text.reads(statement):
            return _change(session, statement)
        if text.has_format(statement) or written_as not in OURS:
            own = "" if text.has_format(statement) else written_as
            sql_output.write_pieces(session.pieces(statement, own))
        else:
            with session.rows(statement) as rows:
                sql_output.write(rows, written_as, zone)
    except SqlError as error:
        _say(str(error))
        return False
    return True


def _change(session: Session, statement: str) -> bool:
    verdicts = session.change(statement)
    for one in verdicts:
        _say(f"inquiry {one.inquiry}: {one.outcome}{': ' if one.refusal else ''}{one.refusal}")
    if not verdicts:
        err.print("done")
    return all(one.outcome == "allowed" for one in verdicts)


def _cancel(session: Session) -> None:
    try:
        if session.cancel():
            _say("canceled; the effects of SET and USE are lost")
    except SqlError as error:
        _say(f"the statement may still be running: {error}")


def _say(message: str) -> None:
    for line in message.splitlines():
        err.print(line)
