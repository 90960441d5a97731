"""People with a second factor, for tests: what their authenticator app shows, and browsers that give it."""

import re
from datetime import UTC, datetime
from typing import Any

import pyotp

from platestream.access import rules_in_force
from platestream.access.door import Door
from platestream.access.factor_file import APP, STEP_S
from platestream.access.sign_in_log import SignInLog
from platestream.schemas.sign_in_event import SignInEvent
from tests.support.console import Pages, Person
from tests.support.door import door_of

FACTOR = "/sign-in/factor"


def require(pages: Pages, of: str) -> None:
    """Rules in force that require the second factor of everybody, or of nobody: that takes one."""
    door = door_of(pages.database, "lee", data=pages.data)
    if of != "everybody":
        give(door)
    rules_in_force.change(door, rules_in_force.Change(second_factor=of), "Chief")  # type: ignore[arg-type]
    pages.console.forget()


def give(door: Door, way: str = "test") -> None:
    """The console was given the second factor of the person of the door."""
    now = datetime.now(UTC)
    event = SignInEvent(kind="confirmed", at=now, who=door.who, way=way, factor=APP)
    SignInLog(door.settings, door.clients, lambda: now).confirmed(event)


def proven(pages: Pages, who: str) -> Door:
    """The door of a person who has just given the second factor."""
    door = door_of(pages.database, who, data=pages.data)
    give(door)
    return door


def age(pages: Pages) -> None:
    """All that was logged so far was an hour ago."""
    log, client, new = (
        "platestream.inquiry_log",
        pages.database.client(),
        "at > now64(6) - INTERVAL 30 MINUTE",
    )
    young = f"(SELECT * FROM {log} WHERE {new})"
    client.command(f"INSERT INTO {log} SELECT * REPLACE (at - INTERVAL 1 HOUR AS at) FROM {young}")
    client.command(f"ALTER TABLE {log} DELETE WHERE {new}", settings={"mutations_sync": 2})


def secret_of(page: str) -> str:
    (shown,) = re.findall(r"type this key into the app: <code>([A-Z2-7 ]+)</code>", page)
    return str(shown).replace(" ", "")


def code_of(pages: Pages, secret: str, *, steps: int = 0) -> str:
    app: Any = pyotp.TOTP(secret)
    return str(app.generate_otp(int(pages.clock().timestamp()) // STEP_S + steps))


def recovery_codes(page: str) -> list[str]:
    return re.findall(r"<code>((?:[0-9a-f]{4}-){4}[0-9a-f]{4})</code>", page)


def enrolled(pages: Pages, who: str) -> tuple[Person, str, list[str]]:
    """A browser of a person who has just set up an app, its secret, and the recovery codes."""
    browser = pages.browser(who)
    secret = secret_of(browser.page)
    browser.send(FACTOR, code=code_of(pages, secret))
    return browser, secret, recovery_codes(browser.page)


def later(pages: Pages) -> None:
    """A time at which the app shows another code."""
    pages.clock.forward(seconds=STEP_S)


def admitted(browser: Person, path: str = "/hits") -> bool:
    return bool(browser.get(path).url.path == path)


def confirm(browser: Person, path: str, code: str) -> Any:
    (held,) = re.findall(r'name="confirmed_form" value="([^"]+)"', browser.page)
    return browser.send(path, confirmed_form=held, code=code)
