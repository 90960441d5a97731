"""Street map of the agency's area: one file below the data folder, which the console serves to its pages.

It is a PMTiles archive of vector tiles (https://docs.protomaps.com/pmtiles, version 3), or lines and areas as
GeoJSON (RFC 7946), such as an agency's own street centerlines. Nothing is fetched from elsewhere.
"""

import contextlib
import gzip
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from markupsafe import Markup

from platestream.schemas.message import RefusedError

FOLDER, MANIFEST = "map", "streets.json"
LARGEST_GEOJSON = 50_000_000
"""Bytes of a GeoJSON file: a browser holds all of it. A larger area needs PMTiles."""
SHAPES = {"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Kinds of GeoJSON geometry that are drawn, with the depth of their lists of positions."""
_HEADER = struct.Struct("<7xB16xQQ16xQQ25xBBBxxiiii")
_NO_COMPRESSION, _GZIP, _VECTOR_TILES = 1, 2, 1


class _Header(NamedTuple):
    """Fields of a PMTiles header; offsets and lengths in bytes, sides in 10^-7 degrees."""

    version: int
    metadata: int
    metadata_length: int
    tiles: int
    tiles_length: int
    internal_compression: int
    tile_compression: int
    tile_type: int
    west: int
    south: int
    east: int
    north: int


Bounds = tuple[float, float, float, float]
"""West, south, east, north; degrees."""


class StreetMap(msgspec.Struct, frozen=True):
    """The installed map. `layers` are the names of its vector layers, empty for GeoJSON."""

    kind: Literal["pmtiles", "geojson"]
    bounds: Bounds
    attribution: str
    layers: tuple[str, ...] = ()

    def contains(self, latitude: float, longitude: float) -> bool:
        """Return whether a place is within the bounds of the map."""
        west, south, east, north = self.bounds
        return south <= latitude <= north and west <= longitude <= east


def installed(data: Path) -> StreetMap | None:
    """Return the map of an installation with this data folder, or None."""
    with contextlib.suppress(FileNotFoundError):
        return msgspec.json.decode((data / FOLDER / MANIFEST).read_bytes(), type=StreetMap)
    return None


def map_file(data: Path, street_map: StreetMap) -> Path:
    """Return the path of the installed map's file."""
    return data / FOLDER / f"streets.{street_map.kind}"


def install(data: Path, file: Path, attribution: str = "") -> StreetMap:
    """Check a map file and install it in place of the previous one.

    `attribution` names the source, which most licenses ask for; without it, the one in the file is shown.
    Raises RefusedError, whose reason says what is wrong, and OSError.
    """
    with file.open("rb") as opened:
        archive = opened.read(7) == b"PMTiles"
    street_map = _read_archive(file, attribution) if archive else _read_geojson(file, attribution)
    if not street_map.attribution:
        raise RefusedError("map", f"{file}: the file names no source: name it with --attribution")
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = map_file(data, street_map)
    with _replaced(there) as new:
        if archive:
            shutil.copyfile(file, new)
        else:
            new.write_bytes(msgspec.json.encode(_drawn(_decode(file))))
    with _replaced(folder / MANIFEST) as new:
        new.write_bytes(msgspec.json.encode(street_map))
    for other in folder.glob("streets.*"):
        if other not in (there, folder / MANIFEST):
            other.unlink()
    return street_map


def remove(data: Path) -> bool:
    """Remove the installed map; return whether there was one."""
    folder = data / FOLDER
    there = (folder / MANIFEST).exists()
    shutil.rmtree(folder, ignore_errors=True)
    return there


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write, which then takes its place."""
    new = path.with_name(f".{path.name}.new")
    try:
        yield new
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _read_archive(file: Path, attribution: str) -> StreetMap:
    with file.open("rb") as opened:
        start = opened.read(_HEADER.size)
        if len(start) < _HEADER.size:
            raise RefusedError("map", f"{file}: the PMTiles archive is cut off in its header")
        header = _Header._make(_HEADER.unpack(start))
        if header.version != 3:
            raise RefusedError(
                "map", f"{file}: PMTiles version {header.version}; version 3 is needed: pmtiles convert"
            )
        if header.tile_type != _VECTOR_TILES:
            raise RefusedError("map", f"{file}: the tiles are pictures; vector tiles (MVT) are needed")
        if not {header.internal_compression, header.tile_compression} <= {_NO_COMPRESSION, _GZIP}:
            raise RefusedError("map", f"{file}: tiles must be uncompressed or compressed with gzip")
        if header.tiles + header.tiles_length > file.stat().st_size:
            raise RefusedError("map", f"{file}: the PMTiles archive is cut off")
        opened.seek(header.metadata)
        metadata = _metadata(file, opened.read(header.metadata_length), header.internal_compression)
    west, south, east, north = (side / 1e7 for side in header[-4:])
    layers = [
        one["id"]
        for one in metadata.get("vector_layers", ())
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    ]
    if not layers:
        raise RefusedError("map", f"{file}: the metadata name no vector layer")
    source = attribution or Markup(metadata.get("attribution", "")).striptags()  # noqa: S704 - then it has no tag
    return StreetMap("pmtiles", _bounds(file, west, south, east, north), source, tuple(layers))


def _metadata(file: Path, stored: bytes, compression: int) -> dict[str, Any]:
    try:
        plain = gzip.decompress(stored) if compression == _GZIP else stored
        return msgspec.json.decode(plain, type=dict[str, Any])
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise RefusedError("map", f"{file}: the metadata cannot be read: {error}") from None


def _read_geojson(file: Path, attribution: str) -> StreetMap:
    places = [
        place
        for feature in _drawn(_decode(file))["features"]
        for place in _positions(feature["geometry"]["coordinates"], SHAPES[feature["geometry"]["type"]])
    ]
    if not places:
        raise RefusedError("map", f"{file}: holds no line and no area ({', '.join(SHAPES)})")
    east_west, north_south = zip(*places, strict=True)
    bounds = _bounds(file, min(east_west), min(north_south), max(east_west), max(north_south))
    return StreetMap("geojson", bounds, attribution)


def _decode(file: Path) -> dict[str, Any]:
    if file.stat().st_size > LARGEST_GEOJSON:
        raise RefusedError(
            "map", f"{file}: larger than {LARGEST_GEOJSON // 1_000_000} MB: make PMTiles of it (tippecanoe)"
        )
    try:
        decoded = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise RefusedError("map", f"{file}: neither PMTiles nor GeoJSON: {error}") from None
    if decoded.get("type") != "FeatureCollection" or not isinstance(decoded.get("features"), list):
        raise RefusedError("map", f"{file}: a GeoJSON FeatureCollection is needed")
    return decoded


def _drawn(decoded: dict[str, Any]) -> dict[str, Any]:
    """Return what a map draws of a collection: shapes, names and kinds; other properties are left out."""
    features = []
    for feature in decoded["features"]:
        match feature:
            case {"geometry": {"type": str() as kind, "coordinates": coordinates}} if kind in SHAPES:
                geometry = {"type": kind, "coordinates": coordinates}
                features.append({"type": "Feature", "properties": _shown(feature), "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _shown(feature: dict[str, Any]) -> dict[str, str]:
    properties = feature.get("properties")
    named = properties if isinstance(properties, dict) else {}
    return {name: named[name] for name in ("name", "kind") if isinstance(named.get(name), str)}


def _positions(nested: Any, depth: int) -> Iterator[tuple[float, float]]:
    """Yield longitude and latitude of each position. Raises RefusedError where one is none."""
    if not isinstance(nested, list):
        raise RefusedError("map", "a geometry has no list of positions")
    if depth > 1:
        for one in nested:
            yield from _positions(one, depth - 1)
        return
    for position in nested:
        match position:
            case [int() | float() as longitude, int() | float() as latitude, *_] if not (
                isinstance(longitude, bool) or isinstance(latitude, bool)
            ):
                yield float(longitude), float(latitude)
            case _:
                raise RefusedError("map", "a position is not longitude and latitude")


def _bounds(file: Path, west: float, south: float, east: float, north: float) -> Bounds:
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise RefusedError(
            "map", f"{file}: the area is not in degrees of longitude and latitude (WGS 84, EPSG:4326)"
        )
    return west, south, east, north
