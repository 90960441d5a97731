"""Process of a flow: its metrics (port, recovery store and disk), and its share: store and partitions."""

import argparse
import fcntl
import logging
import os
import shutil
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from platestream.edges.edge import ALL_PARTITIONS, Share
from platestream.edges.kafka_claim import ClaimedError, KafkaClaim
from platestream.edges.kafka_client import NotSetUpError, OffsetGoneError, common_config, topic_ids
from platestream.runtime import core_dumps, standstill
from platestream.runtime.metrics import meters, require_port, serve
from platestream.runtime.private_file import write_file
from platestream.schemas import metrics, topics
from platestream.schemas.rights import ACCOUNTS
from platestream.schemas.topics import Topic
from platestream.settings import Settings, SettingsError

RECOVERY = "BYTEWAX_RECOVERY_DIRECTORY"
SHARE = "share"  # file in a recovery store: the share whose positions and state it has
TOPICS = "topics.json"  # file in a recovery store: the ids of the topics whose positions it has

_DELETE_OTHERS = """
DELETE FROM snaps WHERE state_key % ? <> ? AND step_id IN ('match.detections', 'match.in_view', 'match.found')
"""
"""The steps of the divisible flow that read by share; the keys of their state are partitions."""

Sharing = Literal["none", "fixed", "divisible"]
"""Kinds of flows: with one share, with a fixed number of them, or such that copies of a share's store may
continue as parts of that share. They may where state that all copies have makes no output by itself."""

SHARED: Mapping[str, tuple[Sharing, Topic[Any]]] = {
    "recognize": ("fixed", topics.FRAMES),
    "match": ("divisible", topics.DETECTIONS),
    "audit": ("none", topics.HIT_ACTIONS),
    "notify": ("none", topics.ALERT_HITS),
}
"""Flows, and the topics whose partitions they claim."""

_SEVERAL = ("BYTEWAX_PROCESS_ID", "BYTEWAX_ADDRESSES", "BYTEWAX_HOSTFILE_PATH", "BYTEWAX_WORKERS_PER_PROCESS")
_held: list[IO[bytes]] = []
"""Files whose locks this process has until it ends."""

log = logging.getLogger(__name__)


def start_process(settings: Settings, flow: str = "") -> KafkaClaim | None:
    """Set up the process of a flow; called once at its start. Returns its claim on its share, on Kafka.

    Raises PortTakenError, SettingsError and BrokerError.
    """
    sharing = SHARED[flow][0] if flow in SHARED else "none"
    store = recovery_folder(sys.argv[1:], os.environ)
    take_store(settings.partitions, sharing, store)
    core_dumps.disable()
    require_port(os.environ)
    if settings.metrics:
        host, _colon, port = settings.metrics.rpartition(":")
        serve(int(port), host)
    data = None if settings.kafka else settings.data
    folders = {"recovery": recovery_folder(sys.argv[1:], os.environ), "data": data}
    for name, folder in folders.items():
        if folder is not None:
            meters.follow(metrics.DISK_FREE, name, value=partial(free_share, folder))
    if folders["recovery"] is not None:
        meters.follow(metrics.RECOVERY_BYTES, value=partial(folder_size, folders["recovery"]))
    if flow:
        standstill.watch()
    if flow not in SHARED or _several(sys.argv[1:], os.environ):
        return None
    return _take_share(settings, flow, store)


def _take_share(settings: Settings, flow: str, store: Path | None) -> KafkaClaim | None:
    topic = SHARED[flow][1]
    if not settings.kafka:
        lock_share(settings.data / "topics" / f"{flow}.lock", settings.partitions, topic.partitions)
        return None
    config = common_config(settings.kafka, settings.kafka_properties())
    read = [one.name for one in ACCOUNTS[flow].reads if one.keep is not None]
    note_topics(store, topic_ids(config, read))
    claim = KafkaClaim(config, flow, settings.partitions, topic, store_name(store))
    try:
        claim.take()
    except NotSetUpError as error:
        log.warning("a second process of this share would not be stopped: %s", error)
        return None
    return claim


