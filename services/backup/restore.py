"""A backup into an empty system: no half of it, and nothing over what is there."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.changelog import publish, read_to_end
from connectors.clickhouse_client import run
from schemas.message import Message, RefusedError
from schemas.topics import Topic
from services.backup.archive import COPIED, KEPT, OFFERS, Manifest, lines, opened
from services.backup.make import Copied
from services.door import Door
from services.partners.offering import lists
from services.partners.restoring import put_back
from services.rules.in_force import settle
from services.setup import apply_migrations, migrations, owner
from services.tlog.restored import past

AT_ONCE = 10_000
AT_ONCE_BYTES = 32_000_000
"""Lines, and bytes of them, that are sent in one insert: evidence holds pictures."""


@dataclass(frozen=True)
class Restored:
    """What the file held, and what was there already and is left as it is: topics that had messages, offers.

    `published`: so many inquiries of it are in a published log, of which others may hold heads.
    """

    manifest: Manifest
    left: tuple[str, ...]
    published: int = 0


def restore(door: Door, path: Path) -> Restored:
    """Bring tables and topics to what they were. The tables are made first where there are none.

    Raises RefusedError where the file is no whole backup, or the system is not empty; RefusedInquiry,
    MigrationError, DatabaseError, BrokerError and OSError.
    """
    file, manifest = opened(path)
    apply_migrations(door)
    with file, owner(door) as client:
        with door.on_record("restore", path.name):
            _judge(door, client, manifest)
        door.enter("restore", path.name)
        run("emptying gate_rules", partial(client.command, "TRUNCATE TABLE platestream.gate_rules"))
        for name in KEPT:
            if name == "administrators":
                run("emptying administrators", partial(client.command, f"TRUNCATE TABLE platestream.{name}"))
            _fill(client, name, lines(file, f"tables/{name}.jsonl"))
        settle(client, door.settings.profile)  # a backup of a release before has the gate's columns alone
        left = tuple(one.name for one in COPIED if not _publish(door, one, file))
        if not put_back(door, {name: lines(file, f"partners/{name}.jsonl") for name in OFFERS}):
            left += ("offers between agencies",)
        published = past(client).published
    return Restored(manifest, left, published)


def _judge(door: Door, client: Client, manifest: Manifest) -> None:
    if later := sorted(set(manifest.migrations) - {one.title for one in migrations(door)}):
        raise RefusedError("backup", f"the backup is of a later release, which has {later[0]}: update first")
    with lists(door.settings).reading() as kept:  # so that a damaged file is found before anything is changed
        kept.incoming.all()
    for name in KEPT:
        if name in ("gate_rules", "inquiry_log"):  # the first rules, and that this was tried
            continue
        asked = f"SELECT count() FROM platestream.{name}"  # noqa: S608 - a name of KEPT
        if run(f"counting {name}", partial(client.query, asked)).result_rows[0][0]:
            raise RefusedError(
                "backup",
                f"{name} has rows already: a backup goes into an empty system, where nothing runs "
                "(platestream down), and after one that was broken off into a new one",
            )


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
    """False where the topic has messages, such as those of a broker that was not lost."""
    if next(iter(read_to_end(door.streams, topic)), None) is not None:
        return False
    as_it_is = replace(topic, encode=lambda message: message)
    for some in _some(lines(file, f"topics/{topic.name}.jsonl")):
        copied = (msgspec.json.decode(line, type=Copied) for line in some)
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
