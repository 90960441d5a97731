"""`platestream shift` and `platestream notify` on the embedded edge."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from platestream.access import presence, rules_in_force, shifts
from platestream.cli.main import app
from platestream.edges.files import FileTopics
from platestream.schemas import topics
from platestream.schemas.acts import Role
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from platestream.settings import load_settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person, signed_in_as
from tests.support.receivers import SECRET, http_receiver

DAY = timedelta(days=1)
COUNTY = RegistryRecord(kind="agency", id="county", name="County SO", mou_from=NOW - 90 * DAY)
Station = Callable[..., str]


@pytest.fixture
def station(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Station:
    """Commands of one agency, run by Vale, an officer, unless `by` says who."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    registered(database, OWN, COUNTY, person("vale", "officer"), person("sgt", "supervisor"))

    def run(*words: str, by: str = "vale", code: int = 0) -> str:
        signed_in_as(monkeypatch, by)
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output + str(done.exception or "")

    return run


def registered(database: Database, *records: RegistryRecord) -> None:
    """In the gate's table and on the topic."""
    database.put(REGISTRY, *records)
    streams = FileTopics(load_settings().data, follow=False)
    streams.append(topics.REGISTRY, [topics.REGISTRY.encode(one) for one in records])


def log(database: Database) -> list[Any]:
    return database.rows("SELECT kind, who, other, outcome FROM platestream.inquiry_log ORDER BY at")


def test_a_shift_is_from_login_to_logout_and_stays_on_record(station: Station, database: Database) -> None:
    assert "nobody is on shift" in station("shift", "list", code=1)
    assert "vale is on shift until" in station("shift", "login", "--hours", "10")
    assert "vale" in station("shift", "list", by="sgt")
    assert re.search(r"has been logged in since \S+ \d\d:\d\d MST", station("shift", "login", code=1))
    station("shift", "logout")
    assert "is not logged in" in station("shift", "logout", code=1)
    station("shift", "list", code=1)
    rows = database.rows(
        "SELECT active, JSONExtractString(record, 'changed_by')"
        " FROM platestream.registry FINAL WHERE kind = 'shift'"
    )
    assert rows == [(False, "vale")]
    assert log(database) == [
        ("shift_show", "vale", "", "allowed"),
        ("shift_login", "vale", "user/vale", "allowed"),
        ("shift_show", "sgt", "", "allowed"),
        ("shift_login", "vale", "user/vale", "refused"),
        ("shift_logout", "vale", "user/vale", "allowed"),
        ("shift_logout", "vale", "user/vale", "refused"),
        ("shift_show", "vale", "", "allowed"),
    ]


def test_a_shift_is_in_a_car_that_has_cameras(station: Station, database: Database) -> None:
    at: Any = {"latitude": 34.5, "longitude": -109.36, "approved_by": "Chief", "approved_at": NOW}
    registered(
        database,
        RegistryRecord(kind="camera", id="car-12", name="Car 12", moves=True, **at),
        RegistryRecord(kind="camera", id="main-st", name="Main St", **at),
    )
    refused = station("shift", "login", "--camera", "main-st", "--camera", "car-12", code=1)
    assert "no camera in a car: main-st" in refused
    assert "in the car of car-12" in station("shift", "login", "--camera", "car-12")
    assert "car-12" in station("shift", "list", by="sgt")


# Who must not be told of alert hits, and why (row 3 of the issue).
UNFIT: dict[str, tuple[RegistryRecord | None, str]] = {
    "unregistered": (None, "not a registered"),
    "ended": (person("jones", "officer", active=False), "ended|not a registered, active user"),
    "untrained": (
        RegistryRecord(kind="user", id="jones", name="Jones", agency="sjpd"),
        "no training on record",
    ),
    "trained tomorrow": (person("jones", "officer", trained=NOW + DAY), "no training on record"),
    "lapsed": (person("jones", "officer", trained=NOW - 400 * DAY), "training ha[sd] lapsed"),
    "of another agency": (person("jones", "officer", agency="county"), "own employees|another agency"),
    "an auditor": (person("jones", "auditor"), "roles may do this|neither officer nor supervisor"),
}


