"""Passwords for the console, which nobody but their person knows (order, section E.1.e).

The ALPR administrator permits an account by a one-time code, and the person who is given it redeems it with a
password of their own. For somebody who has a password that is a reset. Password, API tokens and
sessions end as the code is made, also sessions that an OpenID provider vouched for. Codes, redemptions and
changes are acts in the inquiry log, and are reported to the person.
"""

import secrets
from datetime import datetime, timedelta
from pathlib import Path

from connectors.enrollments import Code as Code
from connectors.enrollments import CodeError as CodeError
from connectors.enrollments import Enrollments, Event, hashed
from connectors.passwords import SHORTEST as SHORTEST
from connectors.passwords import Passwords
from connectors.settings import ACCOUNTS, Settings
from schemas.message import RefusedError
from services import tokens
from services.door import Door
from services.effects import effect_of_stored

FILE, CODES = "console.json", "enrollments.json"
CODE_LIVES = timedelta(hours=24)
NOTICE_FOR = timedelta(days=14)
"""How long a person is shown at each sign-in that somebody made a code for their account."""


def file(settings: Settings) -> Path:
    """Return where the passwords of the data folder are."""
    return settings.data / ACCOUNTS / FILE


def passwords(settings: Settings) -> Passwords:
    """Return the passwords of the data folder."""
    return Passwords(file(settings))


def enrollments(settings: Settings) -> Enrollments:
    """Return the codes of the data folder, and what happened to each account."""
    return Enrollments(settings.data / ACCOUNTS / CODES)


def invite(door: Door, who: str, now: datetime, place: str = "") -> tuple[str, Code]:
    """Make a one-time code by which `who` sets a password; return its text, which nothing can show again.

    Their password, API tokens and sessions end now. `place` is where this was asked for, in words.
    Raises RefusedError, which is on record, and RefusedInquiry.
    """
    kept = passwords(door.settings)
    with door.on_record("account_code", f"user/{who}"[:64]):
        _named(who)
    text = _text()
    code = Code(hashed(text), door.who, now, now + CODE_LIVES, place)
    reset = who in kept.names()
    change = f"{'a reset: no password any more, and ' if reset else ''}a code until {_utc(code.ends_at)}"
    change = f"{change}, asked for {place}" if place else change
    change += _tokens_end(door, who)
    door.enter("account_code", f"user/{who}", change=change, effect=effect_of_stored(who, code))
    kept.end(who)
    tokens.kept(door.settings).end_all(who)
    enrollments(door.settings).make(who, code, Event(now, "reset" if reset else "code", door.who, place))
    return text, code


def redeem(door: Door, text: str, password: str, now: datetime, place: str) -> None:
    """Redeem the code `text` of the person of `door`, who sets `password`.

    Raises CodeError for a code that is wrong, was redeemed or has ended, RefusedError for a password that is
    too short, and RefusedInquiry where the gate refuses the person; a code that was not used stays.
    """
    _long_enough(password)
    with enrollments(door.settings).redeeming(door.who, text, now, place) as code:
        made = f"the code that {code.made_by} made at {_utc(code.made_at)}"
        asked = f", asked for {code.place}" if code.place else ""
        change = f"{made}{asked}; redeemed {place}"
        _put(door, "account_redeem", password, change)


def change_own(door: Door, current: str, password: str, now: datetime, place: str) -> None:
    """Set a new password of the person of `door`, who knows the current one.

    Raises RefusedError, which is on record, for a wrong one and for a new one that is too short, and
    RefusedInquiry.
    """
    with door.on_record("account_change", f"user/{door.who}"):
        _long_enough(password)
        if not passwords(door.settings).proven(door.who, current):
            raise RefusedError("account", "the current password is wrong; nothing was changed")
    _put(door, "account_change", password, f"a new password, set {place}")
    enrollments(door.settings).note(door.who, Event(now, "changed", door.who, place))


