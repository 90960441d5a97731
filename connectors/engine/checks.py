"""Whether a statement stays in the engine: functions, clauses, settings, table engines, tables of `system`.

Who may read or write what is the engine's to say, by roles. What is looked at here is what no grant covers:
an engine made to be embedded opens files and addresses for its user, and all accounts are one user to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.engine import rules
from connectors.engine.errors import ACCESS_DENIED, NOT_IMPLEMENTED, SETTING_CONSTRAINT, EngineError
from connectors.engine.statements import Statement, Token, pairs

_NOT_IN_USE = "name tables of system in full, as system.tables: it is never the database in use"
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")


@dataclass(frozen=True)
class Checks:
    """`table_functions` and `storage` are names the engine knows: its table functions, settings of tables."""

    table_functions: frozenset[str]
    storage: frozenset[str]

    def check(self, asked: Statement, *, owner: bool) -> None:
        """Raises EngineError with a sentence unless every name and clause is one that `rules` let through.

        `owner` accounts may look into all of `system`; all else is the same for everybody.
        """
        tokens = (*asked.tokens, *asked.tail)
        _clauses(tokens)
        for name in _called(tokens):
            self._function(name, tokens)
        for name in _settings(asked, tokens):
            self._setting(name, stored=asked.first in ("CREATE", "ALTER"))
        if asked.first == "CREATE":
            _creates(tokens)
        if asked.first == "SHOW" and "GRANTS" in [token.text for token in tokens]:
            raise EngineError(
                ACCESS_DENIED, "roles come from the users files: SELECT currentRoles(), or SHOW CURRENT ROLES"
            )
        if not owner:
            _system(asked, tokens)

    def check_parameter(self, value: str, *, owner: bool) -> None:
        """What an identifier parameter may be: one plain name."""
        if not value.isidentifier() or (value == "system" and not owner):
            raise EngineError(
                ACCESS_DENIED, "a parameter of type Identifier is one plain name, and not system"
            )

    def check_database(self, name: str, *, owner: bool) -> None:
        """Whether `name` may be the database in use."""
        if name == "system" and not owner:
            raise EngineError(ACCESS_DENIED, _NOT_IN_USE)

    def _function(self, name: str, tokens: Sequence[Token]) -> None:
        lower = name.lower()
        outside = lower in self.table_functions and lower not in rules.TABLE_FUNCTIONS
        if outside or rules.FUNCTIONS.fullmatch(lower):
            raise EngineError(
                ACCESS_DENIED, f"the function {name} reaches out of the engine: not for its clients"
            )
        if lower == "format":
            _scalar_format(tokens)

    def _setting(self, name: str, *, stored: bool) -> None:
        if name.startswith("param_") or rules.setting_allowed(name):
            return
        if stored and name in self.storage and name not in rules.STORAGE_ELSEWHERE:
            return
        raise EngineError(SETTING_CONSTRAINT, f"the setting {name} is not for clients of this engine")


def _clauses(tokens: Sequence[Token]) -> None:
    for one, two in pairs(tokens):
        words = f"{one.text} {two.text}"
        if words in ("INTO OUTFILE", "FROM INFILE"):
            raise EngineError(ACCESS_DENIED, f"{words} means a file of the client; this engine opens none")
        if words == "PARALLEL WITH":
            raise EngineError(NOT_IMPLEMENTED, "one statement at a time: PARALLEL WITH is not supported here")


def _called(tokens: Sequence[Token]) -> Iterator[str]:
    """Names that are called, and those that APPLY calls. The engine writes no space between name and bracket
    of a call, and one between a table and its columns."""
    for before, token in pairs(tokens):
        if token.text == "(" and before.name and not before.gap:
            yield before.name
        if before.text == "APPLY" and token.name:
            yield token.name
    for one, two, three in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if one.text == "APPLY" and two.text == "(" and three.name:
            yield three.name


def _scalar_format(tokens: Sequence[Token]) -> None:
    """`format('{} {}', a, b)` writes text; the table function of this name evaluates it."""
    for one, two, three in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if one.name.lower() == "format" and two.text == "(" and "{" not in three.text:
            raise EngineError(ACCESS_DENIED, "the table function format is not for clients of this engine")


def _settings(asked: Statement, tokens: Sequence[Token]) -> Iterator[str]:
    """Names in SET, in SETTINGS clauses at any depth, and in MODIFY SETTING."""
    for at, token in enumerate(tokens):
        if token.text in ("SETTINGS", "SETTING") or (at == 0 and asked.first == "SET"):
            yield from _assigned(tokens, at + 1)
        elif token.name == "log_comment" and tokens[at + 1 : at + 2] and tokens[at + 1].text == "=":
            yield token.name


def _assigned(tokens: Sequence[Token], at: int) -> Iterator[str]:
    """Names of `name = value, name = value …` from `at` on; a name with dots is one."""
    while True:
        equals = next((i for i in range(at, len(tokens)) if tokens[i].text == "="), None)
        name = tokens[at:equals]
        if equals is None or not name or any(not part.name and part.text != "." for part in name):
            return
        yield "".join(part.name or "." for part in name)
        at = _after_value(tokens, equals + 1)
        if tokens[at : at + 1] and tokens[at].text != ",":
            return
        at += 1


def _after_value(tokens: Sequence[Token], at: int) -> int:
    """Where the value that begins at `at` has ended: at a comma or bracket of an outer level, or a word."""
    depth, begin = 0, at
    while at < len(tokens):
        text = tokens[at].text
        if depth == 0 and (text == "," or text in _CLOSE or (at > begin and tokens[at].name)):
            return at
        depth += (text in _OPEN) - (text in _CLOSE)
        at += 1
    return at


def _creates(tokens: Sequence[Token]) -> None:
    words = [token.text for token in tokens]
    if "TEMPORARY" in words[:4]:
        raise EngineError(
            NOT_IMPLEMENTED, "sessions here keep settings and the database in use, no temporary tables"
        )
    if "FUNCTION" in words[:4] and "LANGUAGE" in words:
        raise EngineError(
            ACCESS_DENIED, "functions here are SQL expressions: CREATE FUNCTION name AS (x) -> …"
        )
    for at, word in enumerate(words[:-2]):
        if word == "ENGINE" and words[at + 1] == "=" and not rules.ENGINES.fullmatch(tokens[at + 2].name):
            raise EngineError(
                ACCESS_DENIED, f"the table engine {words[at + 2]} is not for clients of this engine"
            )


def _system(asked: Statement, tokens: Sequence[Token]) -> None:
    if asked.first == "SYSTEM":
        raise EngineError(ACCESS_DENIED, "SYSTEM is for the owner's account only")
    names = [token.name for token in tokens]
    if asked.first == "USE" and "system" in names:
        raise EngineError(ACCESS_DENIED, _NOT_IN_USE)
    for at, name in enumerate(names[:-2]):
        if name == "system" and tokens[at + 1].text == "." and names[at + 2] not in rules.SYSTEM_TABLES:
            raise EngineError(
                ACCESS_DENIED, f"system.{names[at + 2]} tells of what others do: for the owner's account only"
            )
