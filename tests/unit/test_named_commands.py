"""Whatever tells a person to run `platestream …` names a command that there is."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.generators import served
from platestream.boards import BOARDS
from platestream.cli.main import COMMANDS, load
from platestream.policy.clauses import CLAUSES
from platestream.policy.table import CHECKS
from tests.support.tree import PRODUCT

ROOT = Path(__file__).parents[2]
# Of this release, made beside this test.
COMING = {"registry": {"source", "category"}, "dead-letters": {"list", "show", "send-again"}}
_NAMED = re.compile(r"(?<![\w./-])platestream ([a-z][a-z-]*)(?: ([a-z][a-z_-]*))?")
PAGES = [
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("deploy/**/*.yml")),
    *sorted(ROOT.glob("grafana/**/*.json")),
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "docker-compose.yml", "grafana/dashboards/README.md")
    ),
]


@cache
def commands(group: str) -> frozenset[str]:
    """The commands of a group; empty for a command that stands alone."""
    return frozenset(getattr(load(COMMANDS[group]), "commands", ())) if group in COMMANDS else frozenset()


@cache
def old_names(group: str) -> frozenset[str]:
    """Names of a group that only answer for scripts of a release before."""
    found = getattr(load(COMMANDS[group]), "commands", {}) if group in COMMANDS else {}
    return frozenset(word for word, command in found.items() if command.hidden)


def wrong(text: str) -> Iterator[str]:
    """What `text` names that is no command."""
    for group, word in _NAMED.findall(text):
        there = commands(group) | COMING.get(group, set())
        if (group not in COMMANDS and group not in COMING) or (there and word and word not in there):
            yield f"platestream {group} {word}".strip()


def spans(page: str) -> Iterator[str]:
    """Of a page in Markdown what is set as code: there a word after `platestream` is a command."""
    yield from re.findall(r"```[a-z]*\n(.*?)```", page, re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))


@cache
def options(group: str, word: str) -> frozenset[str]:
    """All options of a command, long and short; empty where there is no such command."""
    found = load(COMMANDS[group])
    found = getattr(found, "commands", {}).get(word, found)
    result = [name for one in found.params for name in (*one.opts, *one.secondary_opts)]
    return frozenset({*result, "--help"}) if result else frozenset()


def wrong_options(text: str) -> Iterator[str]:
    """Options that `text` names for a command and that it does not have; up to the end of the command."""
    for line in text.replace("\\\n", " ").splitlines():
        for found in re.finditer(
            r"(?<![\w./-])platestream ([a-z][a-z-]*)(?: ([a-z][a-z_-]*))?(?=[ `]|$)", line
        ):
            group, word = found[1], found[2] or ""
            if group not in COMMANDS or group in COMING:
                continue
            behind = re.split(r"[|;#]|platestream ", line[found.end() :])[0]
            behind = re.sub(r"'[^']*'|\"[^\"]*\"", "", behind)
            for option in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", behind):
                if option not in options(group, word):
                    yield f"platestream {group} {word} {option}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_options_that_there_are(path: Path) -> None:
    if path.suffix == ".md":
        assert [one for part in spans(path.read_text()) for one in wrong_options(part)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_alerts_and_dashboards_name_commands_that_there_are(path: Path) -> None:
    text = path.read_text()
    result = spans(text) if path.suffix == ".md" else [text]
    assert [one for part in result for one in wrong(part)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_commands_by_their_new_names(path: Path) -> None:
    named = _NAMED.findall(path.read_text())
    assert [f"platestream {group} {word}" for group, word in named if word in old_names(group)] == []


def test_boards_name_commands_that_there_are() -> None:
    result = [f"{one.description} {one.empty}" for board in BOARDS for one in board.panels]
    assert [one for part in result for one in wrong(part)] == []


def test_the_checks_and_clauses_of_the_order_name_commands_that_there_are() -> None:
    result = [
        *(f"{one.what} {one.where}" for one in CHECKS),
        *(one.people for one in CLAUSES),
        *(by for clauses in (served.ORDER, *served.LAWS.values()) for by in clauses.values()),
    ]
    assert [one for part in result for one in wrong(part)] == []


def test_messages_and_help_name_commands_that_there_are() -> None:
    found = {
        (str(path.relative_to(ROOT)), one)
        for path in PRODUCT
        for one in wrong(path.read_text())
        if one.split()[1] in COMMANDS
    }
    assert found == set()


@pytest.mark.parametrize(
    "text", ["platestream registry put user", "platestream hotlists", "run platestream hits lst"]
)
def test_a_command_that_there_is_not_is_found(text: str) -> None:
    assert list(wrong(text)) != []


@pytest.mark.parametrize(
    "text", ["platestream up --camera cameras.toml", "platestream hits list --old 'x'", "platestream read -j"]
)
def test_an_option_that_there_is_not_is_found(text: str) -> None:
    assert list(wrong_options(text)) != []