def lock_share(file: Path, share: Share, partitions: int) -> None:
    """Lock a byte of `file` for each partition until this process ends. Raises ClaimedError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("ab")
    try:
        for one in share(range(partitions)):
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, one)
    except BlockingIOError:
        lock.close()
        raise ClaimedError(
            f"share {share} of {file.stem}: partition {one} is read by another process of this machine"
        ) from None
    _held.append(lock)


def store_name(store: Path | None) -> str:
    """Return a name of a recovery store that no copy of it and no other machine has."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if store is None or not store.is_dir():
        return f"{boot} {os.getpid()}"
    status = store.stat()
    return f"{boot} {status.st_dev}:{status.st_ino}"


def _several(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Return whether the flow has several processes or workers, which share its store and all partitions."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in (("-i", "--process-id"), ("-a", "--addresses"), ("-w", "--workers-per-process")):
        parser.add_argument(*option)
    options, _rest = parser.parse_known_args(list(arguments))
    return any(vars(options).values()) or any(environ.get(name) for name in _SEVERAL)


def take_store(share: Share, sharing: Sharing, store: Path | None) -> None:
    """Note in a recovery store whose share it is. Raises SettingsError for the store of another share.

    In a copy for a part of its share, positions of partitions that others read are deleted first. A store
    without a note is from before stores had one: it is of the share if it has positions of no other's
    partitions, and else of all.
    """
    if sharing == "none" and share != ALL_PARTITIONS:
        raise SettingsError(f"PLATESTREAM_SHARE: this flow has one process and no share {share}")
    if store is None or not store.is_dir():
        return
    mark, files = store / SHARE, list(store.glob("*.sqlite3"))
    if mark.exists():
        noted = Share.parse(mark.read_text())
        if noted == share:
            return
    else:
        stored = set[int]().union(*map(_partitions, files))
        noted = share if stored <= {*share(range(max(stored, default=0) + 1))} else ALL_PARTITIONS
    if noted != share and not (sharing == "divisible" and share.is_part_of(noted)):
        raise SettingsError(
            f"PLATESTREAM_SHARE: recovery store {store} is of share {noted}; share {share} would miss or "
            "repeat what others read: docs/how-to/operator/scaling.md says how to change the number"
        )
    for file in files if noted != share else ():
        with closing(sqlite3.connect(file, timeout=30)) as part, part:
            part.execute(_DELETE_OTHERS, [share.of, share.number])
    write_file(mark, str(share).encode())


def note_topics(store: Path | None, ids: Mapping[str, str]) -> None:
    """Note in a recovery store which topics its positions are of. Raises OffsetGoneError where one of them is
    another topic now: a position means nothing in it, and may lie behind messages that were never read.
    """
    if store is None or not store.is_dir():
        return
    file = store / TOPICS
    noted = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    if others := sorted(name for name in ids if noted.get(name, ids[name]) != ids[name]):
        raise OffsetGoneError(
            f"{', '.join(others)}: deleted and created again since recovery store {store} was written, whose "
            "positions mean nothing there: docs/how-to/operator/deploy.md says how to start without it"
        )
    if noted != (now := {**noted, **ids}):
        write_file(file, msgspec.json.encode(now))


def _partitions(file: Path) -> set[int]:
    """Return the partitions of which a part of a store has positions."""
    read = [f"{flow}.{topic.name}" for flow, (_sharing, topic) in SHARED.items()]
    sql = f"SELECT DISTINCT state_key FROM snaps WHERE step_id IN ({', '.join('?' * len(read))})"  # noqa: S608
    with closing(sqlite3.connect(file, timeout=30)) as part:
        return {int(key) for (key,) in part.execute(sql, read)}


def recovery_folder(arguments: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Return the recovery store in the arguments of `bytewax.run`, or None."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-r", "--recovery-directory", default=environ.get(RECOVERY))
    options, _rest = parser.parse_known_args(list(arguments))
    return Path(options.recovery_directory) if options.recovery_directory else None


def folder_size(folder: Path) -> float:
    """Return the bytes in the files of `folder`; a file that disappears is not counted."""
    total = 0
    for path in folder.glob("**/*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return float(total)


def free_share(folder: Path) -> float:
    """Return the free share of the disk with `folder`, 0 to 1; 1 if the folder does not exist yet."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 1.0
    return usage.free / usage.total
