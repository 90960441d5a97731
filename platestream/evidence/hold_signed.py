"""Holds of reads that another agency answered, with its signed answers (order, sections F.8.a and J.2).

There is no row of ours to copy, so the pieces are brought to the database, which accepts them by the hashes
in the entry of the act.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.edges.clickhouse_client import CUSTODIAN, read_rows, run
from platestream.evidence import held_keys
from platestream.evidence.hold import (
    HeldAnswer,
    Hold,
    HoldTimes,
    Picture,
    Terms,
    append,
    held_of,
    require_complete,
)
from platestream.keys.pieces import answer_name, picture_name
from platestream.ledger import records
from platestream.partners.exchange import agency_print
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.tables import EPOCH

_LED_THERE = """
SELECT inquiry_id FROM platestream.inquiry_log
WHERE tool = {tool:String} AND kind IN ('search', 'partner_search') AND outcome = 'allowed'
ORDER BY at LIMIT 1
"""
_PIECE = {
    "act": "UUID",
    "what": "String",
    "detection_id": "UUID",
    "captured_at": "DateTime64(3, 'UTC')",
    "kind": "String",
    "number": "UInt16",
    "agency": "String",
    "key": "String",
    "content": "String",
}
_NOTHING = {
    "detection_id": UUID(int=0),
    "captured_at": EPOCH,
    "kind": "",
    "number": 0,
    "agency": "",
    "key": "",
}


@dataclass
class RemoteReads:
    """The answer of another `agency`: rows, their pictures by detection and kind, and the signed answers."""

    agency: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[UUID, dict[str, bytes]] = field(default_factory=dict)
    answers: list[SignedExchange] = field(default_factory=list)


def hold_signed(door: Door, terms: Terms, hold_id: UUID, times: HoldTimes, found: RemoteReads) -> Hold:
    """Hold the reads that another agency answered, with its signed answers. Raises as `hold`."""
    texts = {row["detection_id"]: msgspec.json.encode(row) for row in found.rows}
    answers = {answer_name(n): (one, n) for n, one in enumerate(found.answers, 1)}
    jpegs = {
        picture_name(one, kind): (one, kind)
        for one, kinds in found.pictures.items()
        for kind in sorted(kinds)
    }
    plain = {name: found.pictures[one][kind] for name, (one, kind) in jpegs.items()}
    plain |= {name: msgspec.json.encode(one) for name, (one, _number) in answers.items()}
    with door.log_refusal("evidence_hold", str(hold_id), **terms.why):
        key, stored = held_keys.seal_pieces(door.keys, hold_id, plain)
    hashes = {
        name: {"sha256": _hash(piece), "stored": held_keys.stored_hash(piece, stored[name])}
        for name, piece in plain.items()
    }
    held = msgspec.structs.replace(
        held_of(
            terms,
            hold_id,
            times,
            _inquiry(door.client(CUSTODIAN), hold_id),
            {one: _hash(text) for one, text in texts.items()},
            [Picture(detection_id=one, kind=kind, **hashes[name]) for name, (one, kind) in jpegs.items()],
        ),
        origin=found.agency,
        answers=[
            HeldAnswer(agency=one.agency, key=agency_print(one), **hashes[name])
            for name, (one, _number) in answers.items()
        ],
        key=key,
    )
    act = records.put(door, "evidence_hold", held, **terms.why).permit.inquiry_id
    custodian = door.writer(CUSTODIAN)
    append(custodian, act, [])
    pieces: list[dict[str, Any]] = [
        *(
            {
                "what": "record",
                "detection_id": row["detection_id"],
                "captured_at": row["captured_at"],
                "content": texts[row["detection_id"]],
            }
            for row in found.rows
        ),
        *(
            {"what": "picture", "detection_id": one, "kind": kind, "content": stored[name]}
            for name, (one, kind) in jpegs.items()
        ),
        *(
            {
                "what": "answer",
                "number": number,
                "agency": one.agency,
                "key": agency_print(one),
                "content": stored[name],
            }
            for name, (one, number) in answers.items()
        ),
    ]
    _bring(custodian, act, pieces)
    require_complete(custodian, act, held)
    return held


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _inquiry(custodian: Client, hold_id: UUID) -> UUID:
    """Return the inquiry that found the reads."""
    parameters = {"tool": f"evidence hold {hold_id}"}
    rows = read_rows(custodian, "reading the log", _LED_THERE, **parameters)
    return UUID(str(rows[0][0]))


def _bring(client: Client, act: UUID, pieces: Sequence[Mapping[str, Any]]) -> None:
    rows = [{**_NOTHING, "act": act, **piece} for piece in pieces]
    run(
        "holding evidence",
        lambda: client.insert(
            "platestream.evidence_bring",
            [[row[name] for name in _PIECE] for row in rows],
            column_names=list(_PIECE),
            column_type_names=list(_PIECE.values()),
            settings={"async_insert": 0},
        ),
    )
