"""Pictures under keys of their own, and the keys that a hold retains."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.keys.envelope import SealError
from platestream.keys.hold_keys import FOLDER, CopiedKeys, HoldKey, HoldKeys
from platestream.keys.key_folder import MASTER, UNSEALED, KeyDestroyedError, KeyFolder
from platestream.keys.master import KeysError
from platestream.keys.pieces import (
    HEAD,
    is_piece,
    open_picture,
    open_piece,
    parse_head,
    picture_key,
    picture_name,
    seal_picture,
    seal_piece,
)
from platestream.runtime.faults import Faults

NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)
SEEN = uuid4()
JPEG = b"\xff\xd8 picture of a vehicle"
KEY, PRINT = bytes(range(32)), "ab" * 32


def keys_of(folder: Path, now: datetime = NOW) -> KeyFolder:
    return KeyFolder(folder / "keys", now=lambda: now)


@given(st.binary(max_size=300), st.binary(min_size=32, max_size=32))
def test_a_piece_opens_to_what_it_was_and_is_written_again_with_the_same_bytes(
    content: bytes, key: bytes
) -> None:
    sealed = seal_piece(key, 7, PRINT, content)
    assert is_piece(sealed)
    assert open_piece(key, sealed) == content
    assert seal_piece(key, 7, PRINT, content) == sealed
    assert parse_head(sealed) == (7, PRINT[:16], sha256(content).hexdigest())
    assert len(content) < 8 or content not in sealed


@given(st.data())
def test_a_piece_of_which_any_bit_is_changed_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(seal_piece(KEY, 7, PRINT, JPEG))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealError):
        open_piece(KEY, bytes(sealed))


@given(st.integers(0, HEAD.size - 1))
def test_a_piece_that_is_cut_off_is_named_so(length: int) -> None:
    with pytest.raises(SealError, match="cut off"):
        open_piece(KEY, seal_piece(KEY, 7, PRINT, JPEG)[:length])


def test_a_picture_opens_for_its_detection_and_kind_only(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    sealed = seal_picture(keys, SEEN, "crop", NOW, JPEG)
    assert JPEG not in sealed
    assert open_picture(keys_of(tmp_path), SEEN, "crop", sealed) == JPEG
    for detection, kind in ((SEEN, "vehicle"), (uuid4(), "crop")):
        with pytest.raises(SealError, match="altered, or is another one"):
            open_picture(keys, detection, kind, sealed)


def test_pictures_of_an_older_release_and_without_keys_are_as_they_are(tmp_path: Path) -> None:
    assert open_picture(keys_of(tmp_path), SEEN, "crop", JPEG) == JPEG
    assert seal_picture(UNSEALED, SEEN, "crop", NOW, JPEG) == JPEG
    sealed = seal_picture(keys_of(tmp_path), SEEN, "crop", NOW, JPEG)
    with pytest.raises(KeysError, match="PLATESTREAM_KEYS"):
        open_picture(UNSEALED, SEEN, "crop", sealed)


def test_no_holder_of_keys_opens_a_picture_whose_hour_is_destroyed_except_the_one_that_is_held(
    tmp_path: Path,
) -> None:
    keys, other, hold = keys_of(tmp_path), uuid4(), uuid4()
    held, gone = (seal_picture(keys, one, "crop", NOW, JPEG) for one in (SEEN, other))
    name = picture_name(SEEN, "crop")
    HoldKeys(keys).put(hold, HoldKey.new({name: picture_key(keys, SEEN, "crop", held[: HEAD.size])}))
    later = keys_of(tmp_path, NOW + timedelta(days=31))
    later.destroy(NOW + timedelta(days=1), Faults())
    for one, sealed in ((SEEN, held), (other, gone)):
        with pytest.raises(KeyDestroyedError):
            open_picture(later, one, "crop", sealed)
    kept = HoldKeys(later).get(hold)
    assert kept is not None
    assert open_piece(kept.pieces[name], held) == JPEG
    with pytest.raises(SealError):
        open_piece(kept.pieces[name], gone)
    HoldKeys(later).destroy([hold, uuid4()])
    assert HoldKeys(later).get(hold) is None
    assert HoldKeys(later).ages() == {}


def test_the_keys_of_a_hold_are_useless_without_the_master_key(tmp_path: Path) -> None:
    keys, hold = keys_of(tmp_path), uuid4()
    key = HoldKey.new({"one": KEY})
    HoldKeys(keys).put(hold, key)
    stored = (keys.folder / FOLDER / f"{hold}.json").read_bytes()
    assert KEY not in stored
    assert KEY.hex() not in stored.decode("latin-1")
    (keys.folder / MASTER).write_bytes(bytes(32))
    with pytest.raises(KeysError, match="not wrapped by"):
        HoldKeys(keys_of(tmp_path)).get(hold)


def test_a_backup_of_a_holds_keys_needs_no_master_key_and_overwrites_nothing(tmp_path: Path) -> None:
    keys, other, hold = keys_of(tmp_path), keys_of(tmp_path / "other"), uuid4()
    key = HoldKey.new({"one": KEY})
    HoldKeys(keys).put(hold, key)
    (copy,) = HoldKeys(keys).copies()
    HoldKeys(other).put_back(copy)
    HoldKeys(other).put_back(CopiedKeys(hold, bytes(32), {}))
    found = HoldKeys(other).get(hold)
    assert found is not None
    assert (found.fingerprint, found.pieces) == (key.fingerprint, {"one": KEY})


@pytest.mark.parametrize("content", [b"", b"{}", b'{"hold":"AAAA","pieces":{}}', b"\xff"])
def test_a_damaged_file_of_keys_is_named(tmp_path: Path, content: bytes) -> None:
    keys, hold = keys_of(tmp_path), UUID(int=7)
    HoldKeys(keys).put(hold, HoldKey.new({"one": KEY}))
    (keys.folder / FOLDER / f"{hold}.json").write_bytes(content)
    with pytest.raises(KeysError, match=f"{hold}.json is damaged"):
        HoldKeys(keys).get(hold)
