"""Untrusted text made visible: nothing in it moves a cursor, hides, reorders or forges a line."""

import re

# Printable in Unicode but invisible: fillers of Hangul, a blank of Braille, variation selectors, grapheme
# joiners, and vowels of Khmer that are not written.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_UNSEEN_CHAR = re.compile(f"[{_UNSEEN}]")


def escape_invisible(text: str, keep: str = "") -> str:
    """Return `text` with each character that a reader would not see written as an escape of Python.

    These are control characters (so escapes of terminals, and ends of lines), marks that reorder text,
    characters without a width, spaces other than U+0020, and code points that stand for nothing. Characters
    in `keep` stay.

    >>> escape_invisible("ABC\\x1b[2J123\\n\\u202e\\u200b"), escape_invisible("a\\nb", keep="\\n") == "a\\nb"
    ('ABC\\\\x1b[2J123\\\\n\\\\u202e\\\\u200b', True)
    """
    if text.isprintable() and not _UNSEEN_CHAR.search(text):
        return text
    return "".join(one if one in keep or _is_visible(one) else _escape(one) for one in text)


def escape_invisible_json(text: str) -> str:
    """Return a JSON text of the same values in which invisible characters are escaped."""
    if text.isprintable() and not _UNSEEN_CHAR.search(text):
        return text
    return "".join(one if one in "\n" or _is_visible(one) else _escape_of_json(one) for one in text)


def _is_visible(char: str) -> bool:
    return char.isprintable() and not _UNSEEN_CHAR.match(char)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _escape_of_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
