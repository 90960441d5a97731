"""Every page of the console, tried by a stranger and by a person of each role: what the log has of it."""

import re
from pathlib import Path
from uuid import UUID

import pytest

from platestream import console
from platestream.console import cookies
from platestream.console.app import ROUTES
from schemas.acts import BY_NAME, ROLES, Role
from tests.support.console import Pages
from tests.support.door import person

VALUES = {
    "hit": str(UUID(int=7)),
    "hold": str(UUID(int=8)),
    "draw": "1",
    "year": "2026",
    "name": "x",
    "look": "x",
    "after": "50",
}
FIELDS = {
    "case_number": "26-001234",
    "reason": "theft at the mill",
    "id": "x",
    "name": "x",
    "plate": "ABC1234",
    "way": "search",
}
NAMED = re.compile(r'name="(\w+)"')
TEMPLATES = Path(console.__path__[0]) / "templates"
# They end the session or answer nothing of their own.
APART = {
    ("POST", "/shift/end"),
    ("GET", "/pictures/{look}/{detection:uuid}/{at:int}/{kind}"),
    ("GET", "/search/others/{look}/{agency}/{detection:uuid}/{at:int}"),
}


def addresses() -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"{(\w+)(:\w+)?}", lambda one: VALUES[one[1]], path))
        for method, path in ROUTES
        if (method, path) not in APART
    ]


def try_all(
    pages: Pages, who: str, fields: dict[str, str] = FIELDS, only: str = ""
) -> dict[tuple[str, str], int]:
    """The status of each page for a person with a session; `only` of this method, where it is said."""
    token, session = pages.console.sessions.begin(who, pages.clock())
    client = pages.browser(failing=False).client
    client.cookies.clear()
    headers = {"cookie": f"{cookies.COOKIE}={token}"}
    found = {}
    for method, path in addresses():
        if only not in ("", method):
            continue
        told = {"csrf": session.csrf, **fields} if method == "POST" else None
        answer = client.request(method, path, data=told, headers=headers, follow_redirects=False)
        found[method, path] = answer.status_code
    return found


def logged(pages: Pages, who: str) -> dict[str, set[str]]:
    kinds = "SELECT outcome, groupUniqArray(kind) FROM platestream.inquiry_log"
    rows = pages.database.rows(f"{kinds} WHERE who = '{who}' GROUP BY outcome")
    return {outcome: set(kinds) for outcome, kinds in rows}


def test_whoever_is_not_registered_is_let_do_nothing_and_each_attempt_is_answered(pages: Pages) -> None:
    pages.staff(person("vale"))
    before = pages.database.value("SELECT count() FROM platestream.registry")
    statuses = try_all(pages, "stranger")
    assert {one for one, status in statuses.items() if status >= 500} == set()
    found = logged(pages, "stranger")
    assert "allowed" not in found
    # Each kind of data was asked for, so the refusals are the door's.
    assert {"hits", "search", "hotlist_show", "audit_show", "registry_show", "evidence_show"} <= found[
        "refused"
    ]
    assert pages.database.value("SELECT count() FROM platestream.registry") == before


@pytest.mark.parametrize("value", ["0001-01-01T00:00", "9" * 30, "\x00'{{7*7}}²", "A" * 70_000])
def test_no_form_fails_over_what_is_typed(pages: Pages, value: str) -> None:
    pages.staff(person("vale"))
    names = {name for path in TEMPLATES.rglob("*.html") for name in NAMED.findall(path.read_text())} - {
        "csrf"
    }
    assert {"hours", "since", "plate", "longest_days"} <= names
    fields = {**dict.fromkeys(names, value), "kind": "misread", "way": "search"}
    statuses = try_all(pages, "vale", fields, only="POST")
    assert {one for one, status in statuses.items() if status >= 500} == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_do_what_its_acts_are_and_no_page_fails(pages: Pages, role: Role) -> None:
    pages.staff(person("vale"), person("one", role))
    statuses = try_all(pages, "one")
    assert {one for one, status in statuses.items() if status >= 500} == set()
    found = logged(pages, "one")
    allowed = found.get("allowed", set())
    assert {act for act in allowed if role not in BY_NAME[act].roles} == set()
    assert allowed
