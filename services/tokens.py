"""Tokens for programs that use the API: the ALPR administrator permits them, their person takes them.

Nobody but the person ever sees the text, so that no administrator can act as somebody else. A program speaks
for one person, by whose role, training and agency the door judges each of its acts. A token says besides in
which parts of the API it may do so, and until when.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from connectors.settings import ACCOUNTS, Settings
from connectors.tokens import Token, Tokens
from schemas.counted import counted
from schemas.message import RefusedError
from services.door import Door
from services.effects import effect_of_stored

__all__ = ["LONGEST_DAYS", "PARTS", "Part", "Token", "end", "kept", "listed", "make", "permitted", "take"]

FILE = "tokens.json"
LONGEST_DAYS = 366
Part = Literal["hits", "inquiries", "hotlist", "log"]
PARTS: tuple[Part, ...] = get_args(Part)


def kept(settings: Settings) -> Tokens:
    """Those of the data folder."""
    return Tokens(settings.data / ACCOUNTS / FILE)


def make(
    door: Door, who: str, program: str, parts: Sequence[str], now: datetime, days: int
) -> tuple[Token, str]:
    """Make a token for a program that speaks for oneself, or permit `who` to take one; it, and its text,
    which is empty for a permit. Raises RefusedError, which is on record, and RefusedInquiry.
    """
    with door.on_record("registry_account", f"user/{who}"[:64]):
        _check(who, program, parts, days)
    own, ends_at = who == door.who, now + timedelta(days=days)
    change = f"{'a token' if own else 'may take a token'} for {program}: {', '.join(parts)}"

    def enter(made: Token) -> None:
        said = f"{change}; {counted(days, 'day')}"
        door.enter("registry_account", _about(made.id), change=said, effect=effect_of_stored(who, made))

    if own:
        return kept(door.settings).make(who, program, parts, ends_at, enter)
    return kept(door.settings).permit(who, program, parts, ends_at, enter), ""


def take(door: Door, ident: str, now: datetime, place: str) -> tuple[Token, str]:
    """Take a token that an administrator permitted the person of `door`; it, and its text.

    Raises RefusedError where there is none for them, which is on record, and RefusedInquiry.
    """
    about = _about(ident)
    found = next((one for one in permitted(door.settings, door.who, now) if one.id == ident), None)
    with door.on_record("account_redeem", about):
        if found is None:
            raise RefusedError("token", f"there is no token {ident} for {door.who} to take")
    with kept(door.settings).taking(ident) as (made, text):
        change = f"takes the token for {made.program}, {place}"
        door.enter("account_redeem", about, change=change, effect=effect_of_stored(made.who, made))
    return made, text


def permitted(settings: Settings, who: str, now: datetime) -> list[Token]:
    """Return the tokens that a person may take."""
    return [one for one in kept(settings).all() if one.who == who and not one.hashed and now < one.ends_at]


def end(door: Door, ident: str) -> Token:
    """Take a token away; what it was. Raises RefusedError, which is on record, and RefusedInquiry."""
    found = next((one for one in kept(door.settings).all() if one.id == ident), None)
    with door.on_record("registry_account", _about(ident)):
        if found is None:
            raise RefusedError("token", f"there is no token {ident}")
    door.enter("registry_account", _about(ident), change=f"no token for {found.program} any more")
    kept(door.settings).end(ident)
    return found


def listed(door: Door) -> list[Token]:
    """The tokens, without their texts. Raises RefusedInquiry."""
    door.enter("registry_show", "token")
    return kept(door.settings).all()


def _about(ident: str) -> str:
    return f"token/{ident}"[:64]


def _check(who: str, program: str, parts: Sequence[str], days: int) -> None:
    if not who.strip() or len(who) > 64:
        raise RefusedError("token", "a name has 1 to 64 characters")
    if not program.strip() or len(program) > 50 or not program.isprintable():
        raise RefusedError("token", "a program has a name of 1 to 50 characters")
    if not parts or set(parts) - set(PARTS):
        raise RefusedError("token", f"say what it may: {', '.join(PARTS)}")
    if not 1 <= days <= LONGEST_DAYS:
        raise RefusedError("token", f"it lives 1 to {LONGEST_DAYS} days")
