"""`platestream token`: who may give a program its token, and what is on record of it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platestream.access import tokens
from platestream.cli.main import app
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed


def called(monkeypatch: pytest.MonkeyPatch, database: Database, data: Path, *words: str) -> Result:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(data))
    return CliRunner().invoke(app, ["token", *words])


def test_a_token_is_shown_once_listed_without_its_text_and_ended_each_on_record(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
) -> None:
    staffed(database, person("vale", "administrator"), person("smith", "officer"))
    signed_in_as(monkeypatch, "vale")
    made = called(monkeypatch, database, tmp_path, "make", "smith", "--for", "CAD", "--may", "hits")
    assert made.stdout == ""
    (permit,) = tokens.stored_tokens(Settings(data=tmp_path)).all()
    signed_in_as(monkeypatch, "smith")
    text = called(monkeypatch, database, tmp_path, "take", permit.id).stdout.strip()
    signed_in_as(monkeypatch, "vale")
    found = tokens.stored_tokens(Settings(data=tmp_path)).find(text, NOW)
    assert found is not None
    assert (found.who, found.program, found.parts) == ("smith", "CAD", ("hits",))
    listed = called(monkeypatch, database, tmp_path, "list").stdout
    assert f"{found.id}  smith  CAD  hits  until " in listed
    assert text not in listed
    assert called(monkeypatch, database, tmp_path, "revoke", found.id).exit_code == 0
    assert tokens.stored_tokens(Settings(data=tmp_path)).all() == []
    rows = database.rows("SELECT kind, outcome, change FROM platestream.inquiry_log ORDER BY at")
    assert rows == [
        ("registry_account", "allowed", "may take a token for CAD: hits; 90 days"),
        ("account_redeem", "allowed", "takes the token for CAD, at the command line"),
        ("registry_show", "allowed", ""),
        ("registry_account", "allowed", "no token for CAD any more"),
    ]
    assert text not in str(database.rows("SELECT * FROM platestream.inquiry_log"))


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (("make", "smith", "--for", "CAD", "--may", "everything"), "say what it may: hits,"),
        (("make", "smith", "--for", "x" * 51, "--may", "hits"), "a name of 1 to 50 characters"),
        (("make", " ", "--for", "CAD", "--may", "hits"), "a name has 1 to 64 characters"),
        (("revoke", "nowhere"), "there is no token nowhere"),
    ],
)
def test_what_makes_no_token_says_why_and_is_on_record(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path, words: tuple[str, ...], because: str
) -> None:
    staffed(database)
    signed_in_as(monkeypatch, "vale")
    refused = called(monkeypatch, database, tmp_path, *words)
    assert refused.exit_code != 0
    assert because in str(refused.exception)
    assert database.rows("SELECT kind, outcome FROM platestream.inquiry_log") == [
        ("registry_account", "refused")
    ]
    assert tokens.stored_tokens(Settings(data=tmp_path)).all() == []
