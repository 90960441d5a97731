"""Street maps for tests: a PMTiles archive of one vector tile, and GeoJSON."""

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

Place = tuple[float, float]
"""Longitude and latitude, degrees."""
ZOOM, EXTENT = 10, 4096
SOURCE = "© OpenStreetMap contributors"


def write_archive(file: Path, streets: Sequence[Sequence[Place]], **changed: Any) -> Path:
    """Write an archive of the tile that holds the first place; `changed` are fields of its header."""
    x, y = (math.floor(one) for one in _tile(*streets[0][0]))
    header = {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": ZOOM,
        "max_zoom": ZOOM,
        "min_lon_e7": round(min(one[0] for street in streets for one in street) * 1e7) - 10_000_000,
        "max_lon_e7": round(max(one[0] for street in streets for one in street) * 1e7) + 10_000_000,
        "min_lat_e7": round(min(one[1] for street in streets for one in street) * 1e7) - 10_000_000,
        "max_lat_e7": round(max(one[1] for street in streets for one in street) * 1e7) + 10_000_000,
        "center_zoom": ZOOM,
        "center_lon_e7": 0,
        "center_lat_e7": 0,
        **changed,
    }
    metadata = {
        "attribution": f'<a href="https://www.openstreetmap.org/copyright">{SOURCE}</a>',
        "vector_layers": [{"id": "roads", "fields": {"name": "String"}}],
    }
    with file.open("wb") as opened:
        writer = Writer(opened)
        writer.write_tile(zxy_to_tileid(ZOOM, x, y), gzip.compress(_encode(streets, x, y)))
        writer.finalize(header, metadata)
    return file


def write_geojson(file: Path, streets: Sequence[Sequence[Place]]) -> Path:
    """Write lines with a name, and a property that a map does not show."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"Street {number}", "owner": "Jane Roe"},
            "geometry": {"type": "LineString", "coordinates": street},
        }
        for number, street in enumerate(streets)
    ]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def _tile(longitude: float, latitude: float) -> tuple[float, float]:
    """Return the place in tiles of ZOOM (https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames)."""
    of = 2**ZOOM
    north = math.asinh(math.tan(math.radians(latitude)))
    return (longitude + 180) / 360 * of, (1 - north / math.pi) / 2 * of


def _encode(streets: Sequence[Sequence[Place]], x: int, y: int) -> bytes:
    """Return a vector tile (https://github.com/mapbox/vector-tile-spec, 2.1) with the layer `roads`."""
    features = b""
    for number, street in enumerate(streets):
        geometry, before = [9], (0, 0)  # move to one place
        for place in street:
            across, down = _tile(*place)
            at = (round((across - x) * EXTENT), round((down - y) * EXTENT))
            geometry += [_zigzag(new - old) for new, old in zip(at, before, strict=True)]
            if before == (0, 0):
                geometry.append((len(street) - 1) << 3 | 2)  # lines to the others
            before = at
        packed = b"".join(map(_varint, geometry))
        features += _field(2, _field(2, _varint(0) + _varint(number)) + b"\x18\x02" + _field(4, packed))
    values = b"".join(_field(4, _field(1, f"Street {number}".encode())) for number in range(len(streets)))
    layer = b"\x78\x02" + _field(1, b"roads") + features + _field(3, b"name") + values
    return _field(3, layer + b"\x28" + _varint(EXTENT))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1
