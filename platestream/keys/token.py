"""Master key inside a PKCS#11 token: a hardware security module, a smart card, or SoftHSM.

The token encrypts and decrypts the other keys (AES-GCM, which NIST SP 800-38F allows for wrapping keys), so
the master key is in no memory of ours. A wrapped key is MAGIC, a nonce of 12 bytes, ciphertext, and a tag.
"""

import os
import secrets
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from platestream.keys.master import KeysError, WrongMasterError

MAGIC = b"PST1"
SCHEME = "pkcs11:"
_NONCE = 12
_EXAMPLE = "pkcs11:token=LABEL;object=LABEL?module-path=/LIBRARY.so&pin-source=file:/FILE"


class TokenUri(NamedTuple):
    """Place of the key: labels of token and key, the token's PKCS#11 library, and the file with the PIN."""

    token: str
    key: str
    module: Path
    pin: Path


def parse(uri: str) -> TokenUri:
    """Return the place that a URI (RFC 7512) names. Raises ValueError, which shows nothing of the URI."""
    path, _mark, query = uri.removeprefix(SCHEME).partition("?")
    given = [one.partition("=") for one in [*path.split(";"), *query.split("&")]]
    parts = {name: unquote(value) for name, _sign, value in given}
    if set(parts) != {"token", "object", "module-path", "pin-source"} or not all(parts.values()):
        raise ValueError(f"it must have the form {_EXAMPLE}")
    pin = parts["pin-source"].removeprefix("file:").replace("///", "/", 1)
    return TokenUri(parts["token"], parts["object"], Path(parts["module-path"]), Path(pin))


@cache
def token_at(at: TokenUri) -> "MasterToken":
    """Return the one `MasterToken` of a place: a process signs in to a token once."""
    return MasterToken(at)


class MasterToken:
    """Master key in a token. Thread-safe; a process that was forked signs in by itself.

    A wrong PIN is tried once by a process, because tokens lock themselves after a few attempts.
    """

    def __init__(self, at: TokenUri) -> None:
        self._at = at
        self._key: Any = None
        self._refused: KeysError | None = None
        self._forked, self._lock = False, threading.Lock()
        os.register_at_fork(after_in_child=self._start_anew)

    @property
    def name(self) -> str:
        return f"the key {self._at.key} of the token {self._at.token}"

    @property
    def secret(self) -> Path:
        return self._at.pin

    def wrap(self, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return MAGIC + nonce + self._do(lambda master: master.encrypt(key, **_gcm(nonce)))

    def unwrap(self, wrapped: bytes) -> bytes:
        if not wrapped.startswith(MAGIC):
            raise WrongMasterError(f"not wrapped by {self.name}")
        nonce, text = wrapped[len(MAGIC) :][:_NONCE], wrapped[len(MAGIC) + _NONCE :]
        try:
            return self._do(lambda master: master.decrypt(text, **_gcm(nonce)))
        except KeysError:
            self.wrap(bytes(32))  # raises if the reason is the token, which may not say so
            raise WrongMasterError(f"not wrapped by {self.name}") from None

    def _do(self, action: Callable[[Any], bytes]) -> bytes:
        """Run `action` with the key; after an error of the token, sign in and run it once more."""
        with self._lock:
            pkcs11 = _library()
            if self._key is not None:
                try:
                    return action(self._key)
                except pkcs11.PKCS11Error:
                    self._key = None
            try:
                self._key = self._sign_in(pkcs11)
                return action(self._key)
            except pkcs11.PKCS11Error as error:
                self._key = None
                refused = KeysError(f"{self.name}: {type(error).__name__} {error}".rstrip())
                if type(error).__name__.startswith("Pin"):
                    self._refused = refused
                raise refused from None

    def _sign_in(self, pkcs11: Any) -> Any:
        if self._refused is not None:
            raise self._refused
        try:
            pin = self.secret.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", "not text")
            raise KeysError(f"the PIN of the token {self._at.token} in {self.secret}: {why}") from None
        library = pkcs11.lib(str(self._at.module))
        if self._forked:  # else the parent's session, which is of no use here, would count as open
            library.reinitialize()
            self._forked = False
        token = self._find(pkcs11, library)
        try:
            session = token.open(user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:  # by another key of the token
            session = token.open()
        key = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=self._at.key)
        if key[pkcs11.Attribute.EXTRACTABLE]:
            raise KeysError(f"{self.name} can be extracted: make one that never leaves the token")
        return key

    def _find(self, pkcs11: Any, library: Any) -> Any:
        """Return the token by its label. Others may be broken."""
        for slot in library.get_slots(token_present=True):
            try:
                token = slot.get_token()
            except pkcs11.PKCS11Error:
                continue
            if token.label == self._at.token:
                return token
        raise KeysError(f"{self._at.module} has no token {self._at.token}")

    def _start_anew(self) -> None:
        self._key, self._forked, self._lock = None, True, threading.Lock()


def _library() -> Any:
    try:
        import pkcs11
    except ModuleNotFoundError as error:
        raise KeysError(f"a token needs the package {error.name}: install platestream[hsm]") from None
    return pkcs11


def _gcm(nonce: bytes) -> dict[str, Any]:
    pkcs11 = _library()
    return {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": pkcs11.GCMParams(nonce, MAGIC)}
