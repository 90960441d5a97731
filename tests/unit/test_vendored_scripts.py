"""Scripts of others that the console serves are those of npm."""

import hashlib

import pytest

from platestream.web.console import STATIC

MAPLIBRE = "maplibre-6.17.0"
# SHA-256 of dist/htmx.min.js in the package htmx.org 4.0.1, of two files of
# maplibre-gl 6.17.0, and of dist/pmtiles.js in pmtiles 4.5.0
SUMS = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    f"{MAPLIBRE}/maplibre-gl.mjs": "e02cb08c572fd0950a75343cd558099c2a1dbbaf67f26b0c96f115431962d1ae",
    f"{MAPLIBRE}/maplibre-gl-worker.mjs": "73d7a024a4efe1a46e49db193e18cfe33271e3ecc652ec7542c281a4ef5f0f04",
    "pmtiles-4.5.0.js": "caf981bc46f6327ee7e65d5dc964d89d38a69f60edca2bd4c5c890c21b554c6c",
}


@pytest.mark.parametrize("name", SUMS)
def test_a_script_is_the_one_of_its_package(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == SUMS[name]


OURS = {
    *("camera-region.js", "console.js", "live.js", "offline.js", "passkey.js", "street-map.js", "sw.js"),
    "theme.js",
}


def test_no_other_script_is_served() -> None:
    scripts = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*.*js")}
    assert scripts == {*SUMS, *OURS}
