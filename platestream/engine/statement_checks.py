"""Checks that a statement stays within the engine.

They cover functions, clauses, settings, table engines and system tables. The engine itself checks by roles
who may read or write which table. The checks here cover what no grant does: an embedded engine opens files
and addresses for its user, and all accounts are the same user to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from platestream.engine import allowed_names
from platestream.engine.errors import ACCESS_DENIED, NOT_IMPLEMENTED, SETTING_CONSTRAINT, EngineError
from platestream.engine.statements import Statement, Token, pairs

_NOT_CURRENT = "name tables of system in full, as system.tables: it is never the database in use"
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")


@dataclass(frozen=True)
class StatementChecks:
    """Checks of statements.

    `table_functions` and `storage` are the engine's table functions and table settings.
    """

    table_functions: frozenset[str]
    storage: frozenset[str]

    def check(self, statement: Statement, *, owner: bool) -> None:
        """Raise EngineError with a sentence unless `rules` allow every name and clause.

        `owner` accounts may read all of `system`; everything else is the same for all accounts.
        """
        tokens = (*statement.tokens, *statement.tail)
        _clauses(tokens)
        for name in _called(tokens):
            self._function(name, tokens)
        for name in _settings(statement, tokens):
            self._setting(name, stored=statement.first in ("CREATE", "ALTER"))
        if statement.first == "CREATE":
            _creates(tokens)
        if statement.first == "SHOW" and "GRANTS" in [token.text for token in tokens]:
            raise EngineError(
                ACCESS_DENIED, "roles come from the users files: SELECT currentRoles(), or SHOW CURRENT ROLES"
            )
        if not owner:
            _system(statement, tokens)

    def check_parameter(self, value: str, *, owner: bool) -> None:
        """Raise EngineError unless the value of an identifier parameter is one plain name."""
        if not value.isidentifier() or (value == "system" and not owner):
            raise EngineError(
                ACCESS_DENIED, "a parameter of type Identifier is one plain name, and not system"
            )

    def check_database(self, name: str, *, owner: bool) -> None:
        """Raise EngineError unless `name` may be the current database."""
        if name == "system" and not owner:
            raise EngineError(ACCESS_DENIED, _NOT_CURRENT)

    def _function(self, name: str, tokens: Sequence[Token]) -> None:
        lower = name.lower()
        outside = lower in self.table_functions and lower not in allowed_names.TABLE_FUNCTIONS
        if outside or allowed_names.FUNCTIONS.fullmatch(lower):
            raise EngineError(
                ACCESS_DENIED, f"the function {name} reaches out of the engine: not for its clients"
            )
        if lower == "format":
            _scalar_format(tokens)

    def _setting(self, name: str, *, stored: bool) -> None:
        if name.startswith("param_") or allowed_names.setting_allowed(name):
            return
        if stored and name in self.storage and name not in allowed_names.STORAGE_SETTINGS:
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
    """Yield names that are called, also by APPLY.

    The engine writes no space between name and bracket of a call, and one between a table and its columns.
    """
    for before, token in pairs(tokens):
        if token.text == "(" and before.name and not before.gap:
            yield before.name
        if before.text == "APPLY" and token.name:
            yield token.name
    for one, two, three in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if one.text == "APPLY" and two.text == "(" and three.name:
            yield three.name


def _scalar_format(tokens: Sequence[Token]) -> None:
    """Reject the table function `format`, which evaluates text; `format('{} {}', a, b)` only writes text."""
    for one, two, three in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if one.name.lower() == "format" and two.text == "(" and "{" not in three.text:
            raise EngineError(ACCESS_DENIED, "the table function format is not for clients of this engine")


def _settings(statement: Statement, tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the names in SET, in SETTINGS clauses at any depth, and in MODIFY SETTING."""
    for at, token in enumerate(tokens):
        if token.text in ("SETTINGS", "SETTING") or (at == 0 and statement.first == "SET"):
            yield from _assigned(tokens, at + 1)
        elif token.name == "log_comment" and tokens[at + 1 : at + 2] and tokens[at + 1].text == "=":
            yield token.name


def _assigned(tokens: Sequence[Token], at: int) -> Iterator[str]:
    """Yield the names of `name = value, name = value …` from `at`; a name with dots is one."""
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
    """Return the index after the value at `at`: of a comma or bracket of an outer level, or of a word."""
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
        if (
            word == "ENGINE"
            and words[at + 1] == "="
            and not allowed_names.TABLE_ENGINES.fullmatch(tokens[at + 2].name)
        ):
            raise EngineError(
                ACCESS_DENIED, f"the table engine {words[at + 2]} is not for clients of this engine"
            )


def _system(statement: Statement, tokens: Sequence[Token]) -> None:
    if statement.first == "SYSTEM":
        raise EngineError(ACCESS_DENIED, "SYSTEM is for the owner's account only")
    names = [token.name for token in tokens]
    if statement.first == "USE" and "system" in names:
        raise EngineError(ACCESS_DENIED, _NOT_CURRENT)
    for at, name in enumerate(names[:-2]):
        if (
            name == "system"
            and tokens[at + 1].text == "."
            and names[at + 2] not in allowed_names.SYSTEM_TABLES
        ):
            raise EngineError(
                ACCESS_DENIED, f"system.{names[at + 2]} tells of what others do: for the owner's account only"
            )
