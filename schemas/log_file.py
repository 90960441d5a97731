"""What an agency says of its published log, as TOML: its name, where it is put, who witnesses and stamps it.

PLATESTREAM_LOG_FILE names the file. Keys are verifier keys of C2SP `signed-note`, `name+hash+base64`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from schemas.toml import read_toml

Origin = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\s+]*$")]
Key = Annotated[str, Meta(min_length=10, max_length=400)]
Url = Annotated[str, Meta(min_length=8, max_length=500)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class WitnessAt(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A witness of ours: its key, and the address before `/add-checkpoint`."""

    key: Key
    url: Url


class Stamps(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authority of RFC 3161, and a PEM file of the root and further certificates of its answers."""

    url: Url
    certificates: Path


class Witnessed(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of somebody else that we witness."""

    key: Key


class AsWitness(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we are called as a witness, and for which logs."""

    name: Origin
    logs: tuple[Witnessed, ...] = ()


class LogFile(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `folder` is what a web server publishes."""

    origin: Origin | None = None
    folder: Path | None = None
    witnesses: tuple[WitnessAt, ...] = ()
    timestamp: Stamps | None = None
    witness: AsWitness | None = None


def parse(text: str, beside: Path) -> LogFile:
    """Relative paths are from the folder `beside`. Raises ValueError, which names the field."""
    try:
        told = read_toml(text)
        _from(told, "folder", beside)
        if isinstance(stamps := told.get("timestamp"), dict):
            _from(stamps, "certificates", beside)
        found = msgspec.convert(told, LogFile)
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
