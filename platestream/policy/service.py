"""Run of the checks, one after another. A check that fails counts as not checked, and the others continue."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from platestream.edges.clickhouse_client import DatabaseError
from platestream.edges.kafka_client import BrokerError
from platestream.policy.checks.context import MOST_NAMED, Answer, CheckData, Unchecked
from platestream.policy.clauses import CLAUSES, Clause
from platestream.policy.laws import Law, LawClause, law_of
from platestream.policy.table import CHECKS, Check
from platestream.schemas.profile import Profile
from platestream.schemas.unreadable import unreadable

Outcome = Literal["held", "not_held", "not_checked"]
Verdict = Literal["held", "not_held", "not_checked", "people"]
OUTCOMES: tuple[Outcome, ...] = ("not_held", "not_checked", "held")  # the first that occurs counts


@dataclass(frozen=True)
class Result:
    """The result of a check: `faults` where it is not held, `gaps` for what was not checked."""

    check: Check
    outcome: Outcome
    figure: str
    faults: tuple[str, ...] = ()
    gaps: tuple[Unchecked, ...] = ()


def checks_of(profile: Profile) -> tuple[Check, ...]:
    """Return the checks of a profile: those of its law, and where it names none those of the order."""
    law = law_of(profile)
    return CHECKS if law is None else law.checks


def run(live: CheckData, checks: Iterable[Check] | None = None) -> Iterator[Result]:
    """Yield the results in order; without `checks` those of the profile."""
    for check in checks_of(live.profile) if checks is None else checks:
        given = ask(check.run, live)
        yield Result(check, outcome(given), given.figure, given.faults, given.gaps)


def outcome(given: Answer) -> Outcome:
    """Return the outcome of an answer: not held with any fault; held only without a fault and without a
    gap.
    """
    if given.faults:
        return "not_held"
    return "not_checked" if given.gaps else "held"


def worst(results: Sequence[Result]) -> Outcome:
    """Return the worst outcome of all."""
    there = {one.outcome for one in results}
    return next((one for one in OUTCOMES if one in there), "held")


def for_people() -> list[Clause]:
    """Return the clauses that only people can hold."""
    return [clause for clause in CLAUSES if clause.people]


def by_clause(results: Sequence[Result]) -> Iterator[tuple[Clause, list[Result]]]:
    """Yield each clause of the order with the results of its checks; none where only people can hold it."""
    for clause in CLAUSES:
        yield clause, [one for one in results if clause.number in one.check.clauses]


def by_law(law: Law, results: Sequence[Result]) -> Iterator[tuple[LawClause, Verdict, list[Result]]]:
    """Yield each clause of a law with its verdict and the results of its checks.

    A clause that was not read, or is from memory, is at best not checked, whatever its checks say; a fault
    remains a fault.
    """
    for clause in law.clauses:
        found = [one for one in results if one.check.name in clause.checks]
        verdict: Verdict = "people" if clause.people else worst(found) if found else "not_checked"
        if verdict == "held" and not clause.certain:
            verdict = "not_checked"
        yield clause, verdict, found


def ask(check: Callable[[CheckData], Answer], live: CheckData) -> Answer:
    """Return the answer of a check; what it could not read is a fault, and where it failed, it is a gap."""
    with unreadable() as unread:
        given = _run(check, live)
    named = list(dict.fromkeys(unread))
    rest = [f"{len(named) - MOST_NAMED} more records cannot be read"] if named[MOST_NAMED:] else []
    return replace(given, faults=(*given.faults, *named[:MOST_NAMED], *rest))


def _run(check: Callable[[CheckData], Answer], live: CheckData) -> Answer:
    try:
        return check(live)
    except (DatabaseError, BrokerError) as error:
        return Answer(
            "",
            (),
            (
                Unchecked(
                    f"no answer: {error}",
                    "PLATESTREAM_CLICKHOUSE and PLATESTREAM_KAFKA reachable: platestream doctor",
                ),
            ),
        )
    except Exception as error:  # no check may stop the others
        return Answer(
            "",
            (),
            (
                Unchecked(
                    f"could not be read: {error}",
                    "the file that is named, readable and valid: platestream doctor",
                ),
            ),
        )
