"""The file that describes the OpenID provider of the console."""

from pathlib import Path

import pytest

from platestream.access.openid import provider
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

TEXT = """
issuer = "https://login.agency.example"
client_id = "platestream"
client_secret_file = "secret"
name = "St. Johns"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    made = tmp_path / "oidc.toml"
    made.write_text(TEXT)
    return made


def test_without_the_setting_there_is_none(tmp_path: Path) -> None:
    assert provider(Settings(data=tmp_path)) is None


def test_the_secret_is_beside_the_file_and_is_not_shown(file: Path) -> None:
    found = provider(Settings(data=file.parent, oidc_file=file))
    assert found
    assert (found.secret, found.claim) == ("hunter2", "preferred_username")
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("https://login", "http://login"), "`issuer` must start with https://"),
        (('name = "St. Johns"', ""), "missing required field `name`"),
        (("client_id", "client"), "client"),
        (("\nname", '\ngroup = "alpr"\nname'), "belong together"),
        (("\nname", '\nscope = "profile"\nname'), "`scope` must hold openid"),
        (('"secret"', "7"), "client_secret_file"),
        (('"St. Johns"', "St. Johns"), "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused_with_its_field(file: Path, change: tuple[str, str], said: str) -> None:
    file.write_text(TEXT.replace(*change))
    with pytest.raises(RefusedError) as error:
        provider(Settings(data=file.parent, oidc_file=file))
    assert said in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_secret_that_others_may_read_is_refused(file: Path) -> None:
    (file.parent / "secret").chmod(0o644)
    with pytest.raises(RefusedError, match="chmod 600"):
        provider(Settings(data=file.parent, oidc_file=file))


def test_a_file_that_is_missing_is_named(file: Path) -> None:
    (file.parent / "secret").unlink()
    with pytest.raises(OSError, match="secret"):
        provider(Settings(data=file.parent, oidc_file=file))
