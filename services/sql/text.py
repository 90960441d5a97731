"""SQL as it is typed: where statements end, and what of one may be kept in a file.

Judges nothing: the database parses and judges what it is sent.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

# Quotes and comments that are not closed yet reach to the end: more lines may follow.
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
    """A piece of text and what it is: a group of `_TOKEN`, without spaces and comments."""

    kind: str
    text: str


def split(text: str) -> tuple[list[str], str]:
    """The statements that `;` ends, without it, and what comes after the last, unfinished."""
    statements, begin = [], 0
    for match in _TOKEN.finditer(text):
        if match[0] == ";":
            statements.append(text[begin : match.start()])
            begin = match.end()
    rest = text[begin:]
    return [one.strip() for one in statements if _tokens(one)], rest.strip() if _tokens(rest) else ""


def reads(statement: str) -> bool:
    """Whether it gives rows."""
    tokens = _tokens(statement)
    return bool(tokens) and tokens[0].text.upper() in _READS


def has_format(statement: str) -> bool:
    """Whether it names the format of its answer itself, at its end."""
    words = [token.text.upper() if token.kind == "word" else "" for token in _tokens(statement)]
    return "FORMAT" in words[-2:-1] or any(
        one == "FORMAT" and other and three == "SETTINGS"
        for one, other, three in zip(words, words[1:], words[2:], strict=False)
    )


def sets(statement: str) -> bool:
    """Whether it says how later statements run."""
    return [token.text.upper() for token in _tokens(statement)][:1] in (["SET"], ["USE"])


def asks(statement: str) -> bool:
    """Whether it writes an inquiry."""
    words = [token.text.strip('`"').lower() for token in _tokens(statement)]
    return words[:1] == ["insert"] and "inquire" in words[:7]


def ids(statement: str) -> list[UUID]:
    """The ids in it, in order, each once."""
    return list(dict.fromkeys(UUID(found) for found in _UUID.findall(statement)))


def shape(statement: str, known: Collection[str]) -> str:
    """What may be kept of it: words in `known` (in lower case), signs, and numbers of three digits at most.

    Plates, case numbers, reasons and names of people are literals, and by mistake bare words, quoted names or
    comments: all of these are left out.
    """
    return re.sub(r"\s+", " ", "".join(_kept(statement, known))).strip()


def _kept(statement: str, known: Collection[str]) -> Iterator[str]:
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
