"""The checks run, one after another: a check that cannot be made counts as failed, and the rest go on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from connectors.clickhouse_client import DatabaseError
from connectors.kafka_client import BrokerError
from services.policy.checks.live import Live
from services.policy.clauses import CLAUSES, Clause
from services.policy.table import CHECKS, Check

Outcome = Literal["held", "broken", "unknown"]


@dataclass(frozen=True)
class Result:
    """What a check said: `unknown` where it could not be made."""

    check: Check
    outcome: Outcome
    figure: str
    faults: tuple[str, ...]


def run(live: Live, checks: Iterable[Check] = CHECKS) -> Iterator[Result]:
    """The results in order."""
    for check in checks:
        try:
            said = check.run(live)
        except (DatabaseError, BrokerError, OSError, ValueError) as error:
            yield Result(check, "unknown", "", (f"could not be checked: {error}",))
            continue
        yield Result(check, "broken" if said.faults else "held", said.figure, said.faults)


def for_people() -> list[Clause]:
    """The clauses that only people can hold."""
    return [clause for clause in CLAUSES if clause.people]
