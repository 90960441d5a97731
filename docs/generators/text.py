"""Texts of generated pages."""

import re
from typing import Any


def prose(text: str) -> str:
    """Return paragraphs without indentation and empty lines."""
    return "\n".join(line.strip() for line in text.strip().splitlines() if line.strip())


def cell(text: str) -> str:
    """Return text as a cell of a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def value(value: Any) -> str:
    """Return a default as it is written."""
    return str(getattr(value, "value", value))
