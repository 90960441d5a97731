"""The proof that one inquiry is in the published log, for whoever it concerns, without any other inquiry.

Three files: `inquiry.json` (the inquiry as it was sealed), `salt` (32 bytes) and `proof` (C2SP `tlog-proof`:
the place, the hashes up to a head, and that head with its signatures). SHA-256 of salt and inquiry is the
entry that the proof is of.
"""

from pathlib import Path
from typing import Unpack
from uuid import UUID

from connectors.clickhouse_client import AUDITOR
from connectors.inquiry_log import logged
from connectors.tlog import leaves
from connectors.tlog.folder import CHECKPOINT
from connectors.tlog.leaves import LeavesError
from operators.tlog import merkle, tiles
from operators.tlog.checkpoint import Proof, opened
from operators.tlog.tiles import ENTRIES, tile_of
from services.door import Door, Why
from services.tlog.config import LogConfig, LogError, verifier

INQUIRY, SALT, PROOF = "inquiry.json", "salt", "proof"


def prove(door: Door, found: LogConfig, inquiry: UUID, **why: Unpack[Why]) -> dict[str, bytes]:
    """The three files by name; the act is on record first.

    Raises RefusedInquiry, LogError for an inquiry that is not in the published head or is not what was
    published, DatabaseError and OSError.
    """
    permit = door.enter("audit_prove", str(inquiry), **why)
    key = verifier(found)
    client = door.client(AUDITOR)
    seals = leaves.seals_of(client, str(inquiry))
    if not seals:
        raise LogError(f"no inquiry {inquiry} is sealed")
    shown = found.folder.find(CHECKPOINT)
    if shown is None:
        raise LogError("nothing is published yet: platestream audit publish")
    head, note = opened(shown, key)
    index = seals[0] - 1
    if index >= head.size:
        raise LogError(f"inquiry {inquiry} is sealed, and not in the published head yet: publish first")
    try:
        (leaf,) = leaves.read(client, seals[0], 1, logged(permit.inquiry_id))
    except LeavesError as error:
        raise LogError(str(error)) from None
    if leaf.entry != entry(found, index, head.size):
        raise LogError(f"inquiry {inquiry} is not what was published: it was altered since (audit verify)")
    node = tiles.reader(head.size, lambda tile: found.folder.read(tile.path))
    proof = Proof(index, tuple(merkle.inclusion(index, head.size, node)), note)
    if not merkle.includes(index, head.size, merkle.leaf_hash(leaf.entry), proof.hashes, head.root):
        raise LogError("the published tiles do not lead to the published head (audit verify --published)")
    return {INQUIRY: leaf.content, SALT: leaf.salt, PROOF: str(proof).encode()}


def entry(found: LogConfig, index: int, size: int) -> bytes:
    """An entry as it is published. Raises ValueError and OSError."""
    tile = tile_of(ENTRIES, index // tiles.WIDTH, size)
    return list(tiles.entries(found.folder.read(tile.path)))[index % tiles.WIDTH]


def write(files: dict[str, bytes], to: Path) -> None:
    """Into a folder that is not there yet, for its owner alone. Raises FileExistsError."""
    to.mkdir(mode=0o700)
    for name, content in files.items():
        (to / name).write_bytes(content)
