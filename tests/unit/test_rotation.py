"""New passwords of jobs: a run that is killed leaves valid ones, and the next run ends all others."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platestream.edges.clickhouse_client import DatabaseError, Dsn
from platestream.edges.dsn import current, is_from_file, read_dsn, with_password
from platestream.engine.accounts import KnownNames
from platestream.engine.configuration import known_roles, profiles
from platestream.engine.users import Users
from platestream.operations import rotation
from platestream.operations.rotation import JobAccount
from platestream.operations.up import accounts
from platestream.schemas.message import RefusedError
from platestream.settings import ACCOUNTS, Settings, job_account

ROLES = (Path(__file__).parents[2] / "clickhouse" / "roles.xml").read_text()


class Rotation:
    """The accounts of a data folder, the engine's view of them, and every password that there was."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        accounts.make(data, 8123)
        self.door: Any = type("", (), {"settings": Settings(data=data)})
        self.file = job_account(data / ACCOUNTS, "flows")
        known = KnownNames(known_roles(ROLES), frozenset(profiles(ROLES)))
        self.users = Users(list(accounts.users_files(data)), known)
        self.passwords = [self.password]
        made = secrets.token_urlsafe

        def noted(size: int) -> str:
            self.passwords.append(made(size))
            return self.passwords[-1]

        monkeypatch.setattr(secrets, "token_urlsafe", noted)

    @property
    def password(self) -> str:
        return Dsn.parse(self.file.read_text().strip()).password

    def run(self) -> None:
        rotation._rotate_here(self.door, JobAccount("flows", self.file))

    def accepted(self) -> list[str]:
        known = self.users()
        return [one for one in self.passwords if known.sign_in("platestream_flows", one, "127.0.0.1")]


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rotation:
    monkeypatch.setattr(rotation, "_prove", lambda _door, _dsn: None)
    return Rotation(tmp_path, monkeypatch)


def after(calls: int, function: Callable[..., None]) -> Callable[..., None]:
    """The function, which kills its process at the call after so many."""
    left = [calls]

    def killed(*arguments: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        function(*arguments)

    return killed


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        (accounts, "write_users", 0),
        (rotation, "_prove", 0),
        (rotation, "write_file", 0),
        (accounts, "write_users", 1),
    ],
)
def test_a_run_that_is_killed_is_mended_by_the_next(
    flows: Rotation, module: Any, name: str, calls: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, name, after(calls, getattr(module, name)))
        with pytest.raises(KeyboardInterrupt):
            flows.run()
    assert flows.password in flows.accepted()
    flows.run()
    assert flows.accepted() == [flows.password]
    assert len(set(flows.passwords)) == 3


def test_nothing_changes_where_an_engine_reads_no_new_passwords(
    flows: Rotation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise DatabaseError("connecting", 516, passing=False)

    before = flows.password
    monkeypatch.setattr(rotation, "_prove", refused)
    with pytest.raises(RefusedError, match="start it again"):
        flows.run()
    assert (flows.password, flows.accepted()) == (before, [before])


def test_a_start_leaves_passwords_as_they_are(flows: Rotation, tmp_path: Path) -> None:
    flows.run()
    before = flows.file.stat().st_mtime_ns
    accounts.make(tmp_path, 8123)
    assert flows.accepted() == [flows.password]
    assert flows.file.stat().st_mtime_ns == before, "the age of a password is that of its file"


def test_only_a_password_that_came_from_a_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "clickhouse_flows"
    file.write_text("http://flows:one@127.0.0.1:8123/platestream\n")
    dsn = Dsn.parse(read_dsn(file))
    file.write_text(with_password(file.read_text().strip(), "two/@") + "\n")
    assert current(dsn).password == "two/@"
    file.write_text(with_password(file.read_text().strip(), "three"))
    assert current(current(dsn)).password == "three"
    other = Dsn.parse("http://flows:other@127.0.0.1:8123/platestream")
    assert (current(other), is_from_file(other)) == (other, False)
    file.unlink()
    assert current(dsn) == dsn
