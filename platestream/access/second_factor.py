"""A second factor beside the password: set up, replaced and used by its person only (CJIS IA-2).

Nobody else learns its secret or its codes, which are shown once. Each change, and each use of a recovery
code, is an act in the inquiry log that holds the SHA-256 of the stored factor. An administrator can only
remove it together with a reset of the password (`platestream.access.accounts.invite`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from platestream.access.door import Door
from platestream.access.effects import effect_of_stored
from platestream.access.enrollments import Event, What, enrollments, hashed
from platestream.access.factor_file import (
    SET_UP_DRIFT,
    Factor,
    FactorError,
    Factors,
    StoredFactor,
    is_app_code,
    new_recovery_codes,
    new_secret,
    step_of,
)
from platestream.access.passkey_file import passkeys
from platestream.keys.account_key import AccountKey
from platestream.keys.key_folder import KeyFolder
from platestream.keys.master import KeysError
from platestream.runtime.private_file import PrivateFileError
from platestream.schemas.message import RefusedError
from platestream.settings import ACCOUNTS, Settings, open_keys

logger = logging.getLogger(__name__)

FILE = "factors.json"
CODES_FILE = "recovery_codes.json"
ACT = "account_factor"


def factors(settings: Settings) -> Factors:
    """Return the second factors of the data folder."""
    keys = open_keys(settings)
    return Factors(settings.data / ACCOUNTS / FILE, AccountKey(keys) if isinstance(keys, KeyFolder) else None)


def passkey_codes(settings: Settings) -> Factors:
    """Return the recovery codes of people who have passkeys and no app. The secret is shown to nobody, and
    opens nothing.
    """
    return Factors(settings.data / ACCOUNTS / CODES_FILE, None)


def has_recovery_codes(settings: Settings, who: str) -> bool:
    """Return whether a person has recovery codes, used ones included."""
    return any(one.version(who) for one in (factors(settings), passkey_codes(settings)))


def protect(settings: Settings) -> None:
    """Encrypt the apps' secrets that an earlier release stored in clear; a failure is logged."""
    try:
        factors(settings).protect()
    except (OSError, PrivateFileError) as error:
        logger.error("secrets of authenticator apps are not encrypted: %s", error)


@contextmanager
def _having_keys() -> Iterator[None]:
    """Log that the keys are missing, and raise RefusedError that says what works without them."""
    try:
        yield
    except KeysError as error:
        logger.error("codes of authenticator apps cannot be checked: %s", error)
        raise RefusedError(
            "factor",
            "codes of apps and recovery codes cannot be checked, because a key of this installation is "
            "missing; use a passkey, and report this to the ALPR administrator",
        ) from None


def about_codes(who: str) -> str:
    """Return the subject of acts about the recovery codes of a person without an app."""
    return f"codes/{who}"[:64]


def about(who: str) -> str:
    """Return the subject of acts about a person's second factor."""
    return f"factor/{who}"[:64]


def set_up(door: Door, secret: str, code: str, before: str, now: datetime, place: str) -> tuple[str, ...]:
    """Set the app with `secret` as the second factor of the person of `door`, who proves it by its `code`.

    `before` is the version of the factor that it replaces, empty for none. Return the recovery codes, which
    cannot be shown again. Raises FactorError for a wrong code, or if another factor was set up in the
    meantime, RefusedError where the keys are missing, and RefusedInquiry where the gate refuses the person.
    """
    step = step_of(secret, code, now, SET_UP_DRIFT)
    if not step:
        raise FactorError("the code is wrong")
    texts = new_recovery_codes()
    made = Factor(secret, now, tuple(hashed(one) for one in texts))
    replaces = "in place of another, " if before else ""
    change = f"an authenticator app, {replaces}and {len(texts)} recovery codes, set up {place}"
    with _having_keys():
        _put(door, factors(door.settings), about(door.who), made, step, change, before)
    passkey_codes(door.settings).end(door.who)
    _note(door, now, place, "factor")
    return texts


def renew_codes(door: Door, now: datetime, place: str) -> tuple[str, ...]:
    """Make other recovery codes for the person of `door`; return them.

    Raises FactorError without an app and a passkey, RefusedError where the keys are missing, and
    RefusedInquiry.
    """
    stored, subject = factors(door.settings), about(door.who)
    with _having_keys():
        known = stored.of(door.who)
    if known is None:
        if not passkeys(door.settings).of(door.who):
            raise FactorError("there is no authenticator app and no passkey")
        stored, subject = passkey_codes(door.settings), about_codes(door.who)
    texts, secret = new_recovery_codes(), known.factor.secret if known else new_secret()
    made = Factor(secret, known.factor.made_at if known else now, tuple(hashed(one) for one in texts))
    change = f"{len(texts)} other recovery codes, made {place}"
    _put(door, stored, subject, made, known.step if known else 0, change, stored.version(door.who))
    _note(door, now, place, "factor")
    return texts


def prove(door: Door, code: str, now: datetime, place: str) -> None:
    """Check a code of the app of the person of `door`, or one of their recovery codes; each is valid once.

    The use of a recovery code is logged. Raises FactorError, RefusedError where the keys are missing, and
    RefusedInquiry where the gate refuses that.
    """
    with _having_keys():
        _prove(door, code, now, place)


def _prove(door: Door, code: str, now: datetime, place: str) -> None:
    stored = factors(door.settings)
    if is_app_code(code):
        if not stored.use_code(door.who, code, now):
            raise FactorError("the code is wrong, or was used before")
        return

    if not stored.version(door.who):
        stored, subject = passkey_codes(door.settings), about_codes(door.who)
    else:
        subject = about(door.who)

    def act(left: StoredFactor) -> None:
        change = f"a recovery code was used {place}; {left.left} left"
        door.enter(ACT, subject, change=change, effect=effect_of_stored(subject, left.factor))

    if not stored.use_recovery_code(door.who, code, act):
        raise FactorError("the code is wrong, or was used before")
    _note(door, now, place, "recovery")


def remove(door: Door, who: str) -> bool:
    """Remove the app and the passkeys of `who`, by an administrator. Return whether there was one. Raises
    RefusedInquiry.
    """
    keys = [one.passkey for one in passkeys(door.settings).of(who)]
    if keys:
        door.enter_several("registry_account", [(one.about, f"no passkey of {who} any more") for one in keys])
        passkeys(door.settings).end(who)
    passkey_codes(door.settings).end(who)
    if not factors(door.settings).version(who):
        return bool(keys)
    door.enter("registry_account", about(who), change="no second factor any more")
    return factors(door.settings).end(who)


def _put(
    door: Door, stored: Factors, subject: str, made: Factor, step: int, change: str, before: str
) -> None:
    effect = effect_of_stored(subject, made)
    stored.put(door.who, made, step, lambda: door.enter(ACT, subject, change=change, effect=effect), before)


def _note(door: Door, now: datetime, place: str, what: What) -> None:
    enrollments(door.settings).note(door.who, Event(now, what, door.who, place))
