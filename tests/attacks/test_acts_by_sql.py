"""Attempts of people to enter acts with an effect by SQL, or without their own sign-in (issue 27, row 17)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import ConnectError
from platestream.policy.checks.context import CheckData
from platestream.policy.service import Result, run
from platestream.policy.table import CHECKS
from platestream.schemas.acts import ACTS
from platestream.schemas.tables import REGISTRY
from platestream.settings import Settings
from tests.support.door import OWN, person
from tests.support.engine import Engine, password

LOOKS = "an account of a person enters searches only"


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server on which Smith has an account to search, and Check one to audit; each has every role."""
    made = Engine(tmp_path_factory.mktemp("agency"))
    made.start()
    migrate.apply(made.client("owner"))
    rows = [person(who) for who in ("smith", "jones", "check", "vale")]
    registered = [OWN, *rows]

    made.client("owner").insert(
        "platestream.registry",
        [row for one in registered for row in REGISTRY.rows(one)],
        column_names=list(REGISTRY.columns),
    )
    yield made
    made.stop()


def entered(engine: Engine, account: str, kind: str, **columns: object) -> tuple[str, str]:
    """Outcome and refusal of an act that `account` enters by SQL."""
    inquiry = uuid4()
    asked = {
        "inquiry_id": inquiry, "kind": kind, "reason": "stolen truck", "case_number": "26-001234", **columns
    }  # fmt: skip
    engine.client(account).insert("platestream.inquire", [list(asked.values())], column_names=list(asked))
    sql = f"SELECT outcome, refusal FROM platestream.inquiry_log WHERE inquiry_id = '{inquiry}'"
    ((outcome, refusal),) = engine.client("owner").query(sql).result_rows
    return outcome, refusal


def console_dsn(engine: Engine) -> str:
    return f"http://platestream_console:{password('console')}@127.0.0.1:{engine.port}/platestream\n"


EFFECTS = [act.name for act in ACTS if act.has_effect]


@pytest.mark.parametrize("kind", ["hit_verify", "registry_user", "hotlist_add", "evidence_hold", "rules"])
def test_17_a_person_cannot_log_by_sql_an_act_that_is_never_done(agency: Engine, kind: str) -> None:
    outcome, refusal = entered(agency, "smith", kind, other="something")

    assert outcome == "refused"
    assert LOOKS in refusal


def test_17_no_act_with_an_effect_can_be_entered_by_any_account_of_a_person(agency: Engine) -> None:
    rows = [[uuid4(), kind, "stolen truck", "26-001234"] for kind in EFFECTS]
    for account in ("smith", "check", "owner"):
        rows = [[uuid4(), *row[1:]] for row in rows]
        agency.client(account).insert(
            "platestream.inquire", rows, column_names=["inquiry_id", "kind", "reason", "case_number"]
        )
        ids = [str(row[0]) for row in rows]
        found = agency.client("owner").query(
            "SELECT kind FROM platestream.inquiry_log "
            "WHERE inquiry_id IN {ids:Array(UUID)} AND outcome = 'allowed'",
            parameters={"ids": ids},
        )
        assert found.result_rows == []


def test_17_searches_are_still_entered_by_the_persons_own_account(agency: Engine) -> None:
    assert entered(agency, "smith", "search", pattern="ABC123") == ("allowed", "")
    assert entered(agency, "check", "audit_show") == ("allowed", "")


@pytest.mark.parametrize(
    "columns",
    [
        {"on_behalf_of": "vale"},
        {"automatic": True, "set_off_by": "vale"},
        {"partner": "sjpd", "on_behalf_of": "somebody", "trained_on": "2026-01-01"},
        {"refuse": "", "effect": "a" * 64},
        {"tool": "platestream console", "agency": "sjpd"},
    ],
)
def test_17_no_column_of_the_inquiry_makes_it_pass(agency: Engine, columns: dict[str, object]) -> None:
    for kind in ("hotlist_add", "hotlist_take", "retention", "hotlist_import"):
        assert entered(agency, "smith", kind, **columns)[0] == "refused"


def test_17_the_command_line_enters_it_by_the_account_that_does_it(agency: Engine, tmp_path: Path) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    settings = Settings(clickhouse=agency.dsn("smith"), data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door:
        permit = door.enter("notify_test", "webhook")

    sql = (
        f"SELECT who, account, outcome FROM platestream.inquiry_log WHERE inquiry_id = '{permit.inquiry_id}'"
    )
    assert agency.client("owner").query(sql).result_rows == [("smith", "platestream_console", "allowed")]


def test_17_without_that_account_the_command_line_says_what_to_do(agency: Engine, tmp_path: Path) -> None:
    settings = Settings(clickhouse=agency.dsn("smith"), data=tmp_path / "data")
    with Door.open(settings, "test") as door, pytest.raises(RefusedInquiry, match="PLATESTREAM_DOOR_FILE"):
        door.enter("notify_test", "webhook")


def test_17_that_account_speaks_for_nobody_whose_sign_in_was_not_accepted(
    agency: Engine, tmp_path: Path
) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    forged = agency.dsn("smith").replace("smith-", "guessed-")
    settings = Settings(clickhouse=forged, data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door, pytest.raises(Exception, match="no account of this name"):
        door.enter("notify_test", "webhook")


def test_17_nor_for_somebody_who_signed_in_to_a_server_of_their_own(agency: Engine, tmp_path: Path) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    elsewhere = agency.dsn("smith").replace(str(agency.port), "1")
    settings = Settings(clickhouse=elsewhere, data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door, pytest.raises(ConnectError, match="different servers"):
        door.enter("notify_test", "webhook")


def found(door: Door, name: str) -> Result:
    (result,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == name])
    return result
