"""`platestream policy check`: compliance with the order, as far as a program can check it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import Text, err, lines, out, print_json, styled, table
from platestream.policy import service as checking
from platestream.policy.checks.context import CheckData
from platestream.policy.laws import Law, law_of
from platestream.policy.laws.law import READ

NO_ADVICE = "A lawyer, not this program, says that what an agency does suffices."
app = typer.Typer(no_args_is_help=True, help="Check compliance with the order.")
SAYS: dict[checking.Outcome, Text] = {
    "held": styled("held", "green"),
    "not_held": styled("NOT HELD", "red"),
    "not_checked": styled("not checked", "yellow"),
}


@app.callback()
def _group() -> None:
    """Keep `policy check` a command of a group."""


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Leave out clauses that are held.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit 1 also if a clause could not be checked.")] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Name people instead of counting them. This is logged.")
    ] = False,
) -> None:
    """Check compliance with each clause of the order, or of the law that the profile names, on live data.

    A check answers held, not held, or not checked; the last comes with the reason and with what would make it
    checkable. Exit code: 1 if a clause is not held, with --strict also if one is not checked, else 0.

    Figures need no authorization. --names is for auditors and administrators, and is logged.

    Examples: platestream policy check
    and platestream policy check --json --strict
    """
    with open_door("policy check", ruled=False) as door:
        live = CheckData.of(door, datetime.now(UTC), names=names)
        with err.status("checking"):
            results = list(checking.run(live))
    law = law_of(live.profile)
    shown = [one for one in results if not failed or one.outcome != "held"]
    if as_json:
        report = _as_fields(shown, results) | (_law_fields(law, results) if law else {})
        report["outcome"] = _outcome(results, law)
        print_json({"at": live.now, "profile": live.profile_name, **report})
    else:
        _show(shown, results, law)
    worst = _outcome(results, law)
    if worst == "not_held" or (strict and worst == "not_checked"):
        raise typer.Exit(1)


def _outcome(results: Sequence[checking.Result], law: Law | None) -> checking.Outcome:
    """Return the overall outcome. If a clause of the law was not read, the law as a whole is not held."""
    worst = checking.worst(results)
    unread = law is not None and any(
        said == "not_checked" for _one, said, _found in checking.by_law(law, results)
    )
    return "not_checked" if worst == "held" and unread else worst


def _as_fields(shown: Sequence[checking.Result], results: Sequence[checking.Result]) -> dict[str, object]:
    return {
        "outcome": checking.worst(results),
        "counts": {name: sum(one.outcome == name for one in results) for name in SAYS},
        "checks": [
            {
                "check": one.check.name,
                "clauses": one.check.clauses,
                "what": one.check.what,
                "outcome": one.outcome,
                "figure": one.figure,
                "faults": one.faults,
                "not_checked": [{"why": gap.why, "needs": gap.needs} for gap in one.gaps],
                "where": one.check.where,
            }
            for one in shown
        ],
        "people": [
            {"clause": one.number, "asks": one.asks, "why": one.people} for one in checking.for_people()
        ],
    }


def _law_fields(law: Law, results: Sequence[checking.Result]) -> dict[str, object]:
    """Print the law clause by clause, with the roles that answer for clauses that no program can check."""
    clauses = list(checking.by_law(law, results))
    return {
        "law": {
            "name": law.name,
            "advice": NO_ADVICE,
            "notes": law.notes,
            "sources": {name: vars(one) for name, one in law.sources.items()},
            "clauses": [
                {
                    "clause": clause.number,
                    "asks": clause.asks,
                    "read": READ[clause.read],
                    "source": clause.source,
                    "verdict": said,
                    "checks": clause.checks,
                    "needs": clause.needs,
                }
                for clause, said, _found in clauses
            ],
        },
        "people": [
            {"clause": one.number, "asks": one.asks, "why": one.people}
            for one, _said, _found in clauses
            if one.people
        ],
    }


def _show(shown: Sequence[checking.Result], results: Sequence[checking.Result], law: Law | None) -> None:
    made = table("clauses", "requirement", "found", "", "see")
    for one in shown:
        asked = ", ".join(one.check.clauses), one.check.what
        made.add_row(*asked, _finding_text(one), SAYS[one.outcome], one.check.where)
    out.print(made)
    clauses = list(checking.by_law(law, results)) if law else []
    people = [one.number for one, said, _found in clauses if said == "people"]
    if law is None:
        people = [one.number for one in checking.for_people()]
    out.print(f"For people alone (docs/reference/policy.md says why): {', '.join(people)}")
    if law:
        unread = [one for one, _said, _found in clauses if not one.certain]
        numbers = "; ".join(f"{one.number} ({READ[one.read]})" for one in unread)
        unread_text = f"Of these clauses no text was read, so they are not checked: {numbers or 'none'}"
        out.print(f"{law.name}. {unread_text}")
        if unread:
            out.print(f"They need {unread[0].needs}.")
        out.print(styled(NO_ADVICE, "bold"))
    count = Counter(one.outcome for one in results)
    err.print(
        f"of {len(results)} checks {count['held']} are held, {count['not_held']} are not held, "
        f"{count['not_checked']} could not be checked"
    )


def _finding_text(one: checking.Result) -> Text:
    gaps = (styled(f"{gap.why}; needs: {gap.needs}", "yellow") for gap in one.gaps)
    return lines([*filter(None, [one.figure]), *(styled(fault, "red") for fault in one.faults), *gaps])
