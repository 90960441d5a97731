"""What one agency asks another, and what it hears: the bodies of signed requests and answers, as JSON.

Both sides read strictly: a field that is not known, too long, or not of its kind refuses the whole, so that
nothing of another agency reaches a page or a terminal unlooked at. docs/partners.md has the whole exchange.
"""

import re
from datetime import date
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.fields import NAME, Instant, Latitude, Longitude, Name, PlateText, Share

INQUIRIES, PICTURES = "/partner/v1/inquiries", "/partner/v1/pictures"
REQUEST_TAG, ANSWER_TAG = "platestream-partner", "platestream-partner-answer"
MOST_READS = 200
LARGEST_REQUEST = 20_000
"""Bytes of a body."""
Way = Literal["search", "fuzzy", "sightings"]
Outcome = Literal[
    "answered", "refused", "not_known", "late", "unreachable", "bad_signature", "bad_answer", "not_asked"
]
SAYS: dict[Outcome, str] = {
    "answered": "answered",
    "refused": "refused",
    "not_known": "did not take our signature",
    "late": "did not answer in time",
    "unreachable": "could not be reached",
    "bad_signature": "answered without its signature, so it is not shown",
    "bad_answer": "answered what cannot be read, so it is not shown",
    "not_asked": "was not asked",
}
Said = Annotated[str, Meta(max_length=1000)]
Word = Annotated[str, Meta(max_length=64)]
Camera = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"^{NAME}$")]


class Asker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks, and why. `agency` is the asking agency's short name, `person` its own name of the person, and
    `trained_on` the day of their training, all of which that agency stands for.
    """

    agency: Name
    person: Name
    trained_on: date
    case_number: Annotated[str, Meta(max_length=200)] = ""
    reason: Said = ""
    purpose: Annotated[str, Meta(max_length=200)] = ""
    violation: Annotated[str, Meta(max_length=200)] = ""
    requester: Annotated[str, Meta(max_length=200)] = ""
    legal_basis: Said = ""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for: `plate` is a pattern with `*` and `?` for `search` and `sightings`, and a whole
    plate for `fuzzy`. The answering agency's own gate says how open it may be.
    """

    asker: Asker
    way: Way
    plate: Annotated[str, Meta(max_length=32)] = ""
    cameras: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    since: Instant | None = None
    until: Instant | None = None


class PictureOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pictures of a read that an inquiry found: a look of its own."""

    asker: Asker
    detection_id: UUID
    captured_at: Instant


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One vehicle that passed one camera of the answering agency."""

    detection_id: UUID
    captured_at: Instant
    camera_id: Camera
    latitude: Latitude
    longitude: Longitude
    plate: PlateText
    confidence: Share
    state: Annotated[str, Meta(pattern=r"^([A-Z]{2})?$")] = ""
    frames: Annotated[int, Meta(ge=0, le=100_000)] = 0
    agreeing: Annotated[int, Meta(ge=0, le=100_000)] = 0
    vehicle_make: Word = ""
    vehicle_model: Word = ""
    vehicle_colour: Word = ""
    vehicle_body: Word = ""
    match: Literal["same", "look_alike", "one_edit"] | None = None


class Reads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The newest reads, of so many that were `found`.

    `cut`: more different vehicles fit than are shown at once. It is sent only then, and an asker of an
    earlier release refuses the answer: better than to take it for all there is.
    """

    reads: Annotated[tuple[Read, ...], Meta(max_length=MOST_READS)]
    found: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    cut: bool = False


class Pictures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """JPEGs; empty where there are none any more."""

    crop: bytes = b""
    vehicle: bytes = b""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of RFC 9457; other fields of it are not looked at."""

    detail: Said = ""


class WrongAddress(ValueError):  # noqa: N818
    """Not where another agency can be; says why."""


_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.?")


def base_address(text: str) -> str:
    """`https://host[:port]` in the one form in which it is signed. Whether that place may be asked is judged
    when it is connected to (`connectors.partners.places`). Raises WrongAddress.

    >>> base_address("HTTPS://ALPR.County.Example:443/")
    'https://alpr.county.example'
    """
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise WrongAddress("no address: https://alpr.county.example:8444 is one") from None
    if parts.scheme not in ("https", "http") or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise WrongAddress("an address is https://host or https://host:port, and no more")
    if parts.username is not None or parts.password is not None:
        raise WrongAddress("no name and no password stand in an address")
    if not (_is_ip(host) or _HOST.fullmatch(host)):
        raise WrongAddress("the host is a name of letters, digits, - and ., or an IP address")
    if parts.scheme == "http" and not is_here(host):
        raise WrongAddress("http:// sends plates in clear: https:// is needed but on this machine itself")
    shown = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, usual) else "")


def is_here(host: str) -> bool:
    """Whether a host is named as this machine's loopback."""
    return ip_address(host).is_loopback if _is_ip(host) else host.rstrip(".") == "localhost"


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def printable(text: str, most: int = 300) -> str:
    """Words of another agency for a page, a terminal or the log: one line, nothing that steers a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())[:most]