@pytest.mark.parametrize("by", ["jones", "sgt"], ids=["themselves", "by a supervisor"])
@pytest.mark.parametrize("who", UNFIT)
def test_who_may_not_be_told_of_alert_hits_does_not_get_on_shift_and_the_attempt_is_on_record(
    station: Station, database: Database, who: str, by: str
) -> None:
    record, why = UNFIT[who]
    if record is not None:
        registered(database, record)
    words = ("shift", "login") if by == "jones" else ("shift", "login", "--user", "jones")
    said = station(*words, by=by, code=1)
    assert re.search(why, said), said
    assert log(database) == [("shift_login", by, "user/jones", "refused")]
    assert database.value("SELECT count() FROM platestream.registry WHERE kind = 'shift'") == 0
    assert not [one for one in FileTopics(load_settings().data, follow=False).messages(topics.REGISTRY)
                if (one.key or b"").startswith(b"shift/")]  # fmt: skip


ANOTHER: list[tuple[Role, bool]] = [("officer", False), ("supervisor", True)]


@pytest.mark.parametrize(("role", "may"), ANOTHER)
def test_only_a_supervisor_logs_somebody_else_in_and_out(
    station: Station, database: Database, role: Role, may: bool
) -> None:
    registered(database, person("jones", "officer"), person("doe", role))
    for act in ("login", "logout"):
        said = station("shift", act, "--user", "jones", by="doe", code=0 if may else 1)
        assert may or "only a supervisor" in said
    outcome = "allowed" if may else "refused"
    assert log(database) == [(f"shift_{act}", "doe", "user/jones", outcome) for act in ("login", "logout")]


def test_a_forgotten_shift_ends_by_itself_and_none_is_longer_than_sixteen_hours(
    station: Station, database: Database, tmp_path: Path
) -> None:
    door = door_of(database, data=tmp_path / "data")
    with pytest.raises(RefusedError, match="16 hours"):
        shifts.log_in(door, timedelta(hours=17), NOW)
    shifts.log_in(door, timedelta(hours=12), NOW)
    assert [one.shift.user for one in shifts.show(door, NOW + timedelta(hours=11))] == ["vale"]
    assert shifts.show(door, NOW + timedelta(hours=13)) == []


def test_the_list_of_shifts_says_whose_device_is_connected(
    station: Station, database: Database, tmp_path: Path
) -> None:
    station("shift", "login", "--hours", "10")
    assert "not connected" in station("shift", "list", by="sgt")
    door, devices = door_of(database, data=tmp_path / "data"), presence.Devices()
    devices.record_heartbeat(door, "vale", NOW - timedelta(minutes=9), sound=True)
    assert "not connected" in station("shift", "list", by="sgt"), "a heartbeat is valid for 45 s"
    devices.record_heartbeat(door, "vale", datetime.now(UTC), sound=True)
    assert "sound on" in station("shift", "list", by="sgt").replace("\n", " ")
    (shown,) = station("shift", "list", "--json", by="sgt").splitlines()
    assert json.loads(shown)["connected"]["sound"] is True
    devices.record_sign_out(door, "vale", datetime.now(UTC))
    assert json.loads(station("shift", "list", "--json", by="sgt"))["connected"] is None


def test_rules_are_checked_put_in_force_and_a_receiver_tried(
    station: Station, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
        assert "not the file in force" in station("notify", "test", "cad", code=1, by="sgt")
        registered(database, person("lee", "administrator"))
        rules_in_force.change(
            door_of(database, "lee"), rules_in_force.Change(files={"notify_file": file}), "lee"
        )
        assert "delivered" in station("notify", "test", "cad", by="sgt")
        assert web.calls[0].json["schema"] == "notification_test/1"
        web.status = 400
        assert "http_400" in station("notify", "test", "cad", code=1, by="sgt")
        assert "there are cad" in station("notify", "test", "other", code=1, by="sgt")


def test_rules_that_reach_nobody_are_said_to(
    station: Station, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty, file = tmp_path / "empty.toml", tmp_path / "notify.toml"
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(empty))
    empty.write_text("")
    assert "nobody hears" in station("notify", "check", code=1)
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(file))
    file.write_text(
        '[[receivers]]\nname = "vale"\napprise = "json://localhost"\n[[routes]]\nto = ["on_shift"]\n'
    )
    assert "name officers' receivers" in station("notify", "check", code=1)
