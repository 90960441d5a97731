"""Key of the accounts, which encrypts the secrets of authenticator apps.

It is a file of the folder of keys, wrapped by the master key, and in no backup, as accounts are not.
"""

import base64
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag

from platestream.keys.envelope import KEY_BYTES, cipher_of, fingerprint
from platestream.keys.key_folder import ACCOUNT_KEY, KeyFolder
from platestream.keys.master import KeysError, link_new

BEGINS = "encrypted:"
_NAMED = 8
_NONCE = 12


def is_encrypted(text: str) -> bool:
    """Return whether a text is one that `seal` made."""
    return text.startswith(BEGINS)


class AccountKey:
    """The key of the accounts in the folder of `keys`, read at each use: a change of the master key counts at
    once. The same text is encrypted to the same text.
    """

    def __init__(self, keys: KeyFolder) -> None:
        self._keys = keys

    @property
    def path(self) -> Path:
        """The file of the key."""
        return self._keys.folder / ACCOUNT_KEY

    def seal(self, purpose: str, text: str, *, may_make: bool) -> str:
        """Return a text encrypted for a purpose. The key is made if it is missing and `may_make` allows that.
        Raises KeysError.
        """
        if may_make and not self.path.exists():
            link_new(self.path, self._keys.wrap(secrets.token_bytes(KEY_BYTES)))
        key = self._read()
        cipher, nonces = cipher_of(key, purpose)
        nonce = hmac.digest(nonces, text.encode(), "sha256")[:_NONCE]
        sealed = _named(key) + nonce + cipher.encrypt(nonce, text.encode(), None)
        return BEGINS + base64.b64encode(sealed).decode()

    def open(self, purpose: str, sealed: str) -> str:
        """Return the text that `seal` was given with this purpose. Raises KeysError."""
        key = self._read()
        try:
            raw = base64.b64decode(sealed.removeprefix(BEGINS), validate=True)
            if raw[:_NAMED] != _named(key):
                raise KeysError(f"{self.path} is another key than the one that encrypted {purpose}")
            cipher, _nonces = cipher_of(key, purpose)
            nonce, content = raw[_NAMED : _NAMED + _NONCE], raw[_NAMED + _NONCE :]
            return cipher.decrypt(nonce, content, None).decode()
        except (InvalidTag, ValueError):
            raise KeysError(f"{purpose}: the encrypted text was altered") from None

    def _read(self) -> bytes:
        try:
            wrapped = self.path.read_bytes()
        except OSError as error:
            raise KeysError(f"the key of the accounts, {self.path}: {error.strerror}") from None
        return self._keys.unwrap(wrapped, self.path)


def _named(key: bytes) -> bytes:
    return bytes.fromhex(fingerprint(key))[:_NAMED]
