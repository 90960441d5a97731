"""Every *not checked* says what would make it checkable, in words that a reader can act on."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from platestream.policy.checks.context import Unchecked
from platestream.policy.laws import LAWS

POLICY = Path(__file__).parents[2] / "platestream" / "policy"
ARGUMENT = {"Unchecked": 1, "gap_unless": 2}


def _text(node: ast.expr, named: dict[str, ast.expr]) -> str:
    """The constant parts of a text, constants by their names, and x for each other value in it."""
    if isinstance(node, ast.Name) and node.id in named:
        return _text(named[node.id], named)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one, named) for one in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, named)
    return str(node.value) if isinstance(node, ast.Constant) else "x"


def _needs() -> Iterator[tuple[str, str]]:
    """Where each gap is made, and the text of what it needs."""
    for path in sorted(POLICY.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named = {
            one.targets[0].id: one.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
        }
        for one in ast.walk(tree):
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in ARGUMENT:
                node = one.args[ARGUMENT[one.func.id]]
                passed_on = isinstance(node, ast.Name) and node.id not in named
                if not passed_on or path.name != "context.py":
                    yield f"{path.name}:{one.lineno}", _text(node, named)


def test_every_gap_that_a_check_makes_names_what_would_make_it_checkable() -> None:
    found = list(_needs())
    assert len(found) > 50
    for where, text in found:
        assert Unchecked(where, text).needs == text


@pytest.mark.parametrize("needs", ["", " ", "a hit", "such a case", "platestream", "flows."])
def test_a_gap_that_names_no_way_is_refused(needs: str) -> None:
    with pytest.raises(ValueError, match="no command, setting or event"):
        Unchecked("nothing is there", needs)


def test_every_clause_of_a_law_that_was_not_read_says_what_it_needs() -> None:
    unread = [one for law in LAWS.values() for one in law.clauses if not one.certain]
    assert unread
    assert all(Unchecked("not read", one.needs) for one in unread)
