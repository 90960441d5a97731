"""Passwords for the console: the ALPR administrator gives them, and takes them away (order, section E.1.e).

Who a person is and what they may do is the registry's; a password only proves who is at the keyboard.
"""

from pathlib import Path

from connectors.passwords import SHORTEST as SHORTEST
from connectors.passwords import Passwords
from connectors.settings import ACCOUNTS, Settings
from schemas.message import RefusedError
from services.door import Door

FILE = "console.json"


def file(settings: Settings) -> Path:
    """Where those of the data folder are."""
    return settings.data / ACCOUNTS / FILE


def passwords(settings: Settings) -> Passwords:
    """Those of the data folder."""
    return Passwords(file(settings))


def put(door: Door, who: str, password: str) -> None:
    """Give somebody a password. Raises RefusedError for one that is too short, which is on record, and
    RefusedInquiry.
    """
    kept = passwords(door.settings)
    known = who in kept.names()
    with door.on_record("registry_account", f"user/{who}"):
        if not who.strip() or len(who) > 64:
            raise RefusedError("account", "a name has 1 to 64 characters")
        _long_enough(password)
    door.enter("registry_account", f"user/{who}", change="a new password" if known else "a first password")
    kept.put(who, password)


def end(door: Door, who: str) -> None:
    """Take somebody's password away. Raises RefusedError where there is none, which is on record, and
    RefusedInquiry.
    """
    kept = passwords(door.settings)
    with door.on_record("registry_account", f"user/{who}"):
        if who not in kept.names():
            raise RefusedError("account", f"{who} has no password")
    door.enter("registry_account", f"user/{who}", change="no password any more")
    kept.end(who)


def listed(door: Door) -> list[str]:
    """Who has a password. Raises RefusedInquiry."""
    door.enter("registry_show", "account")
    return passwords(door.settings).names()


def _long_enough(password: str) -> None:
    if len(password) < SHORTEST:
        raise RefusedError("account", f"a password has {SHORTEST} characters or more")
