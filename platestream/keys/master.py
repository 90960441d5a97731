"""Master key, which wraps all other keys: 32 bytes in a file, or a key that never leaves a PKCS#11 token."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from platestream.keys.envelope import KEY_BYTES
from platestream.runtime.private_file import synchronize, write_file


class KeysError(OSError):
    """The folder or the master key cannot be used, or a key is missing; no secret is in the text."""


class WrongMasterError(ValueError):
    """A key that is damaged, or that another master key wrapped."""


class Master(Protocol):
    """A master key. `secret` is the file that only its owner may read: the key, or the PIN of its token."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def secret(self) -> Path: ...

    def wrap(self, key: bytes) -> bytes:
        """Return `key` encrypted. Raises KeysError."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return a key that `wrap` was given. Raises WrongMasterError and KeysError."""


class MasterFile:
    """Master key in the file `secret`, by AES key wrap (RFC 5649).

    It is made at its first use if it is missing and `may_make` allows that.
    """

    def __init__(self, secret: Path, may_make: Callable[[], bool] = lambda: False) -> None:
        self.secret, self._may_make = secret, may_make
        self._key: bytes | None = None

    @property
    def name(self) -> str:
        return str(self.secret)

    def wrap(self, key: bytes) -> bytes:
        return aes_key_wrap_with_padding(self._read(), key)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap_with_padding(self._read(), wrapped)
        except (InvalidUnwrap, ValueError):
            raise WrongMasterError(f"not wrapped by {self.name}") from None

    def _read(self) -> bytes:
        if self._key is None:
            if not self.secret.exists() and self._may_make():
                link_new(self.secret, secrets.token_bytes(KEY_BYTES))
            try:
                found = self.secret.read_bytes()
            except OSError as error:
                raise KeysError(f"the master key {self.name}: {error.strerror}") from error
            if len(found) != KEY_BYTES:
                raise KeysError(f"the master key {self.name} is not {KEY_BYTES} bytes long")
            self._key = found
        return self._key


def link_new(path: Path, content: bytes) -> None:
    """Create a file with this content, on the disk on return; an existing one stays. Raises KeysError."""
    making = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(making, content)
        with suppress(FileExistsError):
            os.link(making, path)
        making.unlink()
        synchronize(path.parent)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise KeysError(f"{path}: {error.strerror}") from error
