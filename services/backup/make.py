"""Backing up what must be kept, while everything runs."""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.changelog import newest, read_to_end
from connectors.clickhouse_client import run
from connectors.edge import Topics
from connectors.private_file import new_file
from schemas.topics import Topic
from services.backup.archive import COPIED, FORMAT, KEPT, MANIFEST, OFFERS, Manifest, put
from services.door import Door
from services.partners.offering import lists
from services.partners.restoring import copied
from services.setup import migrations, owner


class Copied(msgspec.Struct, frozen=True):
    """A message of a topic; key and value in base64, `at` its own time."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, str]
    at: datetime | None


def backup(door: Door, path: Path, now: datetime) -> Manifest:
    """Write a new file at `path`, for its owner alone, whole or not at all; what it holds.

    Of the topics the newest state is taken after the tables, so that it is never behind them. Raises
    FileExistsError, RefusedInquiry, DatabaseError, BrokerError and OSError.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists, and is not written over")
    door.enter("backup", path.name)
    with new_file(path) as raw:
        return _write(door, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED), now)


def _write(door: Door, file: zipfile.ZipFile, now: datetime) -> Manifest:
    applied = tuple(one.title for one in migrations(door) if one.state in ("applied", "newer"))
    with file, owner(door) as client:
        members = [put(file, f"tables/{name}.jsonl", _rows(client, name)) for name in KEPT]
        members += [put(file, f"topics/{one.name}.jsonl", _messages(door.streams, one)) for one in COPIED]
        with lists(door.settings).snapshot() as kept:
            members += [put(file, f"partners/{name}.jsonl", copied(kept, name)) for name in OFFERS]
        manifest = Manifest(FORMAT, now, door.rules.name, applied, tuple(members))
        file.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
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


def _messages(streams: Topics, topic: Topic[Any]) -> Iterator[bytes]:
    compacted = topic.keep is None
    for message in newest(streams, topic).values() if compacted else read_to_end(streams, topic):
        one = Copied(message.key, message.value, message.headers, message.timestamp)
        yield msgspec.json.encode(one) + b"\n"
