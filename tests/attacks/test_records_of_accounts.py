"""Attempts to exchange stored passwords, tokens and keys without an act (issue 27, row 16)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from platestream.access import accounts, registry, tokens
from platestream.access.door import Door
from platestream.access.effects import (
    effect_of_stored,
)
from platestream.access.password_file import Passwords
from platestream.cameras.adding import NewCamera, add
from platestream.cameras.config import load
from platestream.partners import register
from platestream.policy.checks.context import CheckData
from platestream.policy.service import Result, run
from platestream.policy.table import CHECKS
from platestream.runtime.clock import utc_now
from platestream.schemas.registry import RegistryRecord
from tests.support.database import Database
from tests.support.door import door_of, person, staffed

# Row 16: one act, one record


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Door:
    """An agency in force with a feed of NCIC, and the door of Vale, who has every role."""
    staffed(database, person("vale"), person("smith"), person("lee", "administrator"))
    feed = RegistryRecord(
        kind="hotlist_source",
        id="ncic",
        name="NCIC",
        feed_place=str(tmp_path / "data" / "ncic"),
        feed_layout="csv",
    )
    registry.designate(door_of(database, "lee", data=tmp_path / "data"), feed, utc_now())
    return door_of(database, "vale", data=tmp_path / "data")


def found(door: Door, name: str) -> Result:
    (result,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == name])
    return result


# Row 16: what is sent, and what the console's data folder holds


def effects(door: Door, *kinds: str) -> list[str]:
    """The hashes of acts that were allowed, in order, as the owner of the database reads them."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    sql = (
        f"SELECT effect FROM platestream.inquiry_log WHERE kind IN ({names}) AND outcome = 'allowed' "
        "ORDER BY at, entry"
    )
    return [effect for (effect,) in door.clients("platestream_auditor").query(sql).result_rows]


def stored(door: Door, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((door.settings.data / "accounts" / name).read_bytes())
    return found


def store(door: Door, name: str, content: object) -> None:
    """Edit a file as the owner of its folder."""
    (door.settings.data / "accounts" / name).write_text(json.dumps(content))


def says(door: Door) -> tuple[str, tuple[str, ...]]:
    result = found(door, "sign_ins")
    return result.outcome, result.faults


def set_password(database: Database, door: Door, who: str, password: str = "some long password") -> None:
    lee = door_of(database, "lee", data=door.settings.data)
    text, _code = accounts.invite(lee, who, utc_now())
    own = door_of(database, who, data=door.settings.data)
    accounts.redeem(own, text, password, utc_now(), "here")


NOT_STORED = "not stored by an act on record, or stored again after it ended: "


def test_16_acts_about_accounts_and_keys_hold_the_hash_of_what_is_stored(
    database: Database, town: Door
) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    text, code = accounts.invite(lee, "smith", utc_now())
    assert effects(town, "account_code") == [effect_of_stored("smith", code)]
    assert says(town) == ("held", ())
    smith = door_of(database, "smith", data=town.settings.data)
    accounts.redeem(smith, text, "some long password", utc_now(), "here")
    assert effects(town, "account_redeem") == [
        effect_of_stored("smith", stored(town, "console.json")["smith"])
    ]
    accounts.change_own(smith, "some long password", "another long password", utc_now(), "here")
    assert effects(town, "account_change") == [
        effect_of_stored("smith", stored(town, "console.json")["smith"])
    ]
    permit, _ = tokens.make(lee, "smith", "CAD", ["hits"], utc_now(), 9)
    assert effects(town, "registry_account") == [effect_of_stored("smith", permit)]
    taken, _text = tokens.take(smith, permit.id, utc_now(), "here")
    assert effects(town, "account_redeem")[-1] == effect_of_stored("smith", taken)
    key = register.make_key(lee, utc_now())
    assert effects(town, "partner_key") == [key.fingerprint]
    assert says(town) == ("held", ())
    tokens.remove(lee, permit.id)
    accounts.remove(lee, "smith")
    assert effects(town, "registry_account")[1:] == ["", ""]
    assert says(town) == ("held", ())
    log = str(database.rows("SELECT * FROM platestream.inquiry_log"))
    assert "long password" not in log
    assert "$argon2" not in log


def test_16_a_password_that_was_swapped_in_the_file_is_not_held(database: Database, town: Door) -> None:
    set_password(database, town, "smith")
    set_password(database, town, "lee")
    kept = stored(town, "console.json")
    store(town, "console.json", {**kept, "smith": Passwords(Path("/nowhere"))._hasher.hash("of the thief")})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", {**kept, "smith": kept["lee"]})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", {**kept, "vale": kept["smith"]})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", kept)
    assert says(town) == ("held", ())


@pytest.mark.parametrize("later", ["another password", "a reset", "ended", "deactivated"])
def test_16_an_old_file_of_passwords_that_is_put_back_is_not_held(
    database: Database, town: Door, later: str
) -> None:
    set_password(database, town, "smith")
    old = stored(town, "console.json")
    lee = door_of(database, "lee", data=town.settings.data)
    if later == "another password":
        set_password(database, town, "smith", "another long password")
    elif later == "a reset":
        accounts.invite(lee, "smith", utc_now())
    elif later == "ended":
        accounts.remove(lee, "smith")
    else:
        accounts.remove_sign_ins(lee, "smith")
    assert says(town)[1] == ()
    store(town, "console.json", old)
    assert NOT_STORED in says(town)[1][0]


