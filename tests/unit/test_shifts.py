"""`platestream shift` and `platestream notify` on the embedded edge."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.settings import load_settings, open_topics
from platestream.cli.main import app
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import registry, shifts
from tests.support.database import Database
from tests.support.receivers import SECRET, http_receiver

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


class Station:
    """Commands and settings of one agency."""

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output + str(done.exception or "")


@pytest.fixture
def station(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Station:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    settings = load_settings()
    registry.put(settings, RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True))
    registry.put(settings, RegistryRecord(kind="user", id="rvale", name="Ofc. Vale", agency="sjpd"))
    return Station()


def test_a_shift_is_from_login_to_logout_and_stays_on_record(station: Station, database: Database) -> None:
    assert "nobody is on shift" in station("shift", "list", code=1)
    station("shift", "login", "--user", "rvale", "--hours", "10")
    assert "rvale" in station("shift", "list")
    assert "has been logged in since" in station("shift", "login", "--user", "rvale", code=1)
    station("shift", "logout", "--user", "rvale")
    assert "is not logged in" in station("shift", "logout", "--user", "rvale", code=1)
    station("shift", "list", code=1)
    rows = database.rows("SELECT active FROM platestream.registry FINAL WHERE kind = 'shift'")
    assert rows == [(False,)]


def test_who_is_not_registered_cannot_log_in_and_a_forgotten_shift_ends_by_itself(station: Station) -> None:
    assert "no registered, active user" in station("shift", "login", "--user", "nobody", code=1)
    settings = load_settings()
    with pytest.raises(RefusedError, match="16 hours"):
        shifts.log_in(settings, "rvale", timedelta(hours=17), "rvale", NOW)
    shifts.log_in(settings, "rvale", timedelta(hours=12), "rvale", NOW)
    streams = open_topics(settings, follow=False)
    assert [one.user for one in shifts.on_shift(streams, NOW + timedelta(hours=11))] == ["rvale"]
    assert shifts.on_shift(streams, NOW + timedelta(hours=12)) == []


def test_rules_are_checked_and_a_receiver_tried(
    station: Station, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "names no file" in station("notify", "check", code=1)
    secret, file = tmp_path / "secret", tmp_path / "notify.toml"
    secret.write_text(SECRET)
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(file))
    with http_receiver() as web:
        file.write_text(
            f'[[receivers]]\nname = "cad"\nwebhook = "{web.url}"\nsecret_file = "{secret}"\n'
            '[[routes]]\nto = ["cad"]\n'
        )
        assert "cad" in station("notify", "check")
        assert "delivered" in station("notify", "test", "cad")
        assert web.calls[0].json["schema"] == "notification_test/1"
        web.status = 400
        assert "http_400" in station("notify", "test", "cad", code=1)
        assert "there are cad" in station("notify", "test", "other", code=1)


def test_rules_that_reach_nobody_are_said_to(
    station: Station, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(file))
    file.write_text("")
    assert "nobody hears" in station("notify", "check", code=1)
    file.write_text(
        '[[receivers]]\nname = "vale"\napprise = "json://localhost"\n[[routes]]\nto = ["on_shift"]\n'
    )
    assert "name officers' receivers" in station("notify", "check", code=1)
