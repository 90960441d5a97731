"""What a check of the doctor answers."""

from typing import Literal

import msgspec

State = Literal["right", "soon", "wrong", "not looked at"]
"""`soon` is right today, and something must be done before a day that is near."""


class Answer(msgspec.Struct, frozen=True):
    """How something is, in one sentence, and where something must be done, what, in one sentence."""

    state: State
    found: str
    do: str = ""


class Finding(msgspec.Struct, frozen=True):
    """An answer, and of what: `check` is a short name, `what` says what was looked at."""

    check: str
    what: str
    state: State
    found: str
    do: str = ""


class NotLookedAtError(Exception):
    """Why something cannot be known here."""


def right(found: str) -> Answer:
    """Nothing to do."""
    return Answer("right", found)


def soon(found: str, do: str) -> Answer:
    """Something to do before long."""
    return Answer("soon", found, do)


def wrong(found: str, do: str) -> Answer:
    """Something to do now."""
    return Answer("wrong", found, do)


def sentence(said: object, *, names: bool = True) -> str:
    """What an error or another check says, with a full stop; with a capital where it begins with no name."""
    text = str(said).rstrip(".") + "."
    return text if names else text[:1].upper() + text[1:]