def begin_own(door: Door, password: str, now: datetime, place: str) -> None:
    """Set the password of the person of `door`, who has none or forgot it: an act of the administrator, such
    as the person who starts the first system.

    Raises RefusedError, which is on record, for one that is too short, and RefusedInquiry.
    """
    with door.on_record("account_code", f"user/{door.who}"):
        _long_enough(password)
    reset = door.who in passwords(door.settings).names()
    change = f"their own password without {'the current one' if reset else 'a code'}, set {place}"
    _put(door, "account_code", password, change + _tokens_end(door, door.who))
    enrollments(door.settings).withdraw(door.who)
    tokens.kept(door.settings).end_all(door.who)
    enrollments(door.settings).note(door.who, Event(now, "reset" if reset else "changed", door.who, place))


def end(door: Door, who: str) -> None:
    """Take a password, and a code that is out, away. Raises RefusedError where there is neither, which is on
    record, and RefusedInquiry.
    """
    kept, codes = passwords(door.settings), enrollments(door.settings)
    with door.on_record("registry_account", f"user/{who}"[:64]):
        if who not in kept.names() and codes.of(who).code is None:
            raise RefusedError("account", f"{who} has neither a password nor a code")
    door.enter("registry_account", f"user/{who}", change="no password any more, and no code")
    kept.end(who)
    codes.withdraw(who)


def withdraw(door: Door, who: str) -> None:
    """Take away all by which somebody, or a program for them, signs in here; nothing where there is nothing.
    Raises RefusedInquiry.
    """
    held = [one for one in tokens.kept(door.settings).all() if one.who == who]
    codes = enrollments(door.settings)
    if who not in passwords(door.settings).names() and codes.of(who).code is None and not held:
        return
    change = f"no password or code any more, and no token: {', '.join(one.id for one in held) or 'had none'}"
    ended = [(f"token/{one.id}", f"no token for {one.program} any more") for one in held]
    door.enter_several("registry_account", [(f"user/{who}", change), *ended])
    passwords(door.settings).end(who)
    codes.withdraw(who)
    tokens.kept(door.settings).end_all(who)


def listed(door: Door) -> list[str]:
    """Return who has a password. Raises RefusedInquiry."""
    door.enter("registry_show", "account")
    return passwords(door.settings).names()


def events(settings: Settings, who: str) -> tuple[Event, ...]:
    """Return what happened to a person's account, newest first: for that person."""
    return tuple(reversed(enrollments(settings).of(who).events))


def resets(settings: Settings, who: str) -> str:
    """Return a mark of the codes and resets of an account, which differs once there is another one."""
    made = [one for one in enrollments(settings).of(who).events if one.what in ("code", "reset")]
    return f"{len(made)} {made[-1].at}" if made else ""


def notable(settings: Settings, who: str, now: datetime) -> bool:
    """Return whether a person is to be shown what others did with their account lately."""
    return any(
        one.what in ("code", "reset", "redeemed") and now - one.at < NOTICE_FOR
        for one in events(settings, who)
    )


def _text() -> str:
    """128 random bits, in groups that can be read out."""
    digits = secrets.token_hex(16)
    return "-".join(digits[start : start + 4] for start in range(0, 32, 4))


def _tokens_end(door: Door, who: str) -> str:
    held = [one.id for one in tokens.kept(door.settings).all() if one.who == who]
    return f"; no token any more: {', '.join(held)}" if held else ""


def _put(door: Door, act: str, password: str, change: str) -> None:
    """Set the password of the person of `door` by an act that holds the SHA-256 of its stored hash."""
    who = door.who
    passwords(door.settings).put(
        who,
        password,
        lambda hashed: door.enter(act, f"user/{who}", change=change, effect=effect_of_stored(who, hashed)),
    )


def _named(who: str) -> None:
    if not who.strip() or len(who) > 64 or not who.isprintable():
        raise RefusedError("account", "a name has 1 to 64 characters that can be printed")


def _long_enough(password: str) -> None:
    if len(password) < SHORTEST:
        raise RefusedError("account", f"a password has {SHORTEST} characters or more")


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
