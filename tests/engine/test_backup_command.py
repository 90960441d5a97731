"""`platestream backup`, `backup-key` and `restore` as people run them: in clear only where asked by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platestream.cli.main import app
from platestream.evidence import package
from platestream.keys.age_file import is_encrypted
from platestream.keys.recipients import RecipientError
from platestream.schemas.message import RefusedError
from tests.support.age_keys import key_pair
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed

Cli = Callable[..., Result]
ACTS = "SELECT outcome, change FROM platestream.inquiry_log WHERE kind = 'backup' ORDER BY at"


@pytest.fixture
def cli(database: Database, monkeypatch: pytest.MonkeyPatch) -> Cli:
    staffed(database, person("lee", "administrator"))
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))
    monkeypatch.delenv("PLATESTREAM_BACKUP_RECIPIENTS", raising=False)
    monkeypatch.delenv("PLATESTREAM_EVIDENCE_KEY_FILE", raising=False)
    signed_in_as(monkeypatch, "lee")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_without_recipients_there_is_no_backup_and_the_attempt_is_logged(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    done = cli("backup", tmp_path / "kept.zip")
    assert isinstance(done.exception, RefusedError)
    for way in ("platestream backup-key", "--recipients", "PLATESTREAM_BACKUP_RECIPIENTS", "--plain"):
        assert way in str(done.exception)
    empty = tmp_path / "recipients.txt"
    empty.write_text("# nobody\n")
    assert isinstance(cli("backup", tmp_path / "kept.zip", "--recipients", empty).exception, RecipientError)
    assert not (tmp_path / "kept.zip").exists()
    assert [outcome for outcome, _change in database.rows(ACTS)] == ["refused", "refused"]


def test_from_a_key_to_a_backup_that_only_its_owner_opens(
    cli: Cli, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, recipients, file = tmp_path / "identity.txt", tmp_path / "recipients.txt", tmp_path / "kept.zip.age"
    made = cli("backup-key", key)
    assert made.exit_code == 0
    assert isinstance(cli("backup-key", key).exception, FileExistsError), "no key is ever replaced"
    recipients.write_text(f"# the Chief's safe\n{made.stdout}")
    monkeypatch.setenv("PLATESTREAM_BACKUP_RECIPIENTS", str(recipients))
    done = cli("backup", file)
    assert (done.exit_code, "encrypted to 1 key" in done.stdout) == (0, True), done.output
    assert is_encrypted(file)
    assert file.stat().st_mode & 0o077 == 0
    assert database.rows(ACTS) == [("allowed", f"encrypted to {made.stdout.strip()}")]
    other = key_pair(tmp_path / "other.txt")
    for words, fault in (
        ((), "is encrypted"),
        (("--identity", other.file), "not encrypted to this identity"),
    ):
        refused = cli("restore", file, *words, "--unsigned")
        assert isinstance(refused.exception, RefusedError)
        assert fault in str(refused.exception)
    unproven = cli("restore", file, "--identity", key)
    assert "no key proves who made the backup" in str(unproven.exception)
    full = cli("restore", file, "--identity", key, "--unsigned")
    assert "rows already" in str(full.exception), "it opens, and this system is not empty"


def test_a_backup_is_signed_by_the_evidence_key_which_a_restore_asks_for(
    cli: Cli, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, agency, other = tmp_path / "kept.zip", tmp_path / "agency.pem", tmp_path / "other.pem"
    assert "NOT SIGNED" in cli("backup", tmp_path / "unsigned.zip", "--plain").stdout
    of_agency, of_other = package.new_key(agency), package.new_key(other)
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(agency))
    assert f"signed by {of_agency}" in cli("backup", file, "--plain").stdout
    assert database.rows(ACTS)[-1] == ("allowed", f"in clear, signed by {of_agency}")
    by_settings = cli("restore", tmp_path / "unsigned.zip")
    assert f"it is not signed, and not signed by {of_agency}" in str(by_settings.exception)
    monkeypatch.delenv("PLATESTREAM_EVIDENCE_KEY_FILE")
    spoken = " ".join(of_agency[start : start + 4] for start in range(0, 64, 4)).upper()
    for named in (of_agency, spoken, agency.with_suffix(".pub")):
        full = cli("restore", file, "--signed-by", named)
        assert "rows already" in str(full.exception), "the author is proven, and this system is not empty"
    refused = cli("restore", file, "--signed-by", of_other)
    assert f"it is signed by {of_agency}, and not signed by {of_other}" in str(refused.exception)
    nothing = cli("restore", file, "--signed-by", "agency")
    assert "neither a file with a public key nor a fingerprint" in str(nothing.exception)
    assert cli("restore", file, "--signed-by", of_agency, "--unsigned").exit_code == 2
    agency.write_text("no key")
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(agency))
    assert isinstance(cli("backup", tmp_path / "b.zip", "--plain").exception, RefusedError)
    assert not (tmp_path / "b.zip").exists()


def test_a_backup_in_clear_is_asked_for_by_name_and_logged_as_that(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    done = cli("backup", tmp_path / "kept.zip", "--plain")
    assert (done.exit_code, "NOT ENCRYPTED" in done.stdout) == (0, True), done.output
    assert not is_encrypted(tmp_path / "kept.zip")
    assert database.rows(ACTS) == [("allowed", "in clear")]
    both = cli("backup", tmp_path / "b.zip", "--plain", "--recipients", key_pair(tmp_path / "k").file)
    assert both.exit_code == 2
