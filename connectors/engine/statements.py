"""What a statement is and whether anybody may run it, read from the engine's own tokens of its own rewriting.

The engine parses the client's text and writes it anew (`formatQuerySingleLine`): one statement, no comments,
keywords in upper case, names as they are. That text is looked at here, and that text is what runs.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from connectors.engine import rules
from connectors.engine.errors import ACCESS_DENIED, EngineError


class Kind(Enum):
    """What a statement does; decides how it runs and whether GET may ask for it."""

    READ = "read"
    INSERT = "insert"
    CHANGE = "change"
    SESSION = "session"
    KILL = "kill"


_WORDS = {
    Kind.READ: r"SELECT\b|WITH\b|\(|EXPLAIN\b|DESCRIBE\b|DESC\b|EXISTS\b|CHECK (GRANT|TABLE|ALL)\b"
    r"|SHOW (?!PROCESSLIST|PRIVILEGES|FILESYSTEM|SETTINGS PROFILES)",
    Kind.INSERT: r"INSERT INTO\b",
    Kind.CHANGE: r"(CREATE|CREATE OR REPLACE) (TEMPORARY |MATERIALIZED )?(TABLE|VIEW|DATABASE|FUNCTION)\b"
    r"|(ALTER|DROP|TRUNCATE|RENAME|OPTIMIZE) (TABLE|TABLES|VIEW|DATABASE|FUNCTION)\b|EXCHANGE TABLES\b"
    r"|DELETE FROM\b|UPDATE\b|SYSTEM FLUSH LOGS\b|SYSTEM (START|STOP|REFRESH|WAIT) VIEW\b"
    r"|SYSTEM (START|STOP) (TTL )?MERGES\b",
    Kind.SESSION: r"USE\b|SET (?!ROLE\b|DEFAULT ROLE\b|TRANSACTION\b)",
    Kind.KILL: r"KILL QUERY\b",
}
_KINDS = {kind: re.compile(words) for kind, words in _WORDS.items()}
_ESCAPED = re.compile(r"\\(.)|(``)")


@dataclass(frozen=True, slots=True)
class Token:
    """One of the engine's: its type as `tokenizeQuery` names it, its text, and the space after it."""

    type: str
    text: str
    gap: str = ""

    @property
    def name(self) -> str:
        """The name that a word or quoted identifier stands for, else empty."""
        if self.type == "BareWord":
            return self.text
        if self.type == "QuotedIdentifier":
            return _ESCAPED.sub(lambda m: m[1] or "`", self.text[1:-1])
        return ""


@dataclass(frozen=True)
class Statement:
    """A statement in the engine's words."""

    kind: Kind
    tokens: tuple[Token, ...]
    format: str | None = None
    tail: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        """Without its FORMAT clause; `tail` is what came after that."""
        return written(self.tokens)

    @property
    def first(self) -> str:
        return self.tokens[0].text

    def as_asked_by(self, account: str) -> "Statement":
        """`currentUser()` and its like, in what is read and not stored, become the account that signed in."""
        if self.kind not in (Kind.READ, Kind.INSERT):
            return self
        return replace(self, tokens=tuple(_named(list(self.tokens), account)))


def folded(pairs: Iterable[tuple[str, str]]) -> tuple[Token, ...]:
    """Tokens from (type, text) as the engine lists them, spaces among them."""
    tokens: list[Token] = []
    for kind, text in pairs:
        if kind != "Whitespace":
            tokens.append(Token(sys.intern(kind), sys.intern(text)))
        elif tokens:
            tokens[-1] = replace(tokens[-1], gap=text)
    return tuple(tokens)


def statement(tokens: Sequence[Token]) -> Statement:
    """Of one statement. Raises EngineError for what nobody may run through this interface."""
    words = " ".join(token.text for token in tokens[:5])
    kind = next((kind for kind, pattern in _KINDS.items() if pattern.match(words)), None)
    if kind is None:
        begin = " ".join(words.split()[:2])
        raise EngineError(ACCESS_DENIED, f"{begin} is not a statement for clients of this engine")
    at = _format_at(tokens) if kind in (Kind.READ, Kind.INSERT) else None
    if at is None:
        return Statement(kind, tuple(tokens))
    return Statement(kind, tuple(tokens[:at]), tokens[at + 1].name, tuple(tokens[at + 2 :]))


def written(tokens: Sequence[Token]) -> str:
    """The statement's text."""
    return "".join(token.text + token.gap for token in tokens).strip()


def pairs(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Each token with the next."""
    return pairwise(tokens)


def identifier_parameters(tokens: Sequence[Token]) -> list[str]:
    """Names of the parameters that stand for identifiers: `{name:Identifier}`."""
    quads = zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)
    return [
        name.name
        for brace, name, colon, kind in quads
        if brace.text == "{" and colon.text == ":" and kind.name.lower() == "identifier"
    ]


def _format_at(tokens: Sequence[Token]) -> int | None:
    """Where a FORMAT clause of the whole statement begins: at its end, or before its last SETTINGS."""
    depth = 0
    found = None
    for at, token in enumerate(tokens[:-1]):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0 and token.text == "FORMAT" and tokens[at + 1].name:
            found = at
    if found is not None and (found + 2 == len(tokens) or tokens[found + 2].text == "SETTINGS"):
        return found
    return None


def _named(tokens: list[Token], account: str) -> Iterator[Token]:
    literal = "'" + account.replace("\\", "\\\\").replace("'", "\\'") + "'"
    at = 0
    while at < len(tokens):
        called = [token.text for token in tokens[at + 1 : at + 3]] == ["(", ")"]
        if called and tokens[at].name.lower() in rules.WHO:
            text = f"{literal} AS `{tokens[at].name}()`" if _is_column(tokens, at) else literal
            yield Token("StringLiteral", text, tokens[at + 2].gap)
            at += 3
        else:
            yield tokens[at]
            at += 1


def _is_column(tokens: list[Token], at: int) -> bool:
    """Whether a call without arguments stands alone in a list and has no other name."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 3].text if at + 3 < len(tokens) else ""
    return before in ("SELECT", "DISTINCT", ",") and after in ("", ",", "FROM")
