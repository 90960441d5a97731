"""`platestream audit`: is the inquiry log whole?"""

import typer

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR, connect
from connectors.inquiry_verify import verify as verify_log
from connectors.settings import load_settings, open_topics
from platestream.commands import yearly_audit
from platestream.commands.console import err, out
from schemas.topics import INQUIRIES

app = typer.Typer(no_args_is_help=True, help="The inquiry log, checked from outside.")


@app.callback()
def _group() -> None:
    """Keeps `audit verify` a command of a group."""


app.command()(yearly_audit.sample)
app.command()(yearly_audit.finding)
app.command()(yearly_audit.memo)


@app.command()
def verify() -> None:
    """Check that no inquiry was changed, added, removed or cut off, against the seals and their copy.

    Example: platestream audit verify
    """
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    copy = [INQUIRIES.decode(message) for message in read_to_end(open_topics(settings), INQUIRIES)]
    faults = verify_log(client, copy)
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)
    out.print(f"the inquiry log is whole: {len({one.seal for one in copy})} seals, each as in the copy")
