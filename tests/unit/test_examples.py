"""Examples in docstrings: each is run, and shows what it says."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ("operators", "schemas", "flows")
"""Folders that the package has as its own."""


def _modules() -> list[str]:
    paths = [
        path for folder in ("platestream", "benchmarks", *PACKAGE) for path in (ROOT / folder).rglob("*.py")
    ]
    shown = [
        path.relative_to(ROOT).with_suffix("").parts for path in paths if ">>> " in path.read_text("utf-8")
    ]
    return sorted({".".join(("platestream", *one) if one[0] in PACKAGE else one) for one in shown})


@pytest.mark.parametrize("module", _modules())
def test_an_example_shows_what_it_says(module: str) -> None:
    failed, tried = doctest.testmod(import_module(module))
    assert tried
    assert not failed
