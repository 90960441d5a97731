"""Password accounts for the console, known only to their owner (order, section E.1.e).

The ALPR administrator permits an account by a one-time code, and the person who receives it redeems it with a
password of their own. For a person who has a password, a new code is a reset: their password, API tokens and
sessions end when the code is made, including sessions that an OpenID provider vouched for. Codes, redemptions
and changes are acts in the inquiry log, and are reported to the person.
"""

import secrets
from datetime import datetime, timedelta
from pathlib import Path

from platestream.access import second_factor, tokens
from platestream.access.device_file import known_devices
from platestream.access.door import Door
from platestream.access.effects import effect_of_stored
from platestream.access.enrollments import Code as Code
from platestream.access.enrollments import CodeError as CodeError
from platestream.access.enrollments import Event, hashed
from platestream.access.enrollments import enrollments as enrollments
from platestream.access.password_file import SHORTEST as SHORTEST
from platestream.access.password_file import Passwords
from platestream.schemas.message import RefusedError
from platestream.settings import ACCOUNTS, Settings

FILE = "console.json"
CODE_LIVES = timedelta(hours=24)
LINK_LIVES = timedelta(hours=1)
NOTICE_FOR = timedelta(days=14)
"""Time during which each sign-in shows that another person made a code for the account."""


def password_path(settings: Settings) -> Path:
    """Return the path of the password file in the data folder."""
    return settings.data / ACCOUNTS / FILE


def passwords(settings: Settings) -> Passwords:
    """Return the passwords of the data folder."""
    return Passwords(password_path(settings))


def invite(door: Door, who: str, now: datetime, place: str = "", *, factor: bool = False) -> tuple[str, Code]:
    """Make a one-time code by which `who` sets a password; return its text, which cannot be shown again.

    The person's password, API tokens and sessions end now, and with `factor` their second factor: they set up
    another one at the next sign-in. `place` describes in words where the code was asked for.

    Raises RefusedError, which is logged, and RefusedInquiry.
    """
    stored = passwords(door.settings)
    with door.log_refusal("account_code", f"user/{who}"[:64]):
        _check_name(who)
    text = _text()
    code = Code(hashed(text), door.who, now, now + CODE_LIVES, place)
    reset = who in stored.names()
    change = f"{'a reset: no password any more, and ' if reset else ''}a code until {_utc(code.ends_at)}"
    change = f"{change}, asked for {place}" if place else change
    change += _tokens_end(door, who)
    door.enter("account_code", f"user/{who}", change=change, effect=effect_of_stored(who, code))
    stored.end(who)
    if factor:
        _end_factor(door, who, now, place)
    tokens.stored_tokens(door.settings).end_all(who)
    enrollments(door.settings).make(who, code, Event(now, "reset" if reset else "code", door.who, place))
    return text, code


def sign_in_link(door: Door, who: str, now: datetime, place: str) -> str:
    """Make the one-time code of a link that signs `who` in once, within the hour; return its text.

    It is for people who have no password yet, as in a new system. Raises RefusedError, which is logged, for a
    person who has one, and RefusedInquiry.
    """
    with door.log_refusal("account_code", f"user/{who}"[:64]):
        _check_name(who)
        if who in passwords(door.settings).names():
            raise RefusedError("account", f"{who} has a password and signs in with it")
    text = _text()
    code = Code(hashed(text), door.who, now, now + LINK_LIVES, place, signs_in=True)
    change = f"a link that signs in once until {_utc(code.ends_at)}, made {place}"
    door.enter("account_code", f"user/{who}", change=change, effect=effect_of_stored(who, code))
    enrollments(door.settings).make(who, code, Event(now, "code", door.who, place))
    return text


def use_link(door: Door, text: str, now: datetime, place: str) -> None:
    """Use the link of the person of `door`. Raises CodeError, and RefusedInquiry where the gate refuses."""
    with enrollments(door.settings).redeeming(door.who, text, now, place, signs_in=True) as code:
        change = f"the link that {code.made_by} made at {_utc(code.made_at)}; signed in {place}"
        door.enter(
            "account_redeem", f"user/{door.who}", change=change, effect=effect_of_stored(door.who, code)
        )


def redeem(door: Door, text: str, password: str, now: datetime, place: str) -> None:
    """Redeem the code `text` of the person of `door`, who sets `password`.

    Raises CodeError for a code that is wrong, was redeemed or has ended, RefusedError for a password that is
    too short, and RefusedInquiry where the gate refuses the person. A code that was not used remains valid.
    """
    check_length(password)
    with enrollments(door.settings).redeeming(door.who, text, now, place) as code:
        made = f"the code that {code.made_by} made at {_utc(code.made_at)}"
        place_of_request = f", asked for {code.place}" if code.place else ""
        change = f"{made}{place_of_request}; redeemed {place}"
        _put(door, "account_redeem", password, change)


def change_own(door: Door, current: str, password: str, now: datetime, place: str) -> None:
    """Set a new password of the person of `door`, who knows the current one.

    Raises RefusedError, which is logged, for a wrong current password and for a new password that is too
    short, and RefusedInquiry.
    """
    with door.log_refusal("account_change", f"user/{door.who}"):
        check_length(password)
        if not passwords(door.settings).proven(door.who, current):
            raise RefusedError("account", "the current password is wrong; nothing was changed")
    _put(door, "account_change", password, f"a new password, set {place}")
    enrollments(door.settings).note(door.who, Event(now, "changed", door.who, place))


