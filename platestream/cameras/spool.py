"""Queue of frames that wait for the broker: bounded, ordered, numbered, on disk (SQLite in WAL mode).

When `put` returns, the frame survives a `kill -9` and a power failure: each commit is synchronized with the
disk. A frame that does not fit displaces the oldest frames. Each displaced frame is counted by its camera, on
disk.

Each frame gets the next number of its camera in the same transaction, as a header. Refused pictures get
numbers, too. The header of the following frames reports how many of the numbers before were refused or lost.
"""

import fcntl
import os
import secrets
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from platestream.edges.sealed_topics import open_message, seal_message
from platestream.keys.envelope import SealError
from platestream.keys.key_folder import UNSEALED, KeyDestroyedError, Sealer
from platestream.keys.master import KeysError
from platestream.schemas.frame import CAMERA_READS
from platestream.schemas.frame_count import FRAME_COUNT, FrameCount
from platestream.schemas.message import Message, RefusedError

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
CREATE TABLE IF NOT EXISTS counters (camera TEXT PRIMARY KEY, epoch TEXT NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS lost (
    camera TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (camera, reason)
);
"""
PURPOSE = "spool"
_NEXT = """
INSERT INTO counters VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET last = last + ?3 RETURNING epoch, last
"""
_NUMBERED = f"""instr(CAST(headers AS TEXT), '"{FRAME_COUNT}"') > 0"""  # older releases gave no number
OVERHEAD = 512
"""Bytes that a row costs beside its picture."""


class SpoolInUseError(OSError):
    """Another gateway uses the folder."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame in the spool; `seq` is its position."""

    seq: int
    camera: str
    message: Message


class Spool:
    """The queue below `folder`, at most `limit` bytes of frames, encrypted by `keys`. It is thread-safe.

    Raises SpoolInUseError if another process has it open, and OSError if it cannot be opened or created.
    """

    def __init__(self, folder: Path, limit: int, keys: Sealer = UNSEALED) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.limit, self.keys = folder, limit, keys
        self._lock = threading.RLock()
        self.arrived = threading.Event()
        self._claim = _claim(folder / "lock")
        path = folder / "spool.db"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._held = 0
        self._refused: Counter[tuple[str, str]] = Counter()
        try:
            self._db.executescript(_TABLES)
            self.count, self.bytes = self._db.execute(
                "SELECT count(), ifnull(sum(bytes), 0) FROM frames"
            ).fetchone()
        except sqlite3.Error as error:
            self.close()
            raise OSError(f"the spool {path} cannot be used: {error}") from error

    def put(self, camera: str, message: Message, arrived: float, device: int | None = None) -> list[str]:
        """Number a frame, store it on disk and return the cameras of the frames that it displaced.

        `device` is the camera's own number. Raises RefusedError if the frame is larger than the spool, or the
        disk is full.
        """
        try:
            message = seal_message(self.keys, PURPOSE, message)
        except KeysError as error:
            raise RefusedError("spool", f"the spool cannot keep a frame: {error}") from error
        image = message.value or b""
        size = len(image) + len(message.headers.get(CAMERA_READS, "")) + OVERHEAD
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                gone = self._make_room(size)
                self._count_refused()
                counted = {**message.headers, FRAME_COUNT: self._next(camera, device)}
                headers = msgspec.json.encode(counted)
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
            self._refused.clear()
            self.count += 1 - len(gone)
            self.bytes += size - sum(lost for _camera, lost in gone)
        self.arrived.set()
        return [lost for lost, _bytes in gone]

    def refuse(self, camera: str, reason: str) -> None:
        """Count a picture that is not stored, as the next number of its camera.

        It is on the disk with the next frame or the next `expire`, so that a flood of refused pictures writes
        nothing by itself.
        """
        with self._lock:
            self._refused[camera, reason] += 1

    def take(self, most: int, most_bytes: int = 32_000_000) -> list[Waiting]:
        """Return the oldest frames, at least one if there are any.

        They stay, and are not displaced, until `done`. Frames whose key was destroyed, or that were altered,
        are dropped and counted. Raises KeysError if a key is not there.
        """
        with self._lock:
            self.arrived.clear()
            found: list[Waiting] = []
            unreadable: list[Waiting] = []
            total = 0
            rows = self._db.execute(
                "SELECT seq, camera, bytes, headers, image FROM frames ORDER BY seq LIMIT ?", (most,)
            )
            for seq, camera, size, headers, image in rows:
                if found and total + size > most_bytes:
                    break
                total += size
                decoded = msgspec.json.decode(headers, type=dict[str, str])
                message = Message(camera.encode(), image, decoded)
                try:
                    found.append(Waiting(seq, camera, open_message(self.keys, PURPOSE, message)))
                except (KeyDestroyedError, SealError):
                    unreadable.append(Waiting(seq, camera, message))
            if unreadable:
                self.done(unreadable, "undeliverable")
            self._held = found[-1].seq if found else 0
            return found

    def done(self, frames: Sequence[Waiting], dropped: str = "") -> None:
        """Remove frames that the broker acknowledged, or, with a reason, that it will never accept."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for frame in frames:
                rows = self._db.execute(
                    "DELETE FROM frames WHERE seq = ? RETURNING bytes", (frame.seq,)
                ).fetchall()
                for (size,) in rows:
                    self.count, self.bytes = self.count - 1, self.bytes - size
                if dropped:
                    self._count(frame.camera, dropped, numbered=FRAME_COUNT in frame.message.headers)
            self._held = 0
            if not self.count:
                self._db.execute("COMMIT")
                self._shrink()

    def expire(self, before: float) -> list[str]:
        """Drop frames that arrived before a time (seconds since 1970) and return their cameras.

        Each is counted.

        No frame may be stored beyond its retention.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            where = "arrived < ? AND seq > ?"
            gone = self._db.execute(
                f"DELETE FROM frames WHERE {where} RETURNING camera, bytes, {_NUMBERED}",  # noqa: S608
                (before, self._held),
            ).fetchall()
            for camera, size, numbered in gone:
                self._count(camera, "expired", numbered=numbered)
                self.count, self.bytes = self.count - 1, self.bytes - size
            self._count_refused()
            self._db.execute("COMMIT")
            self._refused.clear()
        return [camera for camera, *_rest in gone]

    def dropped(self) -> dict[tuple[str, str], int]:
        """Return the frames lost so far, by camera and reason (`full`, `expired`, `undeliverable`)."""
        with self._lock:
            rows = self._db.execute("SELECT camera, reason, count FROM dropped ORDER BY 1, 2").fetchall()
        return {(camera, reason): count for camera, reason, count in rows}

    def close(self) -> None:
        with self._lock:
            if self._refused:
                with self._db:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._count_refused()
            self._db.close()
            os.close(self._claim)

    def _make_room(self, size: int) -> list[tuple[str, int]]:
        gone: list[tuple[str, int]] = []
        have = self.bytes
        while have + size > self.limit:
            oldest = self._db.execute(
                "DELETE FROM frames WHERE seq = (SELECT min(seq) FROM frames WHERE seq > ?) "  # noqa: S608
                f"RETURNING camera, bytes, {_NUMBERED}",
                (self._held,),
            ).fetchall()
            if not oldest:
                raise RefusedError("spool", f"a frame of {size} bytes does not fit a spool of {self.limit}")
            for camera, lost, numbered in oldest:
                gone.append((camera, lost))
                have -= lost
                self._count(camera, "full", numbered=numbered)
        return gone

    def _next(self, camera: str, device: int | None) -> str:
        """Return the header with the next number of a camera."""
        ((epoch, number),) = self._db.execute(_NEXT, (camera, secrets.token_hex(8), 1)).fetchall()
        lost = dict(self._db.execute("SELECT reason, count FROM lost WHERE camera = ?", (camera,)))
        return msgspec.json.encode(FrameCount(epoch, number, lost, device)).decode()

    def _count_refused(self) -> None:
        """Number the refused pictures and count them as lost, within the transaction that is open."""
        for (camera, reason), count in self._refused.items():
            self._db.execute(_NEXT, (camera, secrets.token_hex(8), count)).fetchall()
            self._lose(camera, reason, count)

    def _count(self, camera: str, reason: str, *, numbered: bool) -> None:
        self._db.execute(
            "INSERT INTO dropped VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (camera, reason),
        )
        if numbered:
            self._lose(camera, reason, 1)

    def _lose(self, camera: str, reason: str, count: int) -> None:
        self._db.execute(
            "INSERT INTO lost VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET count = count + ?3",
            (camera, reason, count),
        )

    def _shrink(self) -> None:
        """Return the pages of an empty spool to the disk, so that no picture remains in them."""
        if self._db.execute("PRAGMA page_count").fetchone()[0] > 2_000:
            # A script runs to its end. `execute` would free one page only, because each is a row.
            self._db.executescript("PRAGMA incremental_vacuum")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _claim(path: Path) -> int:
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise SpoolInUseError(f"another gateway works on {path.parent}") from None
    return held
