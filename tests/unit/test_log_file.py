"""The file of the published log: what it may say, and the name and key that come of it."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from platestream.merkle.note import Signer
from platestream.schemas.message import RefusedError
from platestream.settings import Settings
from platestream.transparency_log.config import LogConfig, LogError, config, signer, verifier, witness_signer
from tests.support.published import log_key, witness_key

WITNESS, LOG = witness_key().verifier, log_key("sheriff.example/log").verifier
WHOLE = f"""
origin = "sjpd.example/inquiries"
folder = "web"
[[witnesses]]
key = "{WITNESS}"
url = "https://witness.example/"
[timestamp]
url = "http://stamps.example/tsr"
certificates = "root.pem"
[witness]
name = "sjpd.example/witness"
[[witness.logs]]
key = "{LOG}"
"""


def read(folder: Path, text: str) -> LogConfig:
    file = folder / "log.toml"
    file.write_text(text)
    return config(Settings(data=folder / "data", log_file=file))


def test_a_whole_file_is_read_and_paths_are_from_beside_it(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found.origin == "sjpd.example/inquiries"
    assert found.folder.root == tmp_path / "web"
    assert [one.key for one in found.witnesses] == [WITNESS]
    assert found.stamps is not None
    assert found.stamps.certificates == tmp_path / "root.pem"
    assert (found.witness_name, found.logs) == ("sjpd.example/witness", (LOG,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("origin = ", "log.toml: "),
        ('orign = "a"', "orign"),
        ('origin = "with space"', "origin"),
        ('origin = "a+b"', "origin"),
        (WHOLE.replace("https://witness.example/", "ftp://witness.example/"), "ftp://witness.example/"),
        (WHOLE.replace("http://stamps.example/tsr", "https://"), "no address"),
        (WHOLE.replace("http://stamps.example/tsr", "http://[::1"), "no address"),
        (WHOLE.replace(f"{WITNESS}", f"{WITNESS}"[:-3]), "verifier key"),
        (WHOLE.replace(f'"{WITNESS}"', f'"{LOG}"'), "no key of a witness"),
        (WHOLE.replace(f'"{LOG}"', f'"{WITNESS}"'), "no key of a log"),
        (WHOLE + f'[[witnesses]]\nkey = "{WITNESS}"\nurl = "https://b.example"', "one name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RefusedError) as error:
        read(tmp_path, text)
    assert said in str(error.value)


def test_a_name_is_made_up_once_and_a_key_is_never_shown_or_written_over(tmp_path: Path) -> None:
    found = config(Settings(data=tmp_path))
    with pytest.raises(LogError, match="no log is published here yet"):
        verifier(found)
    first = signer(found, "St. Johns Police Department")
    assert first.name.startswith("st-johns-police-department/inquiries/")
    assert signer(found, "Another Department") == first, "the first name stays"
    assert verifier(found) == first.verifier
    file = tmp_path / "inquiry-log" / "key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Signer.parse(file.read_text().strip()) == first
    with pytest.raises(FileExistsError):
        found.state.store_secret("other")
    with pytest.raises(LogError, match="was begun as st-johns") as error:
        signer(replace(found, origin="sjpd.example/inquiries"), "")
    assert first.secret() not in str(error.value)
    file.write_text("PRIVATE+KEY+x")
    with pytest.raises(LogError) as error:
        verifier(found)
    assert "PRIVATE" not in str(error.value)


def test_a_witness_keeps_its_name(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    key = witness_signer(found)
    assert witness_signer(found) == key
    with pytest.raises(LogError, match="keeps its name"):
        witness_signer(replace(found, witness_name="other.example"))
    with pytest.raises(LogError, match=r"no \[witness\]"):
        witness_signer(replace(found, witness_name=""))
