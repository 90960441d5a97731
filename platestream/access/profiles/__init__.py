"""Profiles of agencies' rules as files: the ones in this package by name, an agency's own by path.

PLATESTREAM_PROFILE names one: `st-johns`, `virginia`, `new-jersey`, or a `.toml` file of the same form.
"""

from importlib.resources import files
from pathlib import Path

from platestream.schemas.profile import Profile, ProfileError, parse


def names() -> list[str]:
    """Return the names of the profiles in the package."""
    return sorted(one.name[:-5] for one in files(__name__).iterdir() if one.name.endswith(".toml"))


def load(name: str) -> Profile:
    """Return a profile by name or path. Raises ProfileError, which names file, line and field."""
    if name in names():
        return parse((files(__name__) / f"{name}.toml").read_text("utf-8"), name)
    path = Path(name)
    if path.suffix != ".toml":
        raise ProfileError(f"no profile {name}: it is one of {', '.join(names())}, or a .toml file")
    try:
        return parse(path.read_text(encoding="utf-8"), name)
    except OSError as error:
        raise ProfileError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{name}: the file is not in UTF-8") from None
