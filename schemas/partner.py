"""Bodies of the signed requests and answers between agencies, as JSON.

Both sides decode strictly. An unknown field, one that is too long or one of the wrong type rejects the whole
body, so that no unchecked text of another agency reaches a page or a terminal. The exchange is described in
docs/how-to/administrator/partners.md.
"""

import re
from datetime import date
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta

from platestream.schemas.fields import NAME, Instant, Latitude, Longitude, Name, PlateText, Share
from platestream.schemas.loopback import is_loopback

INQUIRIES, PICTURES = "/partner/v1/inquiries", "/partner/v1/pictures"
REQUEST_TAG, ANSWER_TAG = "platestream-partner", "platestream-partner-answer"
MOST_READS = 200
LARGEST_REQUEST = 20_000
"""Size limit of a request body, bytes."""
Way = Literal["search", "fuzzy", "sightings"]
Outcome = Literal[
    "answered", "refused", "not_known", "late", "unreachable", "bad_signature", "bad_answer", "not_asked"
]
OUTCOME_TEXTS: dict[Outcome, str] = {
    "answered": "answered",
    "refused": "refused",
    "not_known": "did not take our signature",
    "late": "did not answer in time",
    "unreachable": "could not be reached",
    "bad_signature": "answered without its signature, so it is not shown",
    "bad_answer": "answered what cannot be read or was not asked for, so it is not shown",
    "not_asked": "was not asked",
}
Remark = Annotated[str, Meta(max_length=1000)]
Word = Annotated[str, Meta(max_length=64)]
Camera = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"^{NAME}$")]


class Asker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person and agency behind a request, and the reason.

    `agency` is the short name of the requesting agency, `person` that agency's name for the person and
    `trained_on` the day of their training. The requesting agency vouches for all of these.
    """

    agency: Name
    person: Name
    trained_on: date
    case_number: Annotated[str, Meta(max_length=200)] = ""
    reason: Remark = ""
    purpose: Annotated[str, Meta(max_length=200)] = ""
    violation: Annotated[str, Meta(max_length=200)] = ""
    requester: Annotated[str, Meta(max_length=200)] = ""
    legal_basis: Remark = ""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search at another agency.

    `plate` is a pattern with `*` and `?` for `search` and `sightings`, and a complete plate for `fuzzy`. The
    gate of the answering agency decides how many known characters are required.
    """

    asker: Asker
    way: Way
    plate: Annotated[str, Meta(max_length=32)] = ""
    cameras: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    since: Instant | None = None
    until: Instant | None = None


class PictureOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for the pictures of a read that an inquiry found. It is a separate inquiry."""

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
    """The newest reads of the `found` ones.

    `cut`: more different vehicles match than are shown at once. The field is sent only then. A requesting
    agency with an earlier release rejects the answer, which is better than taking it as complete.
    """

    reads: Annotated[tuple[Read, ...], Meta(max_length=MOST_READS)]
    found: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    cut: bool = False


class Pictures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JPEG pictures; empty if they no longer exist."""

    crop: bytes = b""
    vehicle: bytes = b""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of RFC 9457; its other fields are ignored."""

    detail: Remark = ""


class InvalidAddress(ValueError):  # noqa: N818
    """An address that no other agency can have; the message says why."""


_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.?")


def base_address(text: str) -> str:
    """Return `https://host[:port]` in the normal form in which it is signed.

    `platestream.partners.addresses` checks on connecting if the address may be used. Raises WrongAddress.

    >>> base_address("HTTPS://ALPR.County.Example:443/")
    'https://alpr.county.example'
    """
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise InvalidAddress("no address: https://alpr.county.example:8444 is one") from None
    if parts.scheme not in ("https", "http") or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidAddress("an address is https://host or https://host:port, and no more")
    if parts.username is not None or parts.password is not None:
        raise InvalidAddress("no name and no password stand in an address")
    if not (_is_ip(host) or _HOST.fullmatch(host)):
        raise InvalidAddress("the host is a name of letters, digits, - and ., or an IP address")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidAddress("http:// sends plates in clear: https:// is needed but on this machine itself")
    shown = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, usual) else "")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def printable(text: str, most: int = 300) -> str:
    """Return text of another agency as one line of at most `most` characters, without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())[:most]
