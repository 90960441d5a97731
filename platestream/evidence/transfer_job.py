"""Job that sends exports to their evidence systems and records the receipts.

The ledger is its queue: an export to a system without a receipt is to be sent. A failed transfer is tried
again after a growing time, and becomes a dead letter after `PATIENCE` or at once where the place has another
file than was sent.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from platestream.access.door import Door
from platestream.edges.clickhouse_client import CUSTODIAN
from platestream.evidence.channels.channel import Channel, ChannelError
from platestream.evidence.channels.s3 import S3Channel
from platestream.evidence.custody import history
from platestream.evidence.outbox import Outbox, TransferState
from platestream.evidence.receipts import (
    LARGEST,
    SUFFIX,
    Receipt,
    ReceiptFile,
    Sent,
    file_hash,
    read_sent,
)
from platestream.evidence.systems import active, open_channel
from platestream.evidence.transfer import Arrived, Package, deliver
from platestream.ledger import records
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.unreadable import unreadable

PATIENCE = timedelta(days=3)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
"""Shortest and longest time between two attempts."""
SHORTEST_LOCK = timedelta(days=1)
"""Lock of a package whose hold may end at any time."""
UNRECORDED = timedelta(hours=1)
"""Age of a package without an export in the ledger, after which it is deleted."""
PREFIX = "evidence/"
"""Begin of the `topic` of dead letters of transfers, before the system; `evidence send` tries them again."""
REASON = "Receipt of an evidence system (order, section F.8.a)"
Said = Callable[[str, str], None]


class TransferJob:
    """The transfers of a data folder, in the name of the person who starts the job. `said` is called with a
    file and what became of it; `keys` is the folder of private keys, where they have one of their own.
    """

    def __init__(self, person: Door, said: Said, keys: Path | None = None) -> None:
        self._door = person.start_job("evidence", "evidence_send", "job: all evidence systems")
        self._data = person.settings.data.resolve()
        self._outbox, self._said, self._keys = Outbox(self._data), said, keys

    def run_once(self, now: datetime) -> None:
        """Try each transfer that is due. Raises DatabaseError, BrokerError, RefusedInquiry and OSError."""
        with self._outbox.alone() as alone, self._door as door:
            if not alone:
                return
            with unreadable() as unread:
                every = read_sent(door.client(CUSTODIAN))
                present = history(door.client(CUSTODIAN), door.rules.profile).present
            held = {one.hold_id: one.due for one in present}
            if not unread:  # else a package may be of an entry that cannot be read
                self._outbox.drop_others({one.export.file for one in every}, now - UNRECORDED)
            systems = active(door.streams)
            for one in every:
                if one.receipt is not None or (one.export.hold_id not in held and not unread):
                    self._outbox.drop(one.export.file)
                elif one.export.hold_id in held:
                    self._try(door, one, systems.get(one.export.system), held[one.export.hold_id], now)

    def _try(
        self, door: Door, one: Sent, system: RegistryRecord | None, due: datetime, now: datetime
    ) -> None:
        state, name = self._outbox.state(one.export.file), one.export.file
        if state.given_up or (state.next_at is not None and now < state.next_at):
            return
        state = msgspec.structs.replace(state, attempts=state.attempts + 1, first_at=state.first_at or now)
        self._outbox.note(name, state)
        try:
            if system is None:
                raise ChannelError(f"the evidence system {one.export.system} is withdrawn")
            receipt = self._transfer(one, system, due, now)
        except RefusedError as error:
            self._refuse(door, one, error, now)
        except ChannelError as error:
            self._put_off(door, one, str(error), now)
        else:
            if receipt is not None:
                why = {"case_number": receipt.case_number, "reason": REASON}
                records.put(door, "evidence_receipt", receipt, **why)  # type: ignore[arg-type]
                self._outbox.drop(name)
                self._said(name, f"received by {system.id}")

    def _transfer(self, one: Sent, system: RegistryRecord, due: datetime, now: datetime) -> Receipt | None:
        """Bring the package if it is not there yet; return its receipt, None while it is awaited. Where
        objects are locked, it is until `due`, the end of its hold.
        """
        channel, taken = open_channel(system, self._data, self._keys), system.receipt_minutes is not None
        channel.check()
        state = self._outbox.state(one.export.file)
        content = channel.read(f"{one.export.file}{SUFFIX}", LARGEST) if taken else None
        if content is not None:
            locks = isinstance(channel, S3Channel)
            arrived = self._deliver(channel, one, state, due, now, taken) if locks else None
            return _issued_receipt(content, one, system, now, arrived or Arrived("receipt"))
        if state.sent_at is None:
            arrived = self._deliver(channel, one, state, due, now, taken)
            if arrived is not None and not taken:
                return _receipt(one, system, now, arrived)
            state = self._outbox.state(one.export.file)
            state = msgspec.structs.replace(state, sent_at=now, fault="", next_at=None)
            self._outbox.note(one.export.file, state)
            return None
        assert system.receipt_minutes is not None
        if now - state.sent_at > timedelta(minutes=system.receipt_minutes):
            raise ChannelError(f"no receipt came within {system.receipt_minutes} minutes")
        return None

    def _deliver(
        self,
        channel: Channel | S3Channel,
        one: Sent,
        state: TransferState,
        due: datetime,
        now: datetime,
        taken: bool,
    ) -> Arrived | None:
        package = self._outbox.find(one.export)
        if package is None and not state.renaming:
            raise RefusedError("transfer", "the package is not here any more: export the hold again")
        name = one.export.file
        package = package or Package(self._outbox.folder / name, one.export.bytes, one.export.sha256)
        if isinstance(channel, S3Channel):
            return channel.deliver(package, max(due, now + SHORTEST_LOCK))

        def note() -> None:
            self._outbox.note(name, msgspec.structs.replace(state, renaming=True))

        return deliver(channel, package, renaming=state.renaming, taken=taken, note=note)

    def _refuse(self, door: Door, one: Sent, error: RefusedError, now: datetime) -> None:
        why = {"case_number": one.export.case_number, "reason": REASON}
        try:
            with door.log_refusal("evidence_receipt", one.export.file, **why):  # type: ignore[arg-type]
                raise error
        except RefusedError:
            self._give_up(door, one, error, now)

    def _put_off(self, door: Door, one: Sent, fault: str, now: datetime) -> None:
        state = self._outbox.state(one.export.file)
        if state.first_at is not None and now - state.first_at > PATIENCE:
            self._give_up(door, one, RefusedError("transfer", fault), now)
            return
        pause = min(FIRST * 2 ** min(state.attempts - 1, 10), LONGEST)
        if fault != state.fault:
            self._said(one.export.file, fault)
        state = msgspec.structs.replace(state, fault=fault, next_at=now + pause)
        self._outbox.note(one.export.file, state)

    def _give_up(self, door: Door, one: Sent, error: RefusedError, now: datetime) -> None:
        state = self._outbox.state(one.export.file)
        letter = DeadLetter(
            topic=f"{PREFIX}{one.export.system}",
            partition=0,
            offset=one.entry.number,
            reason=error.reason,
            detail=f"{one.export.file}: {error.detail}",
            timestamp=now,
        )
        door.streams.writer(topics.DEAD_LETTERS).publish([letter])
        state = msgspec.structs.replace(state, fault=error.detail, given_up=True)
        self._outbox.note(one.export.file, state)
        self._said(one.export.file, f"given up: {error.detail}")


def _issued_receipt(
    content: bytes, one: Sent, system: RegistryRecord, now: datetime, arrived: Arrived
) -> Receipt:
    found = ReceiptFile.read(content, system, one.export)
    made = _receipt(one, system, now, replace(arrived, proof="receipt"))
    return msgspec.structs.replace(
        made, receipt_sha256=file_hash(content), reference=found.reference, issued=found
    )


def _receipt(one: Sent, system: RegistryRecord, now: datetime, arrived: Arrived) -> Receipt:
    export = one.export
    return Receipt(
        hold_id=export.hold_id,
        case_number=export.case_number,
        export=one.entry.hash,
        system=export.system,
        place=system.transfer_place,
        file=export.file,
        bytes=export.bytes,
        sha256=export.sha256,
        proof=arrived.proof,
        received_at=now,
        version=arrived.version,
        locked_until=arrived.locked_until,
    )
