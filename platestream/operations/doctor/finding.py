"""Findings of the doctor's checks."""

from typing import Literal

import msgspec

State = Literal["right", "soon", "wrong", "not looked at"]
"""`warning`: right today, with an action that is due within days."""


class CheckResult(msgspec.Struct, frozen=True):
    """The result of a check in one sentence and, where something must be done, the action in another."""

    state: State
    found: str
    do: str = ""


class Finding(msgspec.Struct, frozen=True):
    """The answer of a check: `check` is its short name, `what` the thing that was checked."""

    check: str
    what: str
    state: State
    found: str
    do: str = ""


class NotCheckedError(Exception):
    """Error with the reason why something cannot be checked here."""


def ok(found: str) -> CheckResult:
    """Return an answer that needs no action."""
    return CheckResult("right", found)


def warning(found: str, do: str) -> CheckResult:
    """Return an answer that needs an action before long."""
    return CheckResult("soon", found, do)


def fault(found: str, do: str) -> CheckResult:
    """Return an answer that needs an action now."""
    return CheckResult("wrong", found, do)


def sentence(said: object, *, names: bool = True) -> str:
    """Format an error or another check's text as a sentence with a full stop. Without `names` it starts with
    a capital letter.
    """
    text = str(said).rstrip(".") + "."
    return text if names else text[:1].upper() + text[1:]
