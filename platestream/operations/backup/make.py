"""Backup of a running system."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access.door import Door
from platestream.edges.changelog import newest, read_to_end
from platestream.edges.clickhouse_client import run
from platestream.edges.edge import Topics
from platestream.evidence.package import key_fingerprint
from platestream.keys.age_file import sealed_for
from platestream.keys.hold_keys import HoldKeys
from platestream.keys.key_folder import KeyFolder
from platestream.keys.recipients import Recipient
from platestream.operations.backup.archive import (
    COPIED,
    FORMAT,
    HOLD_KEYS,
    KEPT,
    MANIFEST,
    OFFERS,
    Manifest,
    write_member,
)
from platestream.operations.backup.signature import agency_key, sign
from platestream.operations.setup import migrations, owner
from platestream.partners.offers import lists
from platestream.partners.restored_offers import dump_offers
from platestream.runtime.private_file import new_file
from platestream.schemas.topics import Topic


class CopiedMessage(msgspec.Struct, frozen=True):
    """A message of a topic: key and value become base64 in JSON, `at` is the message's own time."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, str]
    at: datetime | None


PLAIN = "in clear"
"""The log's description of a backup without recipients."""


def backup(door: Door, path: Path, now: datetime, recipients: Sequence[Recipient]) -> Manifest:
    """Write a backup to a new file at `path`, readable by its owner only, complete or not at all; return its
    manifest. Without `recipients` it is not encrypted, without an evidence key not signed. The log has both.

    The topics are copied after the tables, so that they are never behind them; of a compacted topic only the
    newest message of each key is copied. Raises FileExistsError, RefusedError for an unusable evidence key,
    RefusedInquiry, DatabaseError, BrokerError and OSError.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists, and is not written over")
    with door.log_refusal("backup", path.name):
        key = agency_key(door.settings)
    to = ", ".join(one.text for one in recipients)
    signed = f", signed by {key_fingerprint(key)}" if key is not None else ""
    door.enter("backup", path.name, change=(f"encrypted to {to}" if to else PLAIN) + signed)
    with new_file(path) as raw, sealed_for(raw, recipients) as file:
        return _write(door, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED), now, key)


def _write(door: Door, file: zipfile.ZipFile, now: datetime, key: Ed25519PrivateKey | None) -> Manifest:
    applied = tuple(one.title for one in migrations(door) if one.state in ("applied", "newer"))
    with file, owner(door) as client:
        members = [write_member(file, f"tables/{name}.jsonl", _rows(client, name)) for name in KEPT]
        members += [
            write_member(file, f"topics/{one.name}.jsonl", _messages(door.streams, one)) for one in COPIED
        ]
        with lists(door.settings).snapshot() as offers:
            members += [
                write_member(file, f"partners/{name}.jsonl", dump_offers(offers, name)) for name in OFFERS
            ]
        members.append(write_member(file, HOLD_KEYS, _hold_keys(door)))
        manifest = Manifest(FORMAT, now, door.rules.name, applied, tuple(members))
        written = msgspec.json.format(msgspec.json.encode(manifest))
        file.writestr(MANIFEST, written)
        if key is not None:
            sign(file, written, key)
    return manifest


def _rows(client: Client, name: str) -> Iterator[bytes]:
    asked = f"SELECT * FROM platestream.{name}"  # noqa: S608 - a name of KEPT
    with run(f"reading {name}", partial(client.raw_stream, asked, fmt="JSONEachRow")) as answer:
        rest = b""
        for block in iter(partial(answer.read, 1 << 20), b""):
            *whole, rest = (rest + block).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if rest:
            yield rest + b"\n"


def _hold_keys(door: Door) -> Iterator[bytes]:
    """Yield the keys of evidence. They are copied after its tables, so each hold there has them."""
    if isinstance(keys := door.keys, KeyFolder):
        for one in HoldKeys(keys).copies():
            yield msgspec.json.encode(one) + b"\n"


def _messages(streams: Topics, topic: Topic[Any]) -> Iterator[bytes]:
    compacted = topic.keep is None
    for message in newest(streams, topic).values() if compacted else read_to_end(streams, topic):
        one = CopiedMessage(message.key, message.value, message.headers, message.timestamp)
        yield msgspec.json.encode(one) + b"\n"
