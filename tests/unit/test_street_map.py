import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.tile import Compression, TileType

from platestream.maps.service import SHAPES, install, installed, map_file, remove
from platestream.schemas.message import RefusedError
from tests.support.street_maps import SOURCE, write_archive, write_geojson

STREETS = [[(-109.37, 34.50), (-109.35, 34.51)], [(-109.36, 34.49), (-109.36, 34.52)]]


def refusal(data: Path, file: Path, source: str = "") -> str:
    with pytest.raises(RefusedError) as error:
        install(data, file, source)
    assert installed(data) is None
    return error.value.detail


def test_an_archive_is_installed_as_it_is_with_its_source_and_area(tmp_path: Path) -> None:
    file = write_archive(tmp_path / "county.pmtiles", STREETS)
    made = install(tmp_path, file)
    assert (made, made.kind, made.layers) == (installed(tmp_path), "pmtiles", ("roads",))
    assert made.attribution == SOURCE
    assert map_file(tmp_path, made).read_bytes() == file.read_bytes()
    assert made.contains(34.505, -109.36)
    assert not made.contains(44.5, -109.36)


def test_lines_are_installed_with_their_names_and_nothing_else_of_them(tmp_path: Path) -> None:
    made = install(tmp_path, write_geojson(tmp_path / "centerlines.json", STREETS), "Apache County GIS")
    assert made.bounds == (-109.37, 34.49, -109.35, 34.52)
    stored = json.loads(map_file(tmp_path, made).read_text())
    assert [one["properties"] for one in stored["features"]] == [{"name": "Street 0"}, {"name": "Street 1"}]
    assert [one["geometry"]["coordinates"] for one in stored["features"]] == [
        [list(place) for place in street] for street in STREETS
    ]


def test_a_map_replaces_the_previous_one_and_can_be_removed(tmp_path: Path) -> None:
    install(tmp_path, write_archive(tmp_path / "county.pmtiles", STREETS))
    install(tmp_path, write_geojson(tmp_path / "centerlines.json", STREETS), "Apache County GIS")
    assert sorted(one.name for one in (tmp_path / "map").iterdir()) == ["streets.geojson", "streets.json"]
    assert remove(tmp_path)
    assert installed(tmp_path) is None
    assert not remove(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tile_type": TileType.PNG}, "the tiles are pictures"),
        ({"tile_compression": Compression.BROTLI}, "compressed with gzip"),
        ({"max_lon_e7": 1_900_000_000}, "longitude and latitude"),
    ],
)
def test_an_archive_that_pages_cannot_show_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    assert message in refusal(tmp_path, write_archive(tmp_path / "county.pmtiles", STREETS, **changed))


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = write_archive(tmp_path / "county.pmtiles", STREETS).read_bytes()
    file = tmp_path / "cut.pmtiles"
    for size in range(8, len(whole)):
        file.write_bytes(whole[:size])
        assert str(file) in refusal(tmp_path, file)


def test_lines_without_a_source_are_refused(tmp_path: Path) -> None:
    assert "--attribution" in refusal(tmp_path, write_geojson(tmp_path / "centerlines.json", STREETS))


def test_lines_in_meters_are_refused(tmp_path: Path) -> None:
    file = write_geojson(
        tmp_path / "centerlines.json", [[(466_000.0, 3_818_000.0), (467_000.0, 3_819_000.0)]]
    )
    assert "EPSG:4326" in refusal(tmp_path, file, "Apache County GIS")


values = st.recursive(
    st.none() | st.booleans() | st.floats(-200, 200) | st.text(max_size=5) | st.sampled_from(sorted(SHAPES)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "features", "geometry", "properties", "coordinates", "name"]), inner
        )
    ),
    max_leaves=20,
)
geometries = st.fixed_dictionaries({"type": st.sampled_from(sorted(SHAPES)), "coordinates": values})
features = st.fixed_dictionaries(
    {"type": st.just("Feature"), "properties": values, "geometry": geometries | values}
)


@given(st.lists(features | values, max_size=4))
def test_a_collection_is_installed_or_refused_and_nothing_is_left_of_a_refused_one(
    tmp_path_factory: pytest.TempPathFactory, found: list[Any]
) -> None:
    data = tmp_path_factory.mktemp("map")
    file = data / "any.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": found}))
    try:
        made = install(data, file, "anybody")
    except RefusedError:
        assert not (data / "map").exists()
    else:
        assert installed(data) == made


@given(st.binary(max_size=200))
def test_any_other_file_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    data = tmp_path_factory.mktemp("map")
    for start in (b"", b"PMTiles", b"PMTiles\x03"):
        (data / "any").write_bytes(start + content)
        assert refusal(data, data / "any", "anybody")
