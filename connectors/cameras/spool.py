"""Frames that wait for the broker: a bounded queue on disk, in order, in SQLite's WAL mode.

When `put` returns, the frame survives a `kill -9` and a power cut: each commit is synchronised with the disk.
What does not fit pushes out the oldest frames, and each frame pushed out is counted by its camera, on disk.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from schemas.message import Message, RefusedError

_TABLES = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = OFF;
CREATE TABLE IF NOT EXISTS frames (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, arrived REAL NOT NULL,
    bytes INTEGER NOT NULL, headers BLOB NOT NULL, image BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS dropped (
    camera TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (camera, reason)
);
"""
OVERHEAD = 512
"""Bytes that a row costs beside its picture."""


class SpoolInUseError(OSError):
    """Another gateway works on the folder."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame in the spool; `seq` is its place."""

    seq: int
    camera: str
    message: Message


class Spool:
    """The queue below `folder`, at most `limit` bytes of frames. For use by many threads at once.

    Raises SpoolInUseError where another process has it open, and OSError where it cannot be opened or made.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.limit = folder, limit
        self._lock = threading.RLock()
        self.arrived = threading.Event()
        self._claim = _claimed(folder / "lock")
        path = folder / "spool.db"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._held = 0
        try:
            self._db.executescript(_TABLES)
            self.count, self.bytes = self._db.execute(
                "SELECT count(), ifnull(sum(bytes), 0) FROM frames"
            ).fetchone()
        except sqlite3.Error as error:
            self.close()
            raise OSError(f"the spool {path} cannot be used: {error}") from error

    def put(self, camera: str, message: Message, arrived: float) -> list[str]:
        """Keep a frame; the cameras of the frames that had to go for it. It is on the disk on return.

        Raises RefusedError where it cannot be kept: it is larger than the spool, or the disk is full.
        """
        image = message.value or b""
        size = len(image) + OVERHEAD
        headers = msgspec.json.encode(message.headers)
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                gone = self._make_room(size)
                self._db.execute(
                    "INSERT INTO frames (camera, arrived, bytes, headers, image) VALUES (?, ?, ?, ?, ?)",
                    (camera, arrived, size, headers, image),
                )
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise RefusedError("spool", f"the spool cannot keep a frame: {error}") from error
                raise
            self.count += 1 - len(gone)
            self.bytes += size - sum(lost for _camera, lost in gone)
        self.arrived.set()
        return [lost for lost, _bytes in gone]

    def take(self, most: int, most_bytes: int = 32_000_000) -> list[Waiting]:
        """The oldest frames, one at least; they stay, and are not pushed out, until `done`."""
        with self._lock:
            self.arrived.clear()
            found: list[Waiting] = []
            total = 0
            rows = self._db.execute(
                "SELECT seq, camera, bytes, headers, image FROM frames ORDER BY seq LIMIT ?", (most,)
            )
            for seq, camera, size, headers, image in rows:
                if found and total + size > most_bytes:
                    break
                total += size
                told = msgspec.json.decode(headers, type=dict[str, str])
                found.append(Waiting(seq, camera, Message(camera.encode(), image, told)))
            self._held = found[-1].seq if found else 0
            return found

    def done(self, frames: Sequence[Waiting], dropped: str = "") -> None:
        """Take out frames that the broker acknowledged, or, with a reason, that it will never take."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for frame in frames:
                rows = self._db.execute(
                    "DELETE FROM frames WHERE seq = ? RETURNING bytes", (frame.seq,)
                ).fetchall()
                for (size,) in rows:
                    self.count, self.bytes = self.count - 1, self.bytes - size
                if dropped:
                    self._count(frame.camera, dropped)
            self._held = 0
            if not self.count:
                self._db.execute("COMMIT")
                self._shrink()

    def expire(self, before: float) -> list[str]:
        """Drop what arrived before a moment (seconds since 1970): nothing is kept longer than it may be.

        The cameras of the frames that went, each counted.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            where = "arrived < ? AND seq > ?"
            gone = self._db.execute(
                f"DELETE FROM frames WHERE {where} RETURNING camera, bytes",  # noqa: S608 - no input in it
                (before, self._held),
            ).fetchall()
            for camera, size in gone:
                self._count(camera, "expired")
                self.count, self.bytes = self.count - 1, self.bytes - size
        return [camera for camera, _size in gone]

    def dropped(self) -> dict[tuple[str, str], int]:
        """Frames lost so far, by camera and reason (`full`, `expired`, `undeliverable`)."""
        with self._lock:
            rows = self._db.execute("SELECT camera, reason, count FROM dropped ORDER BY 1, 2").fetchall()
        return {(camera, reason): count for camera, reason, count in rows}

    def close(self) -> None:
        with self._lock:
            self._db.close()
            os.close(self._claim)

    def _make_room(self, size: int) -> list[tuple[str, int]]:
        gone: list[tuple[str, int]] = []
        have = self.bytes
        while have + size > self.limit:
            oldest = self._db.execute(
                "DELETE FROM frames WHERE seq = (SELECT min(seq) FROM frames WHERE seq > ?) "
                "RETURNING camera, bytes",
                (self._held,),
            ).fetchall()
            if not oldest:
                raise RefusedError("spool", f"a frame of {size} bytes does not fit a spool of {self.limit}")
            for camera, lost in oldest:
                gone.append((camera, lost))
                have -= lost
                self._count(camera, "full")
        return gone

    def _count(self, camera: str, reason: str) -> None:
        self._db.execute(
            "INSERT INTO dropped VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (camera, reason),
        )

    def _shrink(self) -> None:
        """Give the pages of an empty spool back to the disk: no picture stays in them."""
        if self._db.execute("PRAGMA page_count").fetchone()[0] > 2_000:
            # A script is run to its end; `execute` would free one page, as this yields one a step.
            self._db.executescript("PRAGMA incremental_vacuum")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _claimed(path: Path) -> int:
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise SpoolInUseError(f"another gateway works on {path.parent}") from None
    return held
