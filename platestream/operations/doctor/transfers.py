"""Check of the transfers to evidence systems."""

from collections.abc import Iterable

from platestream.evidence.outbox import Outbox
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, warning
from platestream.schemas.pluralize import pluralize


def transfers(context: CheckContext) -> Iterable[CheckResult]:
    """Check that no export to an evidence system was given up, or fails."""
    states = Outbox(context.settings.data).states()
    if not states:
        raise NotCheckedError("no export to an evidence system waits here")
    given_up = [(name, one) for name, one in states.items() if one.given_up]
    failing = [(name, one) for name, one in states.items() if one.fault and not one.given_up]
    for name, one in given_up:
        yield fault(f"{name} was given up: {one.fault}.", f"platestream evidence send {name}")
    for name, one in failing:
        tried = pluralize(one.attempts, "attempt")
        yield warning(f"{name} fails after {tried}: {one.fault}.", "It is tried again each hour.")
    if not given_up and not failing:
        yield ok(f"{pluralize(len(states), 'export')} on the way.")
