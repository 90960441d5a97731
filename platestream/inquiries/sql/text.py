"""Typed SQL text: the ends of statements, and the parts that may be stored in a file.

This judges nothing: the database parses and judges the statements.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

# Unclosed quotes and comments extend to the end, because more lines may follow.
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<comment>--[^\n]*|#[ !][^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:[^'\\]|\\(?:.|\Z)|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))"
    r"|(?P<quoted>`(?:[^`\\]|\\(?:.|\Z)|``)*(?:`|\Z)|\"(?:[^\"\\]|\\(?:.|\Z)|\"\")*(?:\"|\Z))"
    r"|(?P<number>\d+(?!\w))"
    r"|(?P<word>\w+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_READS = frozenset(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "FROM", "("])

LEFT_OUT = "…"


class Token(NamedTuple):
    """A piece of text and its kind: a group of `_TOKEN`, without spaces and comments."""

    kind: str
    text: str


def split(text: str) -> tuple[list[str], str]:
    """Return the statements that end with `;`, without it, and the unfinished rest."""
    statements, begin = [], 0
    for match in _TOKEN.finditer(text):
        if match[0] == ";":
            statements.append(text[begin : match.start()])
            begin = match.end()
    rest = text[begin:]
    return [one.strip() for one in statements if _tokens(one)], rest.strip() if _tokens(rest) else ""


def reads(statement: str) -> bool:
    """Return whether a statement has rows as its result."""
    tokens = _tokens(statement)
    return bool(tokens) and tokens[0].text.upper() in _READS


def has_format(statement: str) -> bool:
    """Return whether a statement names the format of its result at its end."""
    words = [token.text.upper() if token.kind == "word" else "" for token in _tokens(statement)]
    return "FORMAT" in words[-2:-1] or any(
        one == "FORMAT" and other and three == "SETTINGS"
        for one, other, three in zip(words, words[1:], words[2:], strict=False)
    )


def changes_settings(statement: str) -> bool:
    """Return whether a statement changes the settings of later ones."""
    return [token.text.upper() for token in _tokens(statement)][:1] in (["SET"], ["USE"])


def writes_inquiry(statement: str) -> bool:
    """Return whether a statement writes an inquiry."""
    words = [token.text.strip('`"').lower() for token in _tokens(statement)]
    named = [word for word in words[:7] if word == "inquire" or word.startswith("inquire_")]
    return words[:1] == ["insert"] and bool(named)


def ids(statement: str) -> list[UUID]:
    """Return the ids in a statement, in order, each once."""
    return list(dict.fromkeys(UUID(found) for found in _UUID.findall(statement)))


def shape(statement: str, known: Collection[str]) -> str:
    """Return the storable form of a statement: words in `known` (in lower case), signs, and numbers of three
    digits at most.

    Plates, case numbers, reasons and names of people are literals, and by mistake bare words, quoted names or
    comments: all of these are left out.
    """
    return re.sub(r"\s+", " ", "".join(_is_storable(statement, known))).strip()


def _is_storable(statement: str, known: Collection[str]) -> Iterator[str]:
    for match in _TOKEN.finditer(statement):
        kind, text = str(match.lastgroup), match[0]
        if kind in ("space", "comment"):
            yield " "
        elif kind == "string":
            yield f"'{LEFT_OUT}'"
        elif kind == "other":
            yield text if text.isascii() else LEFT_OUT
        elif kind == "number":
            yield text if len(text) <= 3 else LEFT_OUT
        else:
            yield text if text.strip('`"').lower() in known else LEFT_OUT


def _tokens(text: str) -> list[Token]:
    return [
        Token(str(match.lastgroup), match[0])
        for match in _TOKEN.finditer(text)
        if match.lastgroup not in ("space", "comment")
    ]
