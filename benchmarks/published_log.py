"""The published log of very many inquiries: how long a head takes, how large proofs and a day's files are."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.edges.inquiry_log import COLUMNS, SEAL_COLUMNS, SEAL_TYPES, inquiry_of
from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import AddCheckpointRequest, Head, Proof, open_checkpoint
from platestream.merkle.note import LOG, Note, Signer
from platestream.merkle.tiles import Growth, Tile
from platestream.schemas.inquiry import FIRST, chain
from platestream.transparency_log.config import LogConfig
from platestream.transparency_log.publish import publish
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import PublisherState

KEY = Signer("sjpd.example/inquiries", LOG, bytes(32))
TURNS = 288  # of a day, every five minutes
BLOCK = 100_000

_FILL = """
INSERT INTO platestream.inquiry_log
    (entry, inquiry_id, at, who, agency, tool, kind, outcome, case_number, reason, pattern, since, until)
SELECT generateUUIDv4(), generateUUIDv4(1), now64(6) - toIntervalDay(1) + toIntervalMicrosecond(number),
    concat('officer-', toString(number % 40)), 'sjpd', 'platestream search', 'search', 'allowed',
    concat('26-', leftPad(toString(number % 1000000), 6, '0')), 'stolen vehicle',
    concat('ABC', toString(number % 10000)), now() - 86400, now()
FROM numbers({first:UInt64}, {count:UInt64})
"""
_ROWS = f"""
SELECT entry, {", ".join(COLUMNS)} FROM platestream.inquiry_log
WHERE entry NOT IN (SELECT entry FROM platestream.inquiry_seals) ORDER BY at, inquiry_id, entry LIMIT {BLOCK}
"""  # noqa: S608 - names of our own columns


def run(entries: int, more: int, a_day: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Figures of a log of `entries` that grows by `more`, and of a day with `a_day`; all in a folder that is
    thrown away."""
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as folder:
        owner = connect(f"chdb://{folder}/platestream", OWNER)
        try:
            migrate.apply(owner)
            say(f"{entries} sealed inquiries")
            last = fill_sealed(owner, 0, entries, FIRST)
            found = LogConfig(
                KEY.name, PublisherState(Path(folder, "kept")), PublishedFolder(Path(folder, "log"))
            )
            say("a head from nothing")
            nothing = _seconds(found, owner)
            fill_sealed(owner, entries, more, last)
            say(f"{more} more")
            extended = _seconds(found, owner)
            proofs = _proofs(found, entries + more, more)
        finally:
            owner.close()
    return {
        "entries": entries,
        "from_nothing_s": round(nothing, 1),
        "extended_by": more,
        "extended_s": round(extended, 2),
        **proofs,
        "a_day": _day(entries, a_day),
    }


def _seconds(found: LogConfig, client: Client) -> float:
    began = time.monotonic()
    publish(found, KEY, client, datetime.now(UTC))
    return time.monotonic() - began


def fill_sealed(owner: Client, first: int, count: int, last_hash: str) -> str:
    """So many more rows with their seals; the hash of the last."""
    owner.command(_FILL, parameters={"first": first, "count": count})
    seal = first
    while rows := owner.query(_ROWS).result_rows:
        sealed = list(chain(map(inquiry_of, rows), seal, last_hash))
        seal, last_hash = sealed[-1].seal, sealed[-1].hash
        block = [
            (one.seal, row[0], one.inquiry.inquiry_id, one.inquiry.at, one.previous, one.hash)
            for row, one in zip(rows, sealed, strict=True)
        ]
        names, types = list(SEAL_COLUMNS), list(SEAL_TYPES)
        owner.insert("platestream.inquiry_seals", block, column_names=names, column_type_names=types)
    return last_hash


def _proofs(found: LogConfig, size: int, more: int) -> dict[str, int]:
    """The largest of both kinds, as they are given out and sent."""
    head, note = open_checkpoint(found.folder.read("checkpoint"), KEY.verifier)
    node = tiles.reader(size, lambda tile: found.folder.read(tile.path))
    proof = Proof(0, tuple(merkle.inclusion(0, size, node)), note)
    asked = AddCheckpointRequest(size - more, tuple(merkle.consistency(size - more, head.size, node)), note)
    files = [path for path in found.folder.root.rglob("*") if path.is_file()]
    return {
        "inclusion_hashes": len(proof.hashes),
        "inclusion_proof_bytes": len(str(proof).encode()),
        "consistency_hashes": len(asked.hashes),
        "add_checkpoint_bytes": len(bytes(asked)),
        "published_files": len(files),
        "published_bytes": sum(path.stat().st_size for path in files),
    }


def _day(entries: int, a_day: int) -> dict[str, int]:
    """Bytes of a day's files: all that are written, and those that stay once their tiles are full."""
    files: dict[Tile, bytes] = {}
    growth = Growth(0, files.__getitem__)
    for number in range(entries % 65_536):  # so that the edge has what a long log's has
        files.update(growth.add(merkle.leaf_hash(number.to_bytes(8))))
    files.update(growth.edge())
    written = kept = heads = 0
    for turn in range(TURNS):
        for number in range(a_day * turn // TURNS, a_day * (turn + 1) // TURNS):
            full = list(growth.add(merkle.leaf_hash(number.to_bytes(8))))
            kept += sum(len(content) for _tile, content in full)
        written += sum(len(content) for _tile, content in growth.edge())
        head = Head(KEY.name, growth.size, growth.root())
        heads += len(str(Note(head.text, (KEY.sign(head.text),))).encode())
    return {
        "inquiries": a_day,
        "heads": TURNS,
        "stays_bytes": kept + heads,
        "written_bytes": written + kept + heads,
    }
