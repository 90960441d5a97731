"""Foreign text on HTML pages, with invisible characters written out."""

from typing import Any

from markupsafe import Markup

from platestream.schemas.escape_invisible import escape_invisible


def escape_text(value: Any) -> Any:
    """Return the text that a template shows for a value; line breaks and our own markup are unchanged."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return escape_invisible(value, keep="\n\r\t")
