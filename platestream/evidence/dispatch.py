"""Exports to evidence systems: making one, and the state of all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from platestream.access.door import Door
from platestream.edges.clickhouse_client import CUSTODIAN
from platestream.evidence.export import Export, prepare, record
from platestream.evidence.outbox import ENCRYPTED, Outbox, TransferState, name_of
from platestream.evidence.receipts import Receipt, Sent, read_sent
from platestream.evidence.systems import active, recipients
from platestream.schemas.message import RefusedError

State = Literal["received", "wrong", "refused", "awaiting receipt", "failing", "waiting"]


@dataclass(frozen=True)
class TransferView:
    """An export to an evidence system and its state for people: no plate. Times are UTC."""

    hold_id: UUID
    case_number: str
    system: str
    file: str
    bytes: int
    sha256: str
    exported_at: datetime
    exported_by: str
    state: State
    fault: str
    receipt: Receipt | None
    receipt_at: datetime | None


def export_to(door: Door, hold_id: UUID, system: str, now: datetime, *, purpose: str = "") -> Export:
    """Export a hold to a registered evidence system; the job of transfers sends it.

    The package is on the disk before the export is logged. Raises as `platestream.evidence.export.export`,
    RefusedError for an unknown system, and OSError.
    """
    found = active(door.streams).get(system)
    receiver = found.name if found is not None else system
    made, done = prepare(door, hold_id, None, now, receiver=receiver)
    with door.log_refusal("evidence_export", str(hold_id), case_number=done.case_number):
        if found is None:
            raise RefusedError("registry", "no such evidence system is registered")
    to = recipients(found)
    name = f"{name_of(hold_id, done.manifest_sha256)}{ENCRYPTED if to else ''}"
    packed = Outbox(door.settings.data).add(name, made, to)
    done = msgspec.structs.replace(
        done,
        system=found.id,
        file=name,
        bytes=packed.bytes,
        sha256=packed.sha256,
        encrypted_to=found.recipient,
    )
    record(door, done, purpose)
    return done


def transfers(door: Door) -> list[TransferView]:
    """Return all exports to evidence systems, the latest first. Raises RefusedInquiry and DatabaseError."""
    door.enter("evidence_show", "transfers")
    return views(door)


def views(door: Door) -> list[TransferView]:
    """Return the same within an act that shows holds."""
    outbox = Outbox(door.settings.data)
    return [_view(one, outbox.state(one.export.file)) for one in reversed(read_sent(door.client(CUSTODIAN)))]


def send_again(door: Door, file: str) -> None:
    """Let the job try a transfer again that it gave up. Raises RefusedInquiry, RefusedError and OSError."""
    waiting = {one.export.file for one in read_sent(door.client(CUSTODIAN)) if one.receipt is None}
    with door.log_refusal("evidence_send", file):
        if file not in waiting:
            raise RefusedError("transfer", "no export of this name waits for its receipt")
    door.enter("evidence_send", file, change="is sent again")
    outbox = Outbox(door.settings.data)
    state = outbox.state(file)
    outbox.note(file, TransferState(renaming=state.renaming, sent_at=state.sent_at))


def _view(one: Sent, state: TransferState) -> TransferView:
    export = one.export
    return TransferView(
        hold_id=export.hold_id,
        case_number=export.case_number,
        system=export.system,
        file=export.file,
        bytes=export.bytes,
        sha256=export.sha256,
        exported_at=one.entry.at,
        exported_by=one.entry.who,
        state=_state(one, state),
        fault="" if one.receipt else state.fault,
        receipt=one.receipt,
        receipt_at=one.receipt_entry.at if one.receipt_entry else None,
    )


def _state(one: Sent, state: TransferState) -> State:
    if one.receipt is not None:
        return "wrong" if one.receipt_is_wrong else "received"
    if state.given_up:
        return "refused"
    if state.sent_at is not None:
        return "awaiting receipt"
    return "failing" if state.fault else "waiting"
