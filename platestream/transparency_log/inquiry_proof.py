"""The proof that one inquiry is in the published log, for the person concerned, without any other inquiry.

Three files: `inquiry.json` (the inquiry as it was sealed), `salt` (32 bytes) and `proof` (C2SP `tlog-proof`:
the index, the hashes up to a head, and that head with its signatures). SHA-256 of salt and inquiry is the
proven entry.
"""

from pathlib import Path
from typing import Unpack
from uuid import UUID

from platestream.access.door import Documentation, Door
from platestream.edges.clickhouse_client import AUDITOR
from platestream.edges.inquiry_log import readable_log
from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import Proof, open_checkpoint
from platestream.merkle.tiles import ENTRIES, tile_of
from platestream.transparency_log import leaves
from platestream.transparency_log.config import LogConfig, LogError, verifier
from platestream.transparency_log.leaves import LeavesError
from platestream.transparency_log.published_folder import CHECKPOINT

INQUIRY, SALT, PROOF = "inquiry.json", "salt", "proof"


def prove(door: Door, log_config: LogConfig, inquiry: UUID, **why: Unpack[Documentation]) -> dict[str, bytes]:
    """Return the three files by name; the act is logged first.

    Raises RefusedInquiry, LogError for an inquiry that is not in the published head or differs from the
    published one, DatabaseError and OSError.
    """
    permit = door.enter("audit_prove", str(inquiry), **why)
    key = verifier(log_config)
    client = door.client(AUDITOR)
    seals = leaves.seals_of(client, str(inquiry))
    if not seals:
        raise LogError(f"no inquiry {inquiry} is sealed")
    shown = log_config.folder.find(CHECKPOINT)
    if shown is None:
        raise LogError("nothing is published yet: platestream audit publish")
    head, note = open_checkpoint(shown, key)
    index = seals[0] - 1
    if index >= head.size:
        raise LogError(f"inquiry {inquiry} is sealed, and not in the published head yet: publish first")
    try:
        (leaf,) = leaves.read(client, seals[0], 1, readable_log(permit.inquiry_id))
    except LeavesError as error:
        raise LogError(str(error)) from None
    if leaf.entry != entry(log_config, index, head.size):
        raise LogError(f"inquiry {inquiry} is not what was published: it was altered since (audit verify)")
    node = tiles.reader(head.size, lambda tile: log_config.folder.read(tile.path))
    proof = Proof(index, tuple(merkle.inclusion(index, head.size, node)), note)
    if not merkle.includes(index, head.size, merkle.leaf_hash(leaf.entry), proof.hashes, head.root):
        raise LogError("the published tiles do not lead to the published head (audit verify --published)")
    return {INQUIRY: leaf.content, SALT: leaf.salt, PROOF: str(proof).encode()}


def entry(log_config: LogConfig, index: int, size: int) -> bytes:
    """Return a published entry. Raises ValueError and OSError."""
    tile = tile_of(ENTRIES, index // tiles.WIDTH, size)
    return list(tiles.entries(log_config.folder.read(tile.path)))[index % tiles.WIDTH]


def write(files: dict[str, bytes], to: Path) -> None:
    """Write the files to a new folder, readable by its owner only. Raises FileExistsError."""
    to.mkdir(mode=0o700)
    for name, content in files.items():
        (to / name).write_bytes(content)
