import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from platestream.access.password_file import PasswordError, Passwords
from platestream.runtime.private_file import PrivateFileError
from tests.support.console import QUICK

GOOD = "correct horse battery"


@pytest.fixture
def kept(tmp_path: Path) -> Passwords:
    return Passwords(tmp_path / "accounts" / "console.json", QUICK)


def test_a_password_is_right_for_its_person_alone(kept: Passwords) -> None:
    kept.put("vale", GOOD)
    kept.put("maier", GOOD[::-1])
    assert kept.proven("vale", GOOD)
    assert not kept.proven("maier", GOOD)
    assert not kept.proven("nobody", GOOD)
    assert not kept.proven("vale", "")
    assert kept.end("vale")
    assert not kept.proven("vale", GOOD)
    assert not kept.end("vale")
    assert kept.names() == ["maier"]


def test_the_file_is_its_owners_and_holds_no_password(kept: Passwords, tmp_path: Path) -> None:
    kept.put("vale", GOOD)
    file = tmp_path / "accounts" / "console.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert GOOD not in file.read_text()
    assert "$argon2id$" in file.read_text()


def test_a_short_password_is_none_and_a_damaged_file_says_so_and_stays(
    kept: Passwords, tmp_path: Path
) -> None:
    with pytest.raises(PasswordError, match="12 characters"):
        kept.put("vale", "short")
    kept.put("vale", GOOD)
    file = tmp_path / "accounts" / "console.json"
    file.write_text('{"vale": ')
    with pytest.raises(PrivateFileError, match="not a file of passwords"):
        kept.put("maier", GOOD)
    assert file.read_text() == '{"vale": '
    file.write_text('{"vale": "no hash"}')
    assert not kept.proven("vale", GOOD)


def test_several_that_write_at_once_lose_nothing(kept: Passwords) -> None:
    names = [f"officer-{number:02}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda who: kept.put(who, GOOD), names))
    assert kept.names() == names
