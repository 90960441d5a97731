"""`platestream policy check`: outcomes, faults and names that it shows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.policy.checks.context import CheckData
from platestream.policy.table import CHECKS
from tests.support.agency import (
    Agency,
)
from tests.support.clock import NOW
from tests.support.door import door_of

pytestmark = pytest.mark.slow


@pytest.fixture
def command(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", agency.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(agency.data))
    monkeypatch.setattr("platestream.access.door.system_account", lambda: "chief")
    return lambda *words: CliRunner().invoke(app, ["policy", "check", *words])


def test_the_command_shows_every_check_and_says_how_many_could_not_be_made(
    command: Callable[..., Any],
) -> None:
    shown = command()
    assert shown.exit_code == 0, shown.output
    assert all(check.what.split()[0] in shown.output for check in CHECKS)
    count = len(CHECKS)
    assert f"of {count} checks {count - 2} are held, 0 are not held, 2 could not be checked" in shown.output
    assert command("--strict").exit_code == 1, "one could not be checked"


def test_as_json_the_command_gives_outcomes_faults_and_what_was_not_checked(
    agency: Agency, command: Callable[..., Any]
) -> None:
    result = json.loads(command("--json").stdout)
    assert result["outcome"] == "not_checked"
    assert result["counts"] == {"held": len(CHECKS) - 2, "not_held": 0, "not_checked": 2}
    assert [one["check"] for one in result["checks"]] == [check.name for check in CHECKS]
    (gap,) = next(one for one in result["checks"] if one["check"] == "unlogged")["not_checked"]
    assert set(gap) == {"why", "needs"}
    agency.found("purpose")
    broken = command("--failed", "--json")
    assert broken.exit_code == 1
    result = json.loads(broken.stdout)
    assert {one["check"]: one["outcome"] for one in result["checks"]} == {
        "bounded": "not_checked",
        "purposes": "not_held",
        "unlogged": "not_checked",
    }
    assert result["outcome"] == "not_held"


def test_people_are_counted_and_named_only_for_whoever_may_see_that_on_record(
    agency: Agency, command: Callable[..., Any]
) -> None:
    agency.found("purpose")
    acts = "SELECT count() FROM platestream.inquiry_log WHERE kind = 'audit_show'"
    assert "by 1 person" in command("--failed", "--json").stdout
    assert agency.database.value(acts) == 1, "the inquiry log is read by an act"
    named = CheckData.of(door_of(agency.database, "chief", data=agency.data), NOW, names=True)
    assert "by mlee" in next(iter(named.flow_breaches("purpose")))
    with pytest.raises(RefusedInquiry, match="none of this user's roles"):
        CheckData.of(door_of(agency.database, "smith", data=agency.data), NOW, names=True)
    assert agency.database.value(acts) == 3, "the attempt is on record, too"
