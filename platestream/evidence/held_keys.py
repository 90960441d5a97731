"""Encryption of held pictures and answers: each hold has a key, and by it the keys of its pieces.

A held picture stays as it was stored. When the key of its hour is destroyed, the hold still has the key of
this one picture (`platestream.keys.hold_keys`), until it is purged.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from platestream.evidence.custody import Held, History
from platestream.keys.envelope import SealError
from platestream.keys.hold_keys import HoldKey, HoldKeys
from platestream.keys.key_folder import KeyDestroyedError, KeyFolder, Sealer
from platestream.keys.master import KeysError
from platestream.keys.pieces import is_piece, open_piece, picture_key, picture_name, seal_piece
from platestream.schemas.message import RefusedError

UNUSED = timedelta(hours=1)
"""Keys are stored before the act of their hold; of an act that failed they are destroyed after this time."""
LATE = timedelta(days=1)
"""Keys without a hold in force are a fault after this time."""


def retain(keys: Sealer, hold_id: UUID, heads: Mapping[tuple[UUID, str], bytes]) -> str:
    """Store the keys of encrypted pictures, given by detection and kind with their heads; return the
    fingerprint of the hold's key, empty where no picture is encrypted.

    Raises RefusedError where a key is destroyed, missing, or cannot be stored.
    """
    if not heads:
        return ""
    try:
        pieces = {picture_name(*named): picture_key(keys, *named, head) for named, head in heads.items()}
        return _put(keys, hold_id, HoldKey.new(pieces))
    except (KeyDestroyedError, SealError, KeysError) as error:
        raise RefusedError("keys", f"a picture cannot be held: {error}") from None


def seal_pieces(keys: Sealer, hold_id: UUID, pieces: Mapping[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """Encrypt pieces of another agency by name; return the fingerprint of the hold's key and the stored
    pieces, as they are where nothing is encrypted. Raises RefusedError where the key cannot be stored.
    """
    if not isinstance(keys, KeyFolder):
        return "", dict(pieces)
    key = HoldKey.new({})
    stored = {name: seal_piece(key.add(name), 0, key.fingerprint, piece) for name, piece in pieces.items()}
    try:
        return _put(keys, hold_id, key), stored
    except KeysError as error:
        raise RefusedError("keys", f"the answer cannot be held: {error}") from None


def opener(keys: Sealer, hold_id: UUID) -> Callable[[str, bytes], bytes]:
    """Return a function that opens a stored piece by its name; one that is not encrypted stays unchanged.

    The function raises SealError, and KeysError if the key is not there. Raises KeysError.
    """
    held = HoldKeys(keys).get(hold_id) if isinstance(keys, KeyFolder) else None

    def opened(name: str, stored: bytes) -> bytes:
        if not is_piece(stored):
            return stored
        if held is None or name not in held.pieces:
            raise KeysError(f"the keys of hold {hold_id} are missing")
        return open_piece(held.pieces[name], stored)

    return opened


def stored_hash(plain: bytes, stored: bytes) -> str:
    """Return the SHA-256 in hex of what is stored; empty where that is not encrypted."""
    return "" if stored is plain else sha256(stored).hexdigest()


def destroy_unused(keys: Sealer, holds: History) -> None:
    """Destroy the keys of purged holds, and of those that never came into force, where all of the ledger can
    be read.
    """
    if not isinstance(keys, KeyFolder):
        return
    kept, present = HoldKeys(keys), {one.hold_id for one in holds.present}
    purged = set(holds.holds) - present
    kept.destroy(
        hold_id
        for hold_id, age in kept.ages().items()
        if hold_id in purged or (hold_id not in present and age > UNUSED.total_seconds() and not holds.unread)
    )


def key_faults(keys: KeyFolder, holds: History) -> tuple[list[str], list[str]]:
    """Return the faults of the keys of holds in force, and what else is there: keys of holds not in force,
    and files that are no hold's.
    """
    kept, present = HoldKeys(keys), {one.hold_id: one for one in holds.present}
    faults = [_fault(kept, one) for one in present.values() if one.key]
    late = [str(one) for one, age in kept.ages().items() if one not in present and age > LATE.total_seconds()]
    return [one for one in faults if one], late + kept.strays()


def _fault(kept: HoldKeys, hold: Held) -> str:
    try:
        found = kept.get(hold.hold_id)
    except KeysError as error:
        return str(error)
    if found is None:
        return f"the keys of hold {hold.hold_id} are missing: its pictures are lost without a backup"
    if found.fingerprint != hold.key or set(found.pieces) != hold.pieces:
        return f"hold {hold.hold_id} has keys of other pictures than its act"
    return ""


def _put(keys: Sealer, hold_id: UUID, key: HoldKey) -> str:
    if not isinstance(keys, KeyFolder):
        raise KeysError("no folder of keys is named")
    HoldKeys(keys).put(hold_id, key)
    return key.fingerprint
