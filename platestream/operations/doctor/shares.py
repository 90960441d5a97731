"""Check of the shares of flows on a broker: its transactions, and their heartbeats."""

from collections.abc import Iterable
from datetime import timedelta

from platestream.edges.changelog import newest
from platestream.edges.kafka_claim import check_transactions
from platestream.edges.kafka_client import NotSetUpError, common_config
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import CLAIMS

LATE = timedelta(minutes=1)
"""Time after a heartbeat until a share counts as not running; the broker's clock may differ from ours."""
_UNFENCED = "Set it right (platestream topics --acls gives rights), then restart the flows."
_BROKEN = "Find out who wrote it: platestream topics --acls gives rights. Flows pass over it."


def shares(context: CheckContext) -> Iterable[CheckResult]:
    """Check that each share of a flow runs, and that a second process of it is stopped."""
    settings = context.settings
    if not settings.kafka:
        raise NotCheckedError("no broker is named; platestream status shows processes")
    try:
        messages = newest(context.door.streams, CLAIMS).values()
        if messages:
            check_transactions(common_config(settings.kafka, settings.kafka_properties()))
    except NotSetUpError as error:
        return [fault(f"Nothing stops a second process of a share: {error}.", _UNFENCED)]
    found, broken = [], []
    for message in messages:
        try:
            found.append((CLAIMS.decode(message), message.timestamp))
        except RefusedError as error:
            broken.append(fault(f"No claim at offset {message.offset} of `{CLAIMS.name}`: {error}.", _BROKEN))
    if not found and not broken:
        raise NotCheckedError("no share has started yet, or several processes share a store")
    since = context.now() - LATE
    running = {(one.flow, one.share) for one, at in found if at is not None and at > since}
    faults = broken
    for flow in sorted({one.flow for one, _at in found}):
        there = {share for name, share in running if name == flow}
        missing = [f"Share {one} of {flow}" for one in sorted(_expected(there) - there)]
        if not there:
            missing = [f"Each share of {flow}"]
        faults += [
            fault(f"{one} is silent: partitions are not read.", "See FlowDown in the runbook.")
            for one in missing
        ]
    names = ", ".join(f"{flow} {share}" for flow, share in sorted(running))
    return faults or [ok(f"{names} run.")]


def _expected(running: set[str]) -> set[str]:
    counts = {int(one.partition("/")[2]) for one in running}
    return {f"{number}/{of}" for of in counts for number in range(1, of + 1)}
