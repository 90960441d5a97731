"""Tokens for programs that use the API: the ALPR administrator permits them, and their person takes them.

Only the person sees the text, so that no administrator can act as another person. A program acts for one
person, by whose role, training and agency the door judges each of its acts. A token also limits the parts of
the API, and the time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from platestream.access.door import Door
from platestream.access.effects import effect_of_stored
from platestream.runtime.token_file import Token as Token
from platestream.runtime.token_file import Tokens
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize
from platestream.settings import ACCOUNTS, Settings

FILE = "tokens.json"
LONGEST_DAYS = 366
Part = Literal["hits", "inquiries", "hotlist", "log"]
PARTS: tuple[Part, ...] = get_args(Part)


def stored_tokens(settings: Settings) -> Tokens:
    """Return the tokens of the data folder."""
    return Tokens(settings.data / ACCOUNTS / FILE)


def make(
    door: Door, who: str, program: str, parts: Sequence[str], now: datetime, days: int
) -> tuple[Token, str]:
    """Make a token for a program that acts for oneself, or permit `who` to take one. Return it, and its text,
    which is empty for a permit. Raises RefusedError, which is logged, and RefusedInquiry.
    """
    with door.log_refusal("registry_account", f"user/{who}"[:64]):
        _check(who, program, parts, days)
    own, ends_at = who == door.who, now + timedelta(days=days)
    change = f"{'a token' if own else 'may take a token'} for {program}: {', '.join(parts)}"

    def enter(made: Token) -> None:
        text = f"{change}; {pluralize(days, 'day')}"
        door.enter("registry_account", about(made.id), change=text, effect=effect_of_stored(who, made))

    if own:
        return stored_tokens(door.settings).make(who, program, parts, ends_at, enter)
    return stored_tokens(door.settings).permit(who, program, parts, ends_at, enter), ""


def take(door: Door, ident: str, now: datetime, place: str) -> tuple[Token, str]:
    """Take a token that an administrator permitted the person of `door`; return it, and its text.

    Raises RefusedError, which is logged, where there is none for them, and RefusedInquiry.
    """
    subject = about(ident)
    found = next((one for one in permits_of(door.settings, door.who, now) if one.id == ident), None)
    with door.log_refusal("account_redeem", subject):
        if found is None:
            raise RefusedError("token", f"there is no token {ident} for {door.who} to take")
    with stored_tokens(door.settings).taking(ident) as (made, text):
        change = f"takes the token for {made.program}, {place}"
        door.enter("account_redeem", subject, change=change, effect=effect_of_stored(made.who, made))
    return made, text


def permits_of(settings: Settings, who: str, now: datetime) -> list[Token]:
    """Return the tokens that a person may take."""
    return [one for one in stored_tokens(settings).of(who) if not one.hashed and now < one.ends_at]


def remove(door: Door, ident: str) -> Token:
    """Delete a token; return it. Raises RefusedError, which is logged, and RefusedInquiry."""
    found = next((one for one in stored_tokens(door.settings).all() if one.id == ident), None)
    with door.log_refusal("registry_account", about(ident)):
        if found is None:
            raise RefusedError("token", f"there is no token {ident}")
    door.enter("registry_account", about(ident), change=f"no token for {found.program} any more")
    stored_tokens(door.settings).end(ident)
    return found


def list_tokens(door: Door) -> list[Token]:
    """List the tokens, without their texts. Raises RefusedInquiry."""
    door.enter("registry_show", "token")
    return stored_tokens(door.settings).all()


def about(ident: str) -> str:
    """Return the subject of acts about a token."""
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
