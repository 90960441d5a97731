"""Figures of cameras that read by themselves: how their reads compare, and who was right."""

from dataclasses import dataclass

from platestream.access.door import Door
from platestream.edges.clickhouse_client import DASHBOARD, read_rows

_COUNTS = """
SELECT opinion, uniqExact(detection_id) FROM platestream.detections
WHERE camera_id = {camera:String} AND opinion != '' GROUP BY opinion
"""
_VERDICTS = """
SELECT sum(compared), sum(reader_right), sum(reader_wrong), sum(camera_right), sum(camera_wrong)
FROM platestream.camera_verdicts WHERE camera_id = {camera:String}
"""


@dataclass(frozen=True)
class SecondOpinions:
    """Figures of one camera: passes by opinion, and hits that an officer compared with the vehicle."""

    passes: dict[str, int]
    compared: int
    reader_right: int
    reader_wrong: int
    camera_right: int
    camera_wrong: int


def second_opinions(door: Door, camera: str) -> SecondOpinions:
    """Return the figures of a camera, of all that is stored. They name no plate. Raises DatabaseError."""
    client, asked = door.client(DASHBOARD), {"camera": camera}
    counts = read_rows(client, "counting second opinions", _COUNTS, **asked)
    verdicts = read_rows(client, "counting verdicts on reads", _VERDICTS, **asked)
    return SecondOpinions({str(opinion): int(count) for opinion, count in counts}, *map(int, verdicts[0]))
