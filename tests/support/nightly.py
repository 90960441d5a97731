"""Parameters of tests that `make nightly` runs and `make test` does not."""

from typing import Any

import pytest


def nightly(*cases: Any) -> list[Any]:
    """Return the cases, each a value or a tuple of values, marked for the night."""
    return [
        pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.nightly) for one in cases
    ]
