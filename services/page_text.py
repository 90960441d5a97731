"""Text of others on pages of HTML: what a reader would not see is written out."""

from typing import Any

from markupsafe import Markup

from schemas.visible import visible


def seen(value: Any) -> Any:
    """Return what a template shows for a value; ends of lines stay, and so does markup of our own."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return visible(value, keep="\n\r\t")
