"""Every page of the console, tried by a stranger and by a person of each role: what the log has of it."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

import platestream
from platestream.schemas.acts import BY_NAME, ROLES, Role
from platestream.web import cookies
from platestream.web.app import ROUTES
from tests.support.console import Pages
from tests.support.door import person
from tests.support.nightly import nightly

pytestmark = pytest.mark.slow

VALUES = {
    "hit": str(UUID(int=7)),
    "hold": str(UUID(int=8)),
    "inquiry": str(UUID(int=9)),
    "start": "0",
    "job": "x",
    "end": "50",
    "draw": "1",
    "year": "2026",
    "name": "x",
    "look": "x",
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
PACKAGE = Path(platestream.__path__[0])
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


def all_of_them(_number: int, _method: str) -> bool:
    return True


def try_all(
    pages: Pages, who: str, fields: dict[str, str] = FIELDS, wanted: Callable[[int, str], bool] = all_of_them
) -> dict[tuple[str, str], int]:
    """Return the status of each `wanted` page, by its number and method, for a person with a session."""
    token, session = pages.console.sessions.begin(who, pages.clock())
    client = pages.browser(failing=False).client
    client.cookies.clear()
    headers = {"cookie": f"{cookies.COOKIE}={token}"}
    found = {}
    for number, (method, path) in enumerate(addresses()):
        if not wanted(number, method):
            continue
        result = {"csrf": session.csrf, **fields} if method == "POST" else None
        answer = client.request(method, path, data=result, headers=headers, follow_redirects=False)
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


TYPED = ("0001-01-01T00:00", "9" * 30, "\x00'{{7*7}}²", "A" * 70_000)


@pytest.mark.parametrize("first", [0, *nightly(1, 2, 3)])
def test_no_form_fails_over_what_is_typed(pages: Pages, first: int) -> None:
    """Each field of a form has another of the values; each run moves them on by one."""
    pages.staff(person("vale"))
    names = {
        name for path in PACKAGE.glob("*/templates/*.html") for name in NAMED.findall(path.read_text())
    } - {"csrf"}
    assert {"hours", "since", "plate", "longest_days"} <= names
    values = {name: TYPED[(number + first) % len(TYPED)] for number, name in enumerate(sorted(names))}
    fields = {**values, "kind": "misread", "way": "search"}
    statuses = try_all(pages, "vale", fields, lambda _number, method: method == "POST")
    assert {one for one, status in statuses.items() if status >= 500} == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_do_what_its_acts_are_and_no_page_fails(pages: Pages, role: Role) -> None:
    """A third of the pages for each role, so that each page is tried by two of the six."""
    place = list(ROLES).index(role)
    check_role(pages, role, lambda number, _method: (number + place) % 3 == 0)


@pytest.mark.nightly
@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_do_what_its_acts_are_on_every_page(pages: Pages, role: Role) -> None:
    check_role(pages, role, all_of_them)


def check_role(pages: Pages, role: Role, wanted: Callable[[int, str], bool]) -> None:
    pages.staff(person("vale"), person("one", role))
    statuses = try_all(pages, "one", wanted=wanted)
    assert {one for one, status in statuses.items() if status >= 500} == set()
    found = logged(pages, "one")
    allowed = found.get("allowed", set())
    assert {act for act in allowed if role not in BY_NAME[act].roles} == set()
    assert allowed
