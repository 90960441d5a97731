"""A thief of the data folder makes no code of an authenticator app, and a lost key is said and mended."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from platestream.access import accounts, second_factor
from platestream.access.factor_file import Factor, Factors, StoredFactor
from platestream.keys.account_key import AccountKey, is_encrypted
from platestream.keys.key_folder import ACCOUNT_KEY, MASTER, KeyFolder
from platestream.keys.master import KeysError, MasterFile
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.keys import apps
from platestream.operations.master_key import rewrap
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run
from platestream.policy.table import CHECKS
from platestream.runtime.private_file import PrivateFile
from platestream.settings import Settings
from platestream.web.console import Console
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import door_of, person
from tests.support.factors import FACTOR, admitted, code_of, enrolled, later, proven, require

MISSING = "a key of this installation is missing"


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """An agency whose rules require a second factor, and whose keys are on another disk."""
    made = Pages(database, tmp_path / "data")
    made.staff(person("vale", "officer"), person("lee", "administrator"))
    require(made, "everybody")
    return made


def file_of(pages: Pages) -> Path:
    return pages.data / "accounts" / "factors.json"


def stored(path: Path) -> dict[str, StoredFactor]:
    return PrivateFile(path, StoredFactor, "factors").read()


def in_clear(pages: Pages, **secrets: str) -> None:
    """The file as an earlier release left it."""
    known = stored(file_of(pages))
    for who, secret in secrets.items():
        factor = msgspec.structs.replace(known[who].factor, secret=secret)
        known[who] = msgspec.structs.replace(known[who], factor=factor)
    file_of(pages).write_bytes(msgspec.json.encode(known))


def check(pages: Pages) -> tuple[list[str], list[str]]:
    """Faults and gaps of the check that compares second factors with the acts that stored them."""
    door = door_of(pages.database, "lee", data=pages.data)
    (one,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == "sign_ins"])
    return [fault for fault in one.faults if "second factor" in fault], [repr(gap) for gap in one.gaps]


def test_a_copy_of_the_data_folder_without_its_keys_makes_no_code(pages: Pages, tmp_path: Path) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    thief = tmp_path / "thief"
    shutil.copytree(pages.data, thief, ignore=shutil.ignore_patterns("keys"))
    for file in thief.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    later(pages)
    code, copy = code_of(pages, secret), thief / "accounts" / "factors.json"
    for key in (None, AccountKey(KeyFolder(thief / "keys"))):
        with pytest.raises(KeysError):
            Factors(copy, key).use_code("vale", code, pages.clock())
    shutil.copytree(pages.data / "keys", thief / "keys", ignore=shutil.ignore_patterns(MASTER))
    with pytest.raises(KeysError):
        Factors(copy, AccountKey(KeyFolder(thief / "keys"))).all()


def test_the_secret_of_one_person_is_of_no_use_for_another(pages: Pages) -> None:
    _vale, secret, _codes = enrolled(pages, "vale")
    enrolled(pages, "lee")
    known = stored(file_of(pages))
    file_of(pages).write_bytes(msgspec.json.encode({**known, "lee": known["vale"]}))
    later(pages)
    with pytest.raises(KeysError, match="the authenticator app of lee: the encrypted text was altered"):
        second_factor.factors(pages.settings).use_code("lee", code_of(pages, secret), pages.clock())


def test_secrets_of_an_earlier_release_are_encrypted_at_the_start_and_overwritten(pages: Pages) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    in_clear(pages, vale=secret)
    with file_of(pages).open("rb") as before:
        assert secret.encode() in before.read()
        Console(pages.settings, pages.clock)
        before.seek(0)
        assert secret.encode() not in before.read(), "it is off the disk"
    assert is_encrypted(stored(file_of(pages))["vale"].factor.secret)
    assert check(pages) == ([], []), "the act that stored it has its hash"
    later(pages)
    browser = pages.browser("vale")
    browser.send(FACTOR, code=code_of(pages, secret))
    assert admitted(browser)


def test_without_its_key_nobody_signs_in_by_app_which_is_said_and_mended(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _owner, secret, codes = enrolled(pages, "vale")
    key = pages.data / "keys" / ACCOUNT_KEY
    aside = key.rename(tmp_path / "aside")
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    found = apps(CheckContext({}))
    assert (found.state, ACCOUNT_KEY in found.found) == ("wrong", True)
    assert any(ACCOUNT_KEY in gap for gap in check(pages)[1])
    later(pages)
    for code in (code_of(pages, secret), codes[0]):
        browser = pages.browser("vale")
        browser.send(FACTOR, code=code)
        assert MISSING in browser.page
        assert not admitted(browser)
    new = pages.browser("lee")
    assert "Set it up now, lee" in new.page
    aside.rename(key)
    browser = pages.browser("vale")
    browser.send(FACTOR, code=code_of(pages, secret))
    assert admitted(browser)
    found = apps(CheckContext({}))
    assert (found.state, found.found) == ("right", "Secrets of 1 app are encrypted.")


def test_no_other_key_takes_the_place_of_a_lost_one_until_its_secrets_are_reset(pages: Pages) -> None:
    enrolled(pages, "vale")
    (pages.data / "keys" / ACCOUNT_KEY).unlink()
    made = second_factor.factors(pages.settings)
    factor = Factor("JBSWY3DPEHPK3PXP", pages.clock(), ())
    with pytest.raises(KeysError):
        made.put("lee", factor, 1, lambda: None, "")
    accounts.invite(proven(pages, "lee"), "vale", pages.clock(), factor=True)
    made.put("lee", factor, 1, lambda: None, "")
    assert is_encrypted(stored(file_of(pages))["lee"].factor.secret)


def test_a_change_of_the_master_key_leaves_apps_working(pages: Pages, tmp_path: Path) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    keys, new = pages.data / "keys", MasterFile(tmp_path / "new.key")
    new.secret.write_bytes(bytes(range(32)))
    assert rewrap(keys, MasterFile(keys / MASTER), new).done == 1
    later(pages)
    settings = Settings(data=pages.data, master_key_file=new.secret)
    assert second_factor.factors(settings).use_code("vale", code_of(pages, secret), pages.clock())
    with pytest.raises(KeysError):
        second_factor.factors(pages.settings).all()


def test_on_kafka_without_a_folder_of_keys_secrets_stay_in_clear_and_the_doctor_says_so(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    in_clear(pages, vale=secret)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    monkeypatch.setenv("PLATESTREAM_KAFKA", "127.0.0.1:1")
    context = CheckContext({})
    second_factor.protect(context.settings)
    found = apps(context)
    assert (found.state, found.found) == ("soon", "Secrets of 1 app are in clear.")
    assert "PLATESTREAM_KEYS" in found.do
