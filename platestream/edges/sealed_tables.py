"""Tables whose pictures and frames are encrypted; their other columns are searched in SQL and are not."""

from dataclasses import replace
from hashlib import sha256

import msgspec

from platestream.keys.key_folder import Sealer
from platestream.keys.pieces import seal_picture
from platestream.schemas import tables, topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.detection import Detection
from platestream.schemas.tables import Row, Table

_PLATED = {one.name for one in topics.PLATED}


def sealed_images(keys: Sealer) -> Table[Detection]:
    """Return the table of pictures, each encrypted under a key of its own. `sha256` is of what is stored."""

    def rows(detection: Detection) -> list[Row]:
        plain = (dict(zip(tables.IMAGES.columns, row, strict=True)) for row in tables.IMAGES.rows(detection))
        return [_sealed(keys, one) for one in plain]

    return replace(tables.IMAGES, rows=rows)


def _sealed(keys: Sealer, row: dict[str, object]) -> Row:
    detection_id, kind, at, jpeg = (row[name] for name in ("detection_id", "kind", "captured_at", "jpeg"))
    stored = seal_picture(keys, detection_id, kind, at, jpeg)  # type: ignore[arg-type]
    return tuple({**row, "sha256": sha256(stored).digest(), "jpeg": stored}.values())


def sealed_dead_letters(keys: Sealer) -> Table[DeadLetter]:
    """Return the table of dead letters; the content of one with data of cameras is encrypted."""

    def rows(letter: DeadLetter) -> list[Row]:
        if letter.topic in _PLATED and letter.value:
            sealed = keys.seal(tables.DEAD_LETTERS.name, letter.timestamp, letter.value)
            letter = msgspec.structs.replace(letter, value=sealed)
        return tables.DEAD_LETTERS.rows(letter)

    return replace(tables.DEAD_LETTERS, rows=rows)
