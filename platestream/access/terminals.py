"""Sign-ins of command lines and SQL clients: a token for hours instead of a password.

A signed-in person confirms in the console, with the second factor, the code that their command line shows
(RFC 8628). The token then stands for the password of the person's account at the engine. It ends with its
time, by its person, by an administrator, and with a reset.
"""

from datetime import datetime, timedelta

from platestream.access import tokens
from platestream.access.door import Door
from platestream.access.effects import effect_of_stored
from platestream.runtime.token_file import TERMINAL, Token
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

ACT, END = "account_terminal", "account_terminal_end"
PROGRAM = "command line on {}"
LONGEST_MACHINE = 30


def sign_in(door: Door, machine: str, now: datetime, place: str) -> tuple[Token, str]:
    """Make the token of a command line on `machine` for the person of `door`; return it, and its text. Raises
    UnconfirmedError and RefusedInquiry.
    """
    hours = door.rules.profile.sign_in.command_line_hours
    program = PROGRAM.format(machine[:LONGEST_MACHINE])

    def enter(made: Token) -> None:
        change = f"a token of {hours} hours for the {program}, confirmed {place}"
        door.enter(ACT, tokens.about(made.id), change=change, effect=effect_of_stored(door.who, made))

    stored = tokens.stored_tokens(door.settings)
    return stored.make(door.who, program, [TERMINAL], now + timedelta(hours=hours), enter, now)


def of(settings: Settings, who: str, now: datetime) -> list[Token]:
    """Return the valid tokens of a person's command lines, the newest first."""
    held = tokens.stored_tokens(settings).of(who)
    found = [one for one in held if TERMINAL in one.parts and now < one.ends_at]
    return sorted(found, key=lambda one: one.ends_at, reverse=True)


def find(settings: Settings, text: str, now: datetime) -> Token | None:
    """Return the valid token of a command line with this text."""
    found = tokens.stored_tokens(settings).find(text, now)
    return found if found is not None and TERMINAL in found.parts else None


def end(door: Door, ident: str, now: datetime, place: str) -> Token:
    """End a token of the person of `door`; return it. Raises RefusedError, which is logged, and
    RefusedInquiry.
    """
    found = next((one for one in of(door.settings, door.who, now) if one.id == ident), None)
    with door.log_refusal(END, tokens.about(ident)):
        if found is None:
            raise RefusedError("token", f"{door.who} has no command line with the token {ident[:16]}")
    door.enter(END, tokens.about(ident), change=f"no token for the {found.program} any more, ended {place}")
    tokens.stored_tokens(door.settings).end(ident)
    return found


def end_all(door: Door, who: str, now: datetime) -> list[Token]:
    """End all tokens of a person's command lines, by an administrator; return them. Raises RefusedInquiry."""
    held = of(door.settings, who, now)
    if held:
        acts = [(tokens.about(one.id), f"no token for the {one.program} of {who} any more") for one in held]
        door.enter_several("registry_account", acts)
    for one in held:
        tokens.stored_tokens(door.settings).end(one.id)
    return held
