"""Recipients are read from files as age has them, and no private key is taken or shown."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platestream.keys.recipients import (
    RecipientError,
    new_identity,
    parse_recipient,
    read_identities,
    read_recipients,
)
from tests.support.age_keys import NEEDS_AGE, key_pair, run, ssh_key_pair

NOW = datetime(2026, 11, 29, 7, tzinfo=UTC)


def test_a_file_of_recipients_has_comments_and_each_key_counts_once(tmp_path: Path) -> None:
    one, other = key_pair(tmp_path / "one"), ssh_key_pair(tmp_path / "other")
    file = tmp_path / "recipients.txt"
    lines = [
        "# the Chief's safe",
        one.recipient.text,
        "",
        f"  {other.recipient.text} lee@station",
        one.recipient.text,
    ]
    file.write_text("\r\n".join(lines))
    assert [each.text for each in read_recipients(file)] == [one.recipient.text, other.recipient.text]


@pytest.mark.parametrize(
    "line", ["age1abc", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E", "two words", "{age} x"]
)
def test_a_line_that_is_no_key_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    text = key_pair(tmp_path / "one").recipient.text
    file = tmp_path / "recipients.txt"
    file.write_text(f"# ours\n{text}\n{line.replace('{age}', text)}\n")
    with pytest.raises(RecipientError, match=r"recipients\.txt, line 3: this is no public key"):
        read_recipients(file)


def test_a_private_key_among_recipients_is_refused_and_not_shown(tmp_path: Path) -> None:
    secret = key_pair(tmp_path / "one").file.read_text().splitlines()[-1]
    for line in (secret, secret.lower(), "-----BEGIN OPENSSH PRIVATE KEY-----"):
        file = tmp_path / "recipients.txt"
        file.write_text(f"{line}\n")
        with pytest.raises(RecipientError, match="private key") as raised:
            read_recipients(file)
        assert secret[20:] not in str(raised.value)


def test_a_file_without_recipients_is_no_way_to_a_backup_in_clear(tmp_path: Path) -> None:
    file = tmp_path / "recipients.txt"
    file.write_text("# nobody yet\n\n")
    with pytest.raises(RecipientError, match="no recipient is in it"):
        read_recipients(file)


def test_a_new_identity_is_its_owners_and_never_replaces_another(tmp_path: Path) -> None:
    file = tmp_path / "identity.txt"
    recipient = new_identity(file, NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"# public key: {recipient}" in file.read_text()
    with pytest.raises(FileExistsError):
        new_identity(file, NOW)
    (identity,) = read_identities(file)
    assert str(identity.to_public()) == recipient


def test_identities_that_cannot_be_used_are_refused_without_their_content(tmp_path: Path) -> None:
    locked = ssh_key_pair(tmp_path / "locked", "a passphrase").file
    broken = tmp_path / "broken"
    broken.write_text("AGE-SECRET-KEY-1QQQQ\n")
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    sealed = tmp_path / "sealed"
    sealed.write_text("age-encryption.org/v1\n-> scrypt")
    for file, fault in (
        (locked, "passphrase"),
        (broken, "no identity"),
        (empty, "no identity"),
        (sealed, "age --decrypt"),
    ):
        with pytest.raises(RecipientError, match=fault) as raised:
            read_identities(file)
        assert "QQQQ" not in str(raised.value)


@NEEDS_AGE
def test_keys_of_age_are_read_and_ours_are_read_by_age(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    run("age-keygen", "-o", str(theirs))
    recipient = run("age-keygen", "-y", str(theirs)).strip()
    assert parse_recipient(recipient).text == recipient
    assert str(read_identities(theirs)[0].to_public()) == recipient
    ours = key_pair(tmp_path / "ours")
    assert run("age-keygen", "-y", str(ours.file)).strip() == ours.recipient.text
