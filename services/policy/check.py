"""The checks run, one after another. One that cannot be made is not checked, and the rest go on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.clickhouse_client import DatabaseError
from connectors.kafka_client import BrokerError
from schemas.profile import Profile
from services.policy.checks.live import Answer, Gap, Live
from services.policy.clauses import CLAUSES, Clause
from services.policy.laws import Law, LawClause, law_of
from services.policy.table import CHECKS, Check

Outcome = Literal["held", "not_held", "not_checked"]
Verdict = Literal["held", "not_held", "not_checked", "people"]
OUTCOMES: tuple[Outcome, ...] = ("not_held", "not_checked", "held")  # the first that occurs is that of all


@dataclass(frozen=True)
class Result:
    """What a check said: `faults` where it is not held, `gaps` for what it did not look at."""

    check: Check
    outcome: Outcome
    figure: str
    faults: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def checks_of(profile: Profile) -> tuple[Check, ...]:
    """The checks of a profile: those of its law, and where it names none those of the order."""
    law = law_of(profile)
    return CHECKS if law is None else law.checks


def run(live: Live, checks: Iterable[Check] | None = None) -> Iterator[Result]:
    """The results in order; without `checks` those of the profile."""
    for check in checks_of(live.profile) if checks is None else checks:
        said = _ask(check, live)
        yield Result(check, outcome(said), said.figure, said.faults, said.gaps)


def outcome(said: Answer) -> Outcome:
    """A fault is a fault however little was looked at; held is only what was looked at whole."""
    if said.faults:
        return "not_held"
    return "not_checked" if said.gaps else "held"


def worst(results: Sequence[Result]) -> Outcome:
    """The outcome of all together."""
    there = {one.outcome for one in results}
    return next((one for one in OUTCOMES if one in there), "held")


def for_people() -> list[Clause]:
    """The clauses that only people can hold."""
    return [clause for clause in CLAUSES if clause.people]


def by_clause(results: Sequence[Result]) -> Iterator[tuple[Clause, list[Result]]]:
    """Each clause of the order with the results of its checks; none where only people can hold it."""
    for clause in CLAUSES:
        yield clause, [one for one in results if clause.number in one.check.clauses]


def by_law(law: Law, results: Sequence[Result]) -> Iterator[tuple[LawClause, Verdict, list[Result]]]:
    """Each clause of a law with its verdict and the results of its checks.

    A clause that was not read, or is from memory, is not held but not checked, whatever its checks say; a
    fault is a fault.
    """
    for clause in law.clauses:
        found = [one for one in results if one.check.name in clause.checks]
        said: Verdict = "people" if clause.people else worst(found) if found else "not_checked"
        if said == "held" and not clause.certain:
            said = "not_checked"
        yield clause, said, found


def _ask(check: Check, live: Live) -> Answer:
    try:
        return check.run(live)
    except (DatabaseError, BrokerError) as error:
        return Answer(
            "",
            (),
            (
                Gap(
                    f"no answer: {error}",
                    "PLATESTREAM_CLICKHOUSE and PLATESTREAM_KAFKA reachable: platestream doctor",
                ),
            ),
        )
    except (OSError, ValueError) as error:
        return Answer(
            "",
            (),
            (
                Gap(
                    f"could not be read: {error}",
                    "the file that is named, readable and valid: platestream doctor",
                ),
            ),
        )
