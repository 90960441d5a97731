"""The name of the starter that an engine gives."""

import os

import pytest

from platestream.engine import __main__ as engine


def test_the_user_of_a_container_that_has_no_name_is_named_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PLATESTREAM_STARTED_BY", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert engine._options([]).started_by == "uid-54321"


def test_a_variable_of_the_environment_names_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLATESTREAM_STARTED_BY", raising=False)
    monkeypatch.setenv("LOGNAME", "chief")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert engine._options([]).started_by == "root"