def set_own(door: Door, password: str, now: datetime, place: str, *, factor: bool = False) -> None:
    """Set the password of the person of `door` without the current one: an act of the administrator, for
    example of the person who starts a new system. `factor` removes their second factor, too.

    Raises RefusedError, which is logged, for a password that is too short, and RefusedInquiry.
    """
    with door.log_refusal("account_code", f"user/{door.who}"):
        check_length(password)
    if factor:  # first, as this may be refused
        _end_factor(door, door.who, now, place)
    reset = door.who in passwords(door.settings).names()
    change = f"their own password without {'the current one' if reset else 'a code'}, set {place}"
    _put(door, "account_code", password, change + _tokens_end(door, door.who))
    enrollments(door.settings).remove(door.who)
    tokens.stored_tokens(door.settings).end_all(door.who)
    enrollments(door.settings).note(door.who, Event(now, "reset" if reset else "changed", door.who, place))


def remove(door: Door, who: str) -> None:
    """Remove a person's password and unredeemed code.

    Raises RefusedError, which is logged, where the person has neither, and RefusedInquiry.
    """
    stored, codes = passwords(door.settings), enrollments(door.settings)
    with door.log_refusal("registry_account", f"user/{who}"[:64]):
        if who not in stored.names() and codes.of(who).code is None:
            raise RefusedError("account", f"{who} has neither a password nor a code")
    door.enter("registry_account", f"user/{who}", change="no password any more, and no code")
    stored.end(who)
    codes.remove(who)


def end_sessions(door: Door, who: str) -> None:
    """Log that an administrator ends all sessions of `who`, and forget the browsers in which they signed in.
    The caller ends the sessions. Raises RefusedInquiry.
    """
    door.enter("registry_account", f"user/{who}", change="all sessions end, and no browser is known any more")
    known_devices(door.settings).forget(who)


def remove_sign_ins(door: Door, who: str) -> None:
    """Remove a person's password, code, second factor and API tokens; do nothing where there are none. Raises
    RefusedInquiry.
    """
    second_factor.remove(door, who)
    held = tokens.stored_tokens(door.settings).of(who)
    codes = enrollments(door.settings)
    if who not in passwords(door.settings).names() and codes.of(who).code is None and not held:
        return
    change = f"no password or code any more, and no token: {', '.join(one.id for one in held) or 'had none'}"
    ended = [(f"token/{one.id}", f"no token for {one.program} any more") for one in held]
    door.enter_several("registry_account", [(f"user/{who}", change), *ended])
    passwords(door.settings).end(who)
    codes.remove(who)
    tokens.stored_tokens(door.settings).end_all(who)


def list_names(door: Door) -> list[str]:
    """Return the names of people who have a password. Raises RefusedInquiry."""
    door.enter("registry_show", "account")
    return passwords(door.settings).names()


def events(settings: Settings, who: str) -> tuple[Event, ...]:
    """Return the events of a person's account, newest first, to show to that person."""
    return tuple(reversed(enrollments(settings).of(who).events))


def resets(settings: Settings, who: str) -> str:
    """Return a text that changes with each new code or reset of an account."""
    made = [one for one in enrollments(settings).of(who).events if one.what in ("code", "reset")]
    return f"{len(made)} {made[-1].at}" if made else ""


def has_news(settings: Settings, who: str, now: datetime) -> bool:
    """Return whether to show a person what others recently did with their account."""
    return any(
        one.what in ("code", "reset", "redeemed", "recovery", "unfactored") and now - one.at < NOTICE_FOR
        for one in events(settings, who)
    )


def _text() -> str:
    """Return 128 random bits as hex digits, in groups that can be read aloud."""
    digits = secrets.token_hex(16)
    return "-".join(digits[start : start + 4] for start in range(0, 32, 4))


def _tokens_end(door: Door, who: str) -> str:
    held = [one.id for one in tokens.stored_tokens(door.settings).of(who)]
    return f"; no token any more: {', '.join(held)}" if held else ""


def _end_factor(door: Door, who: str, now: datetime, place: str) -> None:
    if second_factor.remove(door, who):
        enrollments(door.settings).note(who, Event(now, "unfactored", door.who, place))


def _put(door: Door, act: str, password: str, change: str) -> None:
    """Set the password of the person of `door` by an act that holds the SHA-256 of its stored hash."""
    who = door.who
    passwords(door.settings).put(
        who,
        password,
        lambda hashed: door.enter(act, f"user/{who}", change=change, effect=effect_of_stored(who, hashed)),
    )


def _check_name(who: str) -> None:
    if not who.strip() or len(who) > 64 or not who.isprintable():
        raise RefusedError("account", "a name has 1 to 64 characters that can be printed")


def check_length(password: str) -> None:
    """Raise RefusedError for a password that is too short."""
    if len(password) < SHORTEST:
        raise RefusedError("account", f"a password has {SHORTEST} characters or more")


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
