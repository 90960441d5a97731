"""Statements of clients: their kind, read from the engine's own tokens of its formatted text.

The engine parses the client's text and formats it (`formatQuerySingleLine`): one statement, no comments,
keywords in upper case, names unchanged. That text is checked here, and that text is run.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from platestream.engine import allowed_names
from platestream.engine.errors import ACCESS_DENIED, EngineError


class Kind(Enum):
    """Kind of a statement; it decides how the statement runs and whether GET may send it."""

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
    """A token of the engine: its type as in `tokenizeQuery`, its text, and the space after it."""

    type: str
    text: str
    gap: str = ""

    @property
    def name(self) -> str:
        """The name that a word or quoted identifier denotes, else empty."""
        if self.type == "BareWord":
            return self.text
        if self.type == "QuotedIdentifier":
            return _ESCAPED.sub(lambda m: m[1] or "`", self.text[1:-1])
        return ""


@dataclass(frozen=True)
class Statement:
    """A statement as the engine formats it."""

    kind: Kind
    tokens: tuple[Token, ...]
    format: str | None = None
    tail: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        """The statement without its FORMAT clause; `tail` is the part after it."""
        return join_tokens(self.tokens)

    @property
    def first(self) -> str:
        return self.tokens[0].text

    def for_account(self, account: str) -> "Statement":
        """Return the statement with `currentUser()` and similar calls replaced by the account that signed in.

        This applies to reads and inserts only, not to stored expressions.
        """
        if self.kind not in (Kind.READ, Kind.INSERT):
            return self
        return replace(self, tokens=tuple(_named(list(self.tokens), account)))


def make_tokens(pairs: Iterable[tuple[str, str]]) -> tuple[Token, ...]:
    """Return tokens from (type, text) pairs as the engine lists them, with spaces among them."""
    tokens: list[Token] = []
    for kind, text in pairs:
        if kind != "Whitespace":
            tokens.append(Token(sys.intern(kind), sys.intern(text)))
        elif tokens:
            tokens[-1] = replace(tokens[-1], gap=text)
    return tuple(tokens)


def parse_statement(tokens: Sequence[Token]) -> Statement:
    """Return the parsed statement. Raises EngineError for statements that this interface does not allow."""
    words = " ".join(token.text for token in tokens[:5])
    kind = next((kind for kind, pattern in _KINDS.items() if pattern.match(words)), None)
    if kind is None:
        begin = " ".join(words.split()[:2])
        raise EngineError(ACCESS_DENIED, f"{begin} is not a statement for clients of this engine")
    at = _format_at(tokens) if kind in (Kind.READ, Kind.INSERT) else None
    if at is None:
        return Statement(kind, tuple(tokens))
    return Statement(kind, tuple(tokens[:at]), tokens[at + 1].name, tuple(tokens[at + 2 :]))


def join_tokens(tokens: Sequence[Token]) -> str:
    """Return the text of the tokens."""
    return "".join(token.text + token.gap for token in tokens).strip()


def pairs(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Yield each token with the next one."""
    return pairwise(tokens)


def identifier_parameters(tokens: Sequence[Token]) -> list[str]:
    """Return the names of parameters that are identifiers: `{name:Identifier}`."""
    quads = zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)
    return [
        name.name
        for brace, name, colon, kind in quads
        if brace.text == "{" and colon.text == ":" and kind.name.lower() == "identifier"
    ]


def _format_at(tokens: Sequence[Token]) -> int | None:
    """Return the index of a FORMAT clause of the whole statement: at its end, or before its last SETTINGS."""
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
        if called and tokens[at].name.lower() in allowed_names.ACCOUNT_FUNCTIONS:
            text = f"{literal} AS `{tokens[at].name}()`" if _is_column(tokens, at) else literal
            yield Token("StringLiteral", text, tokens[at + 2].gap)
            at += 3
        else:
            yield tokens[at]
            at += 1


def _is_column(tokens: list[Token], at: int) -> bool:
    """Return whether a call without arguments is an item of a list without an alias."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 3].text if at + 3 < len(tokens) else ""
    return before in ("SELECT", "DISTINCT", ",") and after in ("", ",", "FROM")
