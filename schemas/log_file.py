"""Settings of an agency's published log, as TOML: its name, its folder, its witnesses and time stamps.

PLATESTREAM_LOG_FILE names the file. Keys are verifier keys of C2SP `signed-note`, `name+hash+base64`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from platestream.schemas.toml import read_toml

Origin = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\s+]*$")]
Key = Annotated[str, Meta(min_length=10, max_length=400)]
Url = Annotated[str, Meta(min_length=8, max_length=500)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class WitnessAt(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A witness of this log: its key, and its address without `/add-checkpoint`."""

    key: Key
    url: Url


class Stamps(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time stamp authority (RFC 3161), and a PEM file with its root and further certificates."""

    url: Url
    certificates: Path


class Witnessed(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of another operator that this installation witnesses."""

    key: Key


class AsWitness(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name of this installation as a witness, and the logs that it witnesses."""

    name: Origin
    logs: tuple[Witnessed, ...] = ()


class LogFile(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. A web server publishes `folder`; with `counts` also the hourly counts by camera."""

    origin: Origin | None = None
    folder: Path | None = None
    counts: bool = False
    witnesses: tuple[WitnessAt, ...] = ()
    timestamp: Stamps | None = None
    witness: AsWitness | None = None


def parse(text: str, beside: Path) -> LogFile:
    """Return the settings in `text`. Relative paths are resolved from the folder `beside`.

    Raises ValueError, which names the field.
    """
    try:
        table = read_toml(text)
        _from(table, "folder", beside)
        if isinstance(stamps := table.get("timestamp"), dict):
            _from(stamps, "certificates", beside)
        found = msgspec.convert(table, LogFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    urls = [one.url for one in found.witnesses] + ([found.timestamp.url] if found.timestamp else [])
    for url in urls:
        if not _is_http(url):
            raise ValueError(f"{url} is no address of a server: http:// or https://, and a host")
    return found


def _from(table: dict[str, Any], name: str, beside: Path) -> None:
    if isinstance(path := table.get(name), str):
        table[name] = beside / path


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
