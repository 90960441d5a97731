"""`platestream policy check`: is the order followed, as far as a machine can tell?"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from connectors.clickhouse_client import AUDITOR, connect
from connectors.profiles import load as load_profile
from connectors.settings import Settings, load_settings, open_topics
from platestream.cli.console import err, out, print_json, table
from services.policy import check as checking
from services.policy.checks.live import Live

app = typer.Typer(no_args_is_help=True, help="The order, clause by clause, on live data.")
SAYS = {"held": "[green]held[/green]", "broken": "[red]BROKEN[/red]", "unknown": "[yellow]unknown[/yellow]"}


@app.callback()
def _group() -> None:
    """Keeps `policy check` a command of a group."""


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only what is not held.")] = False,
) -> None:
    """Check every clause of the order that a machine can check; exit 1 when one is not held.

    Examples: platestream policy check
    and platestream policy check --json
    """
    settings = load_settings()
    live = look_at(settings, datetime.now(UTC))
    try:
        with err.status("checking"):
            results = list(checking.run(live))
    finally:
        live.client.close()
    shown = [one for one in results if not failed or one.outcome != "held"]
    if as_json:
        print_json({"at": live.now, "profile": settings.profile, **_told(shown)})
    else:
        _show(shown, results)
    if any(one.outcome != "held" for one in results):
        raise typer.Exit(1)


def look_at(settings: Settings, now: datetime) -> Live:
    """What the settings name, seen with the auditor's eyes."""
    profile = load_profile(settings.profile)
    return Live(
        client=connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext),
        topics=open_topics(settings, follow=False),
        profile_name=settings.profile,
        profile=profile,
        now=now,
        data=None if settings.kafka else settings.data,
        broker={"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
        if settings.kafka
        else None,
        embedded=settings.clickhouse.startswith("chdb:"),
    )


def _told(results: list[checking.Result]) -> dict[str, object]:
    return {
        "held": all(one.outcome == "held" for one in results),
        "checks": [
            {
                "check": one.check.name,
                "clauses": one.check.clauses,
                "what": one.check.what,
                "outcome": one.outcome,
                "figure": one.figure,
                "faults": one.faults,
                "where": one.check.where,
            }
            for one in results
        ],
        "people": [
            {"clause": one.number, "asks": one.asks, "why": one.people} for one in checking.for_people()
        ],
    }


def _show(those: list[checking.Result], results: list[checking.Result]) -> None:
    shown = table("clauses", "what must be so", "found", "", "where to look")
    for one in those:
        found = "\n".join([*filter(None, [one.figure]), *(f"[red]{fault}[/red]" for fault in one.faults)])
        shown.add_row(", ".join(one.check.clauses), one.check.what, found, SAYS[one.outcome], one.check.where)
    out.print(shown)
    people = ", ".join(one.number for one in checking.for_people())
    out.print(f"For people alone (docs/policy.md says why): {people}")
    broken = sum(one.outcome != "held" for one in results)
    err.print(f"{broken} of {len(results)} checks are not held" if broken else "every check is held")
