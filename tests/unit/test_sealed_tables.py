"""Rows of tables with pictures and refused frames: encrypted, and the same each time."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from docs.generators.catalogue import example
from platestream.edges.sealed_tables import sealed_dead_letters, sealed_images
from platestream.keys.key_folder import UNSEALED, KeyFolder
from platestream.keys.pieces import open_picture
from platestream.schemas import tables
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.detection import Detection
from tests.support.clock import NOW

SEEN = msgspec.structs.replace(
    Detection.from_json(bytes(example("detection").accepted)), captured_at=NOW, crop=b"crop", picture=b"car"
)
FRAME = DeadLetter(
    topic="frames",
    partition=0,
    offset=7,
    reason="picture",
    detail="cut off",
    value=b"\xff\xd8",
    timestamp=NOW,
)


def test_pictures_are_written_under_keys_of_their_own_with_the_hash_of_what_is_stored(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    rows = [dict(zip(tables.IMAGES.columns, row, strict=True)) for row in sealed_images(keys).rows(SEEN)]
    assert [row["kind"] for row in rows] == ["crop", "vehicle"]
    for row, plain in zip(rows, (b"crop", b"car"), strict=True):
        assert row["sha256"] == sha256(row["jpeg"]).digest()
        assert plain not in row["jpeg"]
        assert open_picture(keys, row["detection_id"], row["kind"], row["jpeg"]) == plain


def test_a_replay_writes_the_same_rows(tmp_path: Path) -> None:
    first, again = KeyFolder(tmp_path), KeyFolder(tmp_path, now=lambda: NOW + timedelta(days=1))
    assert sealed_images(first).rows(SEEN) == sealed_images(again).rows(SEEN)
    assert sealed_dead_letters(first).rows(FRAME) == sealed_dead_letters(again).rows(FRAME)


def test_a_refused_frame_is_encrypted_and_a_refused_hot_list_entry_is_not(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    (row,) = sealed_dead_letters(keys).rows(FRAME)
    assert row[:-1] == tables.DEAD_LETTERS.rows(FRAME)[0][:-1]
    assert keys.open("dead_letters", row[-1]) == b"\xff\xd8"
    for plain in (
        msgspec.structs.replace(FRAME, topic="hotlist"),
        msgspec.structs.replace(FRAME, value=None),
    ):
        assert sealed_dead_letters(keys).rows(plain) == tables.DEAD_LETTERS.rows(plain)


def test_without_keys_rows_are_as_they_are() -> None:
    assert sealed_images(UNSEALED).rows(SEEN) == tables.IMAGES.rows(SEEN)
    assert sealed_dead_letters(UNSEALED).rows(FRAME) == tables.DEAD_LETTERS.rows(FRAME)
