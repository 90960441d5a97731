"""Identities of age and OpenSSH for tests, and Debian's own `age`."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from platestream.keys.recipients import Identity, Recipient, new_identity, parse_recipient, read_identities

NEEDS_AGE = pytest.mark.skipif(shutil.which("age") is None and "CI" not in os.environ, reason="no age here")


class KeyPair(NamedTuple):
    """A private key in a file, and its public key."""

    file: Path
    recipient: Recipient

    @property
    def identities(self) -> tuple[Identity, ...]:
        return read_identities(self.file)


def key_pair(file: Path) -> KeyPair:
    return KeyPair(file, parse_recipient(new_identity(file, datetime(2026, 11, 29, tzinfo=UTC))))


def ssh_key_pair(file: Path, passphrase: str = "") -> KeyPair:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(file), "-C", "lee@station")
    return KeyPair(file, parse_recipient(file.with_name(f"{file.name}.pub").read_text().strip()))


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program to its end; return its output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
