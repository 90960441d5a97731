"""Restore of a backup into an empty system; existing data is never overwritten."""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.access.rules_in_force import upgrade
from platestream.edges.changelog import publish, read_to_end
from platestream.edges.clickhouse_client import read_rows, run
from platestream.keys.hold_keys import CopiedKeys, HoldKeys
from platestream.keys.key_folder import KeyFolder
from platestream.keys.recipients import Identity
from platestream.operations.backup.archive import (
    COPIED,
    HOLD_KEYS,
    KEPT,
    MANIFEST,
    OFFERS,
    Manifest,
    lines,
    open_backup,
)
from platestream.operations.backup.make import CopiedMessage
from platestream.operations.backup.signature import signer
from platestream.operations.setup import apply_migrations, migrations, owner
from platestream.partners.offers import lists
from platestream.partners.restored_offers import put_back
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.topics import Topic
from platestream.transparency_log.restored import publication_state

AT_ONCE = 10_000
AT_ONCE_BYTES = 32_000_000
"""Most lines, and most bytes, of one insert, because evidence has pictures."""


@dataclass(frozen=True)
class RestoreResult:
    """The result of a restore. `left` names topics that already had messages, and offers, which were left
    unchanged.

    `published` is the number of the backup's inquiries that are in a published log, of which others may hold
    heads. `signer` is the fingerprint of the key that signed the backup, empty for none.
    """

    manifest: Manifest
    left: tuple[str, ...]
    published: int = 0
    signer: str = ""


def restore(
    door: Door, path: Path, identities: Sequence[Identity] = (), author: str | None = None
) -> RestoreResult:
    """Restore tables and topics from a backup, after creating the tables where there are none. One of the
    `identities` opens an encrypted backup. `author` is the fingerprint of the key that must have signed it;
    None: its author need not be proven, which the log says.

    Raises RefusedError where the file is no intact backup of this author or the system is not empty,
    RefusedInquiry, MigrationError, DatabaseError, BrokerError and OSError.
    """
    with open_backup(path, identities) as (file, manifest):
        return _restore(door, path.name, file, manifest, author)


def _restore(
    door: Door, name: str, file: zipfile.ZipFile, manifest: Manifest, author: str | None
) -> RestoreResult:
    apply_migrations(door)
    with owner(door) as client:
        with door.log_refusal("restore", name):
            found = signer(file, file.read(MANIFEST))
            signed = f"signed by {found}" if found else "not signed"
            if author is not None and found != author:
                raise RefusedError("backup", f"it is {signed}, and not signed by {author}")
            _judge(door, client, manifest)
            put_keys = _put_keys(door, manifest)
        proven = "" if author else ", author not proven"
        door.enter("restore", name, change=f"{signed}{proven}, made {manifest.made_at:%Y-%m-%d %H:%M} UTC")
        run("emptying gate_rules", partial(client.command, "TRUNCATE TABLE platestream.gate_rules"))
        for table in KEPT:
            if table == "administrators":
                run("emptying administrators", partial(client.command, f"TRUNCATE TABLE platestream.{table}"))
            _fill(client, table, lines(file, f"tables/{table}.jsonl"))
        upgrade(client, door.settings.profile)  # a backup of an earlier release has the gate's columns only
        left = tuple(one.name for one in COPIED if not _publish(door, one, file))
        if not put_back(door, {one: lines(file, f"partners/{one}.jsonl") for one in OFFERS}):
            left += ("offers between agencies",)
        put_keys(lines(file, HOLD_KEYS))
        published = publication_state(client).published
    return RestoreResult(manifest, left, published, found)


def _judge(door: Door, client: Client, manifest: Manifest) -> None:
    if later := sorted(set(manifest.migrations) - {one.title for one in migrations(door)}):
        raise RefusedError("backup", f"the backup is of a later release, which has {later[0]}: update first")
    with lists(
        door.settings
    ).reading() as applied:  # so that a damaged file is found before anything is changed
        applied.incoming.all()
    for name in KEPT:
        if name in ("gate_rules", "inquiry_log"):  # they have the first rules, and the act of this try
            continue
        asked = f"SELECT count() FROM platestream.{name}"  # noqa: S608 - a name of KEPT
        if read_rows(client, f"counting {name}", asked)[0][0]:
            raise RefusedError(
                "backup",
                f"{name} has rows already: a backup goes into an empty system, where nothing runs "
                "(platestream down), and after one that was broken off into a new one",
            )


def _put_keys(door: Door, manifest: Manifest) -> Callable[[Iterable[bytes]], None]:
    """Return a function that puts the keys of evidence back. Raises RefusedError where no folder is named."""
    keys = door.keys
    held = HoldKeys(keys) if isinstance(keys, KeyFolder) else None
    if held is None and any(one.count for one in manifest.members if one.name == HOLD_KEYS):
        raise RefusedError("keys", "it has keys of evidence: name a folder for them in PLATESTREAM_KEYS")

    def put(rows: Iterable[bytes]) -> None:
        for row in rows:
            if held is not None:  # else there is none
                held.put_back(msgspec.json.decode(row, type=CopiedKeys))

    return put


def _fill(client: Client, name: str, rows: Iterable[bytes]) -> None:
    for some in _some(rows):
        put = partial(
            client.raw_insert,
            f"platestream.{name}",
            insert_block=b"".join(some),
            fmt="JSONEachRow",
            settings={"input_format_skip_unknown_fields": 0},
        )
        run(f"writing {name}", put)


def _publish(door: Door, topic: Topic[Any], file: zipfile.ZipFile) -> bool:
    """Publish the messages of a topic; return False where it already has messages, such as those of a broker
    that was not lost.
    """
    if next(iter(read_to_end(door.streams, topic)), None) is not None:
        return False
    as_it_is = replace(topic, encode=lambda message: message)
    for some in _some(lines(file, f"topics/{topic.name}.jsonl")):
        copied = (msgspec.json.decode(line, type=CopiedMessage) for line in some)
        publish(door.streams, as_it_is, [Message(one.key, one.value, one.headers, one.at) for one in copied])
    return True


def _some(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    found: list[bytes] = []
    size = 0
    for row in rows:
        if found and (len(found) == AT_ONCE or size + len(row) > AT_ONCE_BYTES):
            yield found
            found, size = [], 0
        found.append(row)
        size += len(row)
    if found:
        yield found
