"""Scripts of others that the console serves are those of npm."""

import hashlib

import pytest

from platestream.console.app import STATIC

# SHA-256 of dist/htmx.min.js and dist/ext/hx-sse.min.js in the package htmx.org 4.0.1
SUMS = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
}


@pytest.mark.parametrize("name", SUMS)
def test_a_script_is_the_one_of_its_package(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == SUMS[name]


def test_no_other_minified_script_is_served() -> None:
    minified = {path.name for path in STATIC.glob("*.min.js")}
    assert minified == set(SUMS)
