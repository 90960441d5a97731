"""The command line. A command's work is in the module it calls; here is what it is told and what it says.

Exit codes: 0 done, 1 refused or found wanting, 2 wrong usage. Answers on stdout, all else on stderr.
"""

import logging
import sys

import typer

from connectors.clickhouse_client import ConnectError, DatabaseError
from connectors.kafka_client import BrokerError
from connectors.metrics import PortTakenError
from connectors.settings import SettingsError
from platestream.commands import (
    audit,
    bench,
    board,
    bolo,
    demo,
    evidence,
    hits,
    hotlist,
    notify,
    policy,
    read,
    registry,
    report,
    retention,
    search,
    setup,
    shift,
)
from platestream.evidence.hold import NothingToHold
from platestream.evidence.package import PackageError
from platestream.gate import DamagedPicture, RefusedInquiry
from platestream.gate_rules import WrongRule
from platestream.yearly_audit.draw import TooSoon
from schemas.message import RefusedError
from schemas.profile import ProfileError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A licence plate reader that an agency runs itself, and that can prove it follows its order.",
)
app.command()(demo.demo)
app.command()(read.read)
app.command()(board.board)
app.add_typer(hotlist.app, name="hotlist")
app.command()(search.search)
app.add_typer(hits.app, name="hits")
app.add_typer(bolo.app, name="bolo")
app.add_typer(shift.app, name="shift")
app.add_typer(notify.app, name="notify")
app.command()(setup.migrate)
app.command()(setup.topics)
app.add_typer(registry.app, name="registry")
app.add_typer(audit.app, name="audit")
app.add_typer(report.app, name="report")
app.add_typer(retention.app, name="retention")
app.add_typer(evidence.app, name="evidence")
app.add_typer(policy.app, name="policy")
app.add_typer(bench.app, name="bench")

REFUSALS = (
    RefusedError,
    RefusedInquiry,
    WrongRule,
    SettingsError,
    ProfileError,
    NothingToHold,
    PackageError,
    TooSoon,
    DamagedPicture,
    BrokerError,
    ConnectError,
    DatabaseError,
    PortTakenError,
    OSError,
)


def main() -> None:
    """What `platestream` runs: known failures become one line, others a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except REFUSALS as error:
        sys.stderr.write(f"platestream: {error}\n")
        sys.exit(1)
