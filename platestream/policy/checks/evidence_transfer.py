"""Check that data of cases reached the evidence system (section F.8.a): each export that is due has its
receipt, which a logged act of the job of transfers wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from platestream.evidence.custody import Held, history
from platestream.evidence.receipts import Sent, read_sent
from platestream.ledger import store as ledger
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, gap_unless
from platestream.policy.checks.evidence import TAKEN
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

DUE = timedelta(days=1)
"""Time after an export within which its receipt is there, unless the evidence system has more."""
_REGISTERED = """
SELECT count(), min(at) FROM platestream.inquiry_log
WHERE kind = 'registry_evidence_system' AND outcome = 'allowed'
"""
_WRITTEN = """
SELECT effect FROM platestream.inquiry_log
WHERE kind = 'evidence_receipt' AND outcome = 'allowed' AND automatic AND effect != ''
"""


def transferred(live: CheckData) -> Answer:
    """Check that exports of held evidence have the receipt of their evidence system."""
    known = {one.id: one for one in live.registered("evidence_system")}
    systems = {name: one for name, one in known.items() if one.active}
    every = read_sent(live.client)
    if not systems and not every:
        why = "no evidence system is registered, so no receipt says that the data arrived there"
        return Answer.of("no evidence system", Unchecked(why, "platestream registry evidence-system"))
    held = {one.hold_id: one for one in history(live.client, live.profile).present}
    open_ = [one for one in every if one.export.hold_id in held]
    due = [one for one in open_ if one.entry.at < live.now - _time_of(one, systems)]
    sent_holds = {one.export.hold_id for one in every}
    ((count, since),) = live.rows(_REGISTERED)
    begun: datetime = since if count else live.now
    unsent = [
        hold for hold, one in held.items()
        if systems and hold not in sent_holds and begun < one.held_at < live.now - TAKEN
    ]  # fmt: skip
    return Answer.of(
        f"{pluralize(len(every), 'export')}, {sum(one.receipt is not None for one in every)} with a receipt",
        fault_of("exports without a receipt", [one.export.file for one in due if one.receipt is None]),
        fault_of(f"holds without an export after {TAKEN.days} days", unsent),
        *_receipt_faults(live, every),
        fault_of("holds that end after the lock of their package", _short_locks(open_, held)),
        *_not_issued(every, known),
        gap_unless(
            due or unsent or any(one.receipt for one in every),
            "no export to an evidence system is due",
            "once evidence is exported (platestream evidence export --system)",
        ),
    )


def _time_of(one: Sent, systems: Mapping[str, RegistryRecord]) -> timedelta:
    system = systems.get(one.export.system)
    return max(DUE, timedelta(minutes=system.receipt_minutes or 0)) if system else DUE


def _short_locks(open_: Sequence[Sent], held: Mapping[UUID, Held]) -> list[UUID]:
    """Return holds that were made longer than the lock of their latest package in a bucket."""
    locked: dict[UUID, datetime] = {}
    for one in open_:
        if one.receipt is not None and one.receipt.locked_until is not None:
            before = locked.get(one.export.hold_id, one.receipt.locked_until)
            locked[one.export.hold_id] = max(before, one.receipt.locked_until)
    return [hold for hold, until in locked.items() if until < held[hold].due]


def _not_issued(every: list[Sent], systems: Mapping[str, RegistryRecord]) -> list[str | Unchecked]:
    """Return receipts of systems that issue their own, which the ledger has without it.

    The job alone says that it read a package back; what a system signed, nobody here can make up.
    """
    missing: list[str] = []
    earlier: list[str] = []
    for one in every:
        system = systems.get(one.export.system)
        if one.receipt is None or system is None or system.receipt_minutes is None:
            continue
        if not one.is_issued_by(system):
            changed = system.changed_at is not None and system.changed_at > one.receipt.received_at
            (earlier if changed else missing).append(one.export.file)
    gap = fault_of("receipts from before their evidence system was changed", earlier)
    needs = "once the hold is exported again (platestream evidence export --system)"
    return [
        fault_of("receipts that their evidence system did not issue", missing),
        *gap_unless(not gap, gap, needs),
    ]


def _receipt_faults(live: CheckData, every: list[Sent]) -> list[str]:
    receipts = {hash_: entry for entry, hash_ in ledger.read(live.client, "evidence", "receipt")}
    written = {effect for (effect,) in live.rows(_WRITTEN)}
    known = {one.receipt_entry.hash for one in every if one.receipt_entry is not None}
    wrong: list[UUID] = [one.export.hold_id for one in every if one.receipt_is_wrong]
    unwritten = [receipts[one].number for one in sorted(receipts.keys() - written)]
    other = [receipts[one].number for one in sorted(receipts.keys() - known)]
    return [
        fault_of("receipts of another file than was exported, of holds", wrong),
        fault_of("receipts that no act of the job wrote, entries", unwritten),
        fault_of("receipts of no export, or second ones, entries", other),
    ]