def test_16_a_code_that_was_redeemed_and_is_put_back_is_not_held(database: Database, town: Door) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    text, _code = accounts.invite(lee, "smith", utc_now())
    old = stored(town, "enrollments.json")
    smith = door_of(database, "smith", data=town.settings.data)
    accounts.redeem(smith, text, "some long password", utc_now(), "here")
    store(town, "enrollments.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}a code",))


@pytest.mark.parametrize(
    "how", ["of another", "for more", "for longer", "taken by nobody", "under another id"]
)
def test_16_a_token_that_was_copied_or_changed_is_not_held(database: Database, town: Door, how: str) -> None:
    smith = door_of(database, "lee", data=town.settings.data)
    made, _text = tokens.make(smith, "lee", "CAD", ["hits"], utc_now(), 9)
    permit, _ = tokens.make(smith, "smith", "CAD", ["hits"], utc_now(), 9)
    assert says(town) == ("held", ())
    kept, name = stored(town, "tokens.json"), made.id
    if how == "taken by nobody":
        kept[permit.id]["hashed"], name = kept[made.id]["hashed"], permit.id
    elif how == "under another id":
        name = "0a0a0a0a"
        kept[name] = {**kept[made.id], "id": name, "who": "vale"}
    else:
        changed = {"of another": {"who": "vale"}, "for more": {"parts": ["hits", "inquiries"]}}
        kept[made.id] |= changed.get(how, {"ends_at": "2099-01-01T00:00:00Z"})
    store(town, "tokens.json", kept)
    assert says(town) == ("not_held", (f"{NOT_STORED}token {name}",))


@pytest.mark.parametrize("later", ["ended", "a reset", "deactivated"])
def test_16_a_token_that_ended_and_is_put_back_is_not_held(
    database: Database, town: Door, later: str
) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    permit, _ = tokens.make(lee, "smith", "CAD", ["hits"], utc_now(), 9)
    tokens.take(door_of(database, "smith", data=town.settings.data), permit.id, utc_now(), "here")
    old = stored(town, "tokens.json")
    if later == "ended":
        tokens.remove(lee, permit.id)
    elif later == "a reset":
        accounts.invite(lee, "smith", utc_now())
    else:
        accounts.remove_sign_ins(lee, "smith")
    store(town, "tokens.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}token {permit.id}",))


@pytest.mark.parametrize("act", ["account_code", "account_change", "account_redeem"])
def test_16_a_password_that_an_administrator_logs_for_another_is_not_held(
    database: Database, town: Door, act: str
) -> None:
    """In process, an administrator enters an act with the hash that they put into the file."""
    set_password(database, town, "smith")
    kept = stored(town, "console.json")
    kept["smith"] = Passwords(Path("/nowhere"))._hasher.hash("of the administrator")
    lee = door_of(database, "lee", data=town.settings.data)
    lee.enter(act, "user/smith", effect=effect_of_stored("smith", kept["smith"]))
    store(town, "console.json", kept)
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))


def test_16_an_own_key_that_was_put_into_the_file_or_back_is_not_held(database: Database, town: Door) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    register.make_key(lee, utc_now())
    second = register.make_key(lee, utc_now())
    old = stored(town, "partner-keys.json")
    register.end_key(lee, second.fingerprint)
    assert says(town) == ("held", ())
    store(town, "partner-keys.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}key {second.fingerprint[:8]}",))
    register.end_key(lee, second.fingerprint)
    forged = register.own_key_store(town.settings).make(utc_now())
    assert says(town) == ("not_held", (f"{NOT_STORED}key {forged.fingerprint[:8]}",))


def test_16_what_an_installation_of_before_stored_is_not_checked_and_the_check_says_what_to_do(
    database: Database, town: Door
) -> None:
    set_password(database, town, "smith")
    later = datetime.now(UTC) + timedelta(minutes=1)
    live = CheckData.of(town, later)
    live.__dict__["upgraded"] = later
    (result,) = run(live, [one for one in CHECKS if one.name == "sign_ins"])
    assert (result.outcome, result.faults) == ("not_checked", ())
    assert "before acts held hashes: a password" in result.gaps[0].why


def test_16_where_the_folder_is_not_read_nothing_is_held(database: Database, town: Door) -> None:
    assert says(town)[0] == "not_checked"
    (result,) = run(
        replace(CheckData.of(town, utc_now()), settings=None),
        [one for one in CHECKS if one.name == "sign_ins"],
    )
    assert result.outcome == "not_checked"


def test_the_name_of_a_new_camera_writes_no_file_of_accounts(town: Door) -> None:
    path = town.settings.data / "cameras.toml"
    file = town.settings.data / "accounts" / "console.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text("{}")
    account: dict[str, Any] = {"user": '{"vale"', "password": '{"hash":"mine"}}'}
    place: dict[str, Any] = {"latitude": 34.5, "longitude": -109.4}
    for name in ("plain", "x/y", "x/../../accounts/console.json"):
        camera = NewCamera(name, "rtsp", "rtsp://10.0.0.9/stream", "A camera", **account, **place)
        add(town, path, camera, "", utc_now())
    assert file.read_text() == "{}"
    assert len([*(town.settings.data / "secrets").iterdir()]) == len(load(path).cameras) == 3
