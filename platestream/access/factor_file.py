"""Second factors of people in one file that only its owner can read: authenticator apps and recovery codes.

An authenticator app has a secret of its own for each person, from which it and the console derive a code of
six digits for each half minute (TOTP, RFC 6238). It is encrypted where there is a folder of keys. A recovery
code stands in for a lost app, once.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import pyotp
from pyotp.utils import strings_equal

from platestream.access.enrollments import hashed
from platestream.keys.account_key import AccountKey, is_encrypted
from platestream.keys.key_folder import NAMELESS, overwrite
from platestream.keys.master import KeysError
from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant

APP = "authenticator app"
STEP_S = 30
DRIFT = 1
"""Steps by which the clock of a phone may be off, in each direction."""
SET_UP_DRIFT = 10
"""The same while an app is set up, whose form may wait for the factor that it replaces."""
CODES = 10
"""Recovery codes that a person gets at a time."""


class FactorError(ValueError):
    """A code that is wrong, or was used before; the message does not say which."""


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's second factor: the secret of the app (Base32), and the SHA-256 of the recovery codes."""

    secret: str
    made_at: Instant
    codes: tuple[str, ...]


class StoredFactor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second factor with its uses: the newest step of an accepted code, and the used recovery codes."""

    factor: Factor
    step: int = 0
    used: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """The number of recovery codes that were not used."""
        return len(set(self.factor.codes) - set(self.used))


class Factors:
    """The file at `path`, by person, whose secrets are encrypted by `key`; None: in clear.

    Each method raises PrivateFileError for a damaged file, and OSError. Without the key, KeysError: methods
    that need no secret work.
    """

    def __init__(self, path: Path, key: AccountKey | None) -> None:
        self._path, self._key = path, key
        self._file = PrivateFile(path, StoredFactor, "second factors")

    def all(self) -> dict[str, StoredFactor]:
        """Return the second factors by person."""
        return {who: self._opened(who, one) for who, one in self._file.read().items()}

    def of(self, who: str) -> StoredFactor | None:
        """Return a person's second factor, if any."""
        found = self._file.read().get(who)
        return self._opened(who, found) if found is not None else None

    def stored(self, who: str) -> StoredFactor | None:
        """Return a person's second factor as stored, its secret encrypted; no key is needed."""
        return self._file.read().get(who)

    def version(self, who: str) -> str:
        """Return a text that changes with each new app, and is empty without one.

        The file is read each time, so that changes of other processes apply at once.
        """
        return _version(self._file.read().get(who))

    def in_clear(self) -> int:
        """Return the number of secrets that are not encrypted."""
        return sum(not is_encrypted(one.factor.secret) for one in self._file.read().values())

    def protect(self) -> None:
        """Encrypt secrets that an earlier release stored in clear, and overwrite the file that had them."""
        if self._key is None or not self.in_clear():
            return
        with self._path.open("r+b") as before:
            with self._file.writing() as stored:
                same = os.path.samestat(os.fstat(before.fileno()), self._path.stat())
                for who, one in list(stored.items()):
                    stored[who] = self._sealed(who, one, stored)
            if same:  # else another process has replaced it
                overwrite(before)

    def _opened(self, who: str, found: StoredFactor) -> StoredFactor:
        secret = found.factor.secret
        if not is_encrypted(secret):
            return found
        if self._key is None:
            raise KeysError(f"{_purpose(who)} {NAMELESS}")
        return _with_secret(found, self._key.open(_purpose(who), secret))

    def _sealed(self, who: str, made: StoredFactor, stored: Mapping[str, StoredFactor]) -> StoredFactor:
        """Return a factor as stored. A key that is missing beside secrets that it encrypted is not
        replaced by another one.
        """
        secret = made.factor.secret
        if self._key is None or is_encrypted(secret):
            return made
        may_make = not any(is_encrypted(one.factor.secret) for one in stored.values())
        return _with_secret(made, self._key.seal(_purpose(who), secret, may_make=may_make))

    def put(self, who: str, factor: Factor, step: int, act: Callable[[], object], before: str) -> None:
        """Set a person's second factor; `step` is that of the code that proved the app.

        `act` is called before it is stored; if that raises, nothing is stored. Raises FactorError unless the
        factor that it replaces has the version `before` (empty: there is none).
        """
        with self._file.writing() as stored:
            if _version(stored.get(who)) != before:
                raise FactorError("another second factor was set up in the meantime")
            made = self._sealed(who, StoredFactor(factor, step), stored)
            act()
            stored[who] = made

    def end(self, who: str) -> bool:
        """Remove a person's second factor. Return whether there was one."""
        if not self.version(who):
            return False
        with self._file.writing() as stored:
            return stored.pop(who, None) is not None

    def use_code(self, who: str, code: str, now: datetime) -> bool:
        """Return whether this is the app's code at `now`. A code is accepted once, and none before it."""
        found = self.of(who)
        if found is None or step_of(found.factor.secret, code, now) <= found.step:
            return False
        with self._file.writing() as stored:
            found = stored.get(who)
            step = step_of(self._opened(who, found).factor.secret, code, now) if found else 0
            if found is None or step <= found.step:
                return False
            stored[who] = msgspec.structs.replace(found, step=step)
            return True

    def use_recovery_code(
        self, who: str, text: str, act: Callable[[StoredFactor], object] = lambda _left: None
    ) -> bool:
        """Return whether this is one of the person's recovery codes, which is valid once.

        `act` is called with the remaining state before that is stored; if it raises, the code stays valid.
        """
        code, found = hashed(text), self.of(who)
        if found is None or code not in found.factor.codes or code in found.used:
            return False
        with self._file.writing() as stored:
            found = stored.get(who)
            if found is None or code not in found.factor.codes or code in found.used:
                return False
            left = msgspec.structs.replace(found, used=(*found.used, code))
            act(self._opened(who, left))
            stored[who] = left
            return True


def _version(stored: StoredFactor | None) -> str:
    return hashlib.sha256(stored.factor.secret.encode()).hexdigest() if stored else ""


def _purpose(who: str) -> str:
    return f"the authenticator app of {who}"


def _with_secret(stored: StoredFactor, secret: str) -> StoredFactor:
    return msgspec.structs.replace(stored, factor=msgspec.structs.replace(stored.factor, secret=secret))


def new_secret() -> str:
    """Return a random secret of 160 bits for an authenticator app."""
    return pyotp.random_base32()


def new_recovery_codes() -> tuple[str, ...]:
    """Return recovery codes of 80 random bits each, as hex digits in groups."""
    made = (secrets.token_hex(10) for _code in range(CODES))
    return tuple("-".join(one[start : start + 4] for start in range(0, 20, 4)) for one in made)


def step_of(secret: str, code: str, now: datetime, drift: int = DRIFT) -> int:
    """Return the step of an app's code that is valid at `now`, or up to `drift` steps before or after; 0 for
    any other text.
    """
    digits = "".join(code.split())
    app, current = pyotp.TOTP(secret, interval=STEP_S), int(now.timestamp()) // STEP_S
    steps = range(current - drift, current + drift + 1)
    right = [one for one in steps if strings_equal(app.generate_otp(one), digits)]
    return max(right, default=0)


def is_app_code(text: str) -> bool:
    """Return whether a text has the form of an app's code, and not of a recovery code."""
    digits = "".join(text.split())
    return len(digits) == 6 and digits.isascii() and digits.isdigit()


def kind_of(code: str) -> str:
    """Return the kind of factor that a code is, in words."""
    return APP if is_app_code(code) else "recovery code"
