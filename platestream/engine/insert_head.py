"""Split of an INSERT into its SQL and its data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# An unclosed quote extends to the end, and nothing is backtracked (`*+`). Otherwise a text full of quotes
# would take quadratic time.
_TOKEN = re.compile(
    rb"(?P<space>\s+|--[^\n]*|#[ !][^\n]*|/\*.*?(?:\*/|\Z))"
    rb"|(?P<quoted>'(?:[^'\\]|\\.|'')*+'?|`(?:[^`\\]|\\.|``)*+`?|\"(?:[^\"\\]|\\.|\"\")*+\"?)"
    rb"|(?P<word>\w+)|(?P<other>.)",
    re.DOTALL,
)
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_STRING = re.compile(rb"'(?:[^'\\]|\\.|'')*+('?)", re.DOTALL)
# Outside of strings: plain characters, no quoted name, comment or sub-query, and calls of harmless functions.
_PLAIN = re.compile(rb"(?!.*--)(?!.*/\*)[\w\s(),.:+*/\[\]{}=<>-]*", re.DOTALL)
_CALLED = re.compile(rb"\b(?:(\w++)\s*+\(|(SELECT)\b)", re.IGNORECASE)
_HARMLESS_CALLS = re.compile(
    rb"now(64)?|today|yesterday|array|tuple|map|concat|generateuuidv[47]|to[a-z0-9]+", re.IGNORECASE
)
LIMIT = 256 * 1024


@dataclass(frozen=True)
class Head:
    """Head of an INSERT.

    `sql` is the statement without data, VALUES as FORMAT Values; `data_at` is the offset of the data or None.
    """

    sql: bytes
    data_at: int | None


def split(text: bytes) -> Head | None:
    """Return the head of an INSERT, or None for another statement. Only the first LIMIT bytes are examined.

    `text` is the query of the URL, a line break and the body, joined as in ClickHouse.
    """
    words = _words(text[:LIMIT])
    first = next(words, None)
    if first is None or first[0] != b"INSERT":
        return None
    for word, begin, end, depth in words:
        if depth or word in (b"SELECT", b"WITH"):
            if not depth:
                return Head(text, None)
            continue
        if word == b"VALUES":
            return Head(text[:begin] + b" FORMAT Values", end)
        if word == b"FORMAT":
            name = next(words, None)
            if name is not None:
                after = _BEFORE_DATA.match(text, name[2])
                return Head(text[: name[2]], after.end() if after else name[2])
    return Head(text, None)


def may_evaluate(data: bytes) -> bool:
    """Return whether the expressions in the data of VALUES call harmless functions only."""
    rest = _STRING.sub(lambda found: b" " if found[1] else b"'", data)
    if not _PLAIN.fullmatch(rest):
        return False
    called = (name or word for name, word in _CALLED.findall(rest))
    return all(_HARMLESS_CALLS.fullmatch(name) for name in called)


def _words(text: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (word in upper case, begin, end, depth of brackets) in order."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "word":
            yield match[0].upper(), match.start(), match.end(), depth
        elif match.lastgroup == "other":
            depth += (match[0] in (b"(", b"[", b"{")) - (match[0] in (b")", b"]", b"}"))
