"""Receipts of hourly keys: what they protected, and a run that was killed before its receipt."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.access.door import Door
from platestream.edges.clickhouse_client import RETENTION
from platestream.keys.key_folder import DestroyedKey, KeyFolder
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.retention import service as retention
from platestream.schemas import tables
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import READ

HOUR = timedelta(hours=1)


def old_hour() -> datetime:
    """An hour that ended 30 days ago."""
    return (datetime.now(UTC) - timedelta(days=30, hours=1)).replace(minute=0, second=0, microsecond=0)


def job(database: Database, data: Path) -> Door:
    return retention.start_scheduled(door_of(database, data=data))


def destroyed(database: Database) -> list[list[DestroyedKey]]:
    """The keys of each receipt."""
    every = ledger.read(database.client(RETENTION), "retention", "run")
    return [retention.read_receipt(entry).keys for entry, _hash in every]


def test_a_receipt_says_which_key_was_destroyed_and_how_many_detections_it_protected(
    database: Database, tmp_path: Path
) -> None:
    at = old_hour()
    KeyFolder(tmp_path / "keys", now=lambda: at).seal("frames", at, b"picture")
    KeyFolder(tmp_path / "keys").seal("frames", None, b"picture of now")
    (named, _young) = KeyFolder(tmp_path / "keys").fingerprints()
    database.put(tables.DETECTIONS, *(msgspec.structs.replace(READ, captured_at=at) for _one in "a"))
    retention.run(job(database, tmp_path))
    assert destroyed(database) == [[DestroyedKey(hour=at, fingerprint=named, detections=1)]]
    retention.run(job(database, tmp_path))
    assert destroyed(database)[1] == []
    assert len(KeyFolder(tmp_path / "keys").hours()) == 1


def test_a_run_that_is_killed_before_its_receipt_leaves_no_destroyed_key_out(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = old_hour()
    KeyFolder(tmp_path / "keys", now=lambda: at).seal("frames", at, b"picture")
    with monkeypatch.context() as killed:
        put = records.put

        def kill(door: Door, act: str, *rest: Any, **options: Any) -> Any:
            if act == "retention":
                raise KeyboardInterrupt
            return put(door, act, *rest, **options)

        killed.setattr(records, "put", kill)
        with pytest.raises(KeyboardInterrupt):
            retention.run(job(database, tmp_path))
    assert KeyFolder(tmp_path / "keys").hours() == []
    retention.run(job(database, tmp_path))
    assert [[one.hour for one in keys] for keys in destroyed(database)] == [[at]]
