"""Errors that the command line prints in one line."""

from importlib import import_module

import pytest

from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import REFUSALS, is_refusal


@pytest.mark.parametrize("module", REFUSALS)
def test_an_error_is_named_in_the_module_that_defines_it(module: str) -> None:
    """Another module need not have been imported when the error is raised."""
    for name in REFUSALS[module].split():
        assert getattr(import_module(module), name).__module__ == module


def test_a_refused_act_is_an_answer() -> None:
    assert is_refusal(RefusedInquiry("no"))
    assert not is_refusal(KeyError("no act"))
