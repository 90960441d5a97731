"""`platestream notify` on the embedded edge: rules are checked, and a receiver is tried on record."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from platestream.cli.main import app
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed
from tests.support.receivers import SECRET, http_receiver
from tests.support.rules import as_before


def notify(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["notify", *words])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output + str(done.exception or "")


@pytest.fixture
def rules(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the rules are to be written."""
    file = tmp_path / "notify.toml"
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(file))
    as_before(database)
    signed_in_as(monkeypatch, "sergeant")
    staffed(database, person("sergeant", "supervisor"), person("vale", "officer"))
    return file


def cad(rules: Path, url: str) -> None:
    secret = rules.parent / "secret"
    secret.write_text(SECRET)
    rules.write_text(
        f'[[receivers]]\nname = "cad"\nwebhook = "{url}"\nsecret_file = "{secret}"\n'
        '[[routes]]\nto = ["cad"]\n'
    )


def test_a_receiver_is_tried_on_record_before_and_what_it_answered_is_said(
    rules: Path, database: Database
) -> None:
    with http_receiver() as web:
        cad(rules, web.url)
        assert "cad" in notify("check")
        assert "delivered" in notify("test", "cad")
        assert web.calls[0].json["text"].startswith("Test of Platestream's notifications by sergeant")
        web.status = 400
        assert "http_400" in notify("test", "cad", code=1)
    assert "there are cad" in notify("test", "other", code=1)
    logged = database.rows("SELECT who, kind, other, outcome FROM platestream.inquiry_log ORDER BY at")
    assert logged == [
        ("sergeant", "notify_test", "cad", "allowed"),
        ("sergeant", "notify_test", "cad", "allowed"),
        ("sergeant", "notify_test", "other", "refused"),
    ]


def test_who_may_not_try_a_receiver_sends_nothing(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in_as(monkeypatch, "vale")
    with http_receiver() as web:
        cad(rules, web.url)
        assert "supervisor or administrator" in notify("test", "cad", code=1)
        assert web.calls == []
