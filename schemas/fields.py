"""Field types that several records share, and the base class of all records."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from platestream.schemas.message import RefusedError

T = TypeVar("T")

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of msgspec for bytes that are not JSON of the required type; the last two are for text that is not
UTF-8, or too deeply nested."""

NAME = r"[A-Za-z0-9][A-Za-z0-9 ._:@/#-]*"
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"^{NAME}$")]
Text = Annotated[str, Meta(max_length=2000)]
PlateText = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,10}$", description="A-Z and 0-9 only, upper case")]
State = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="postal code of the state of issue")]
# Issuers of plates, as hot lists write them. Reads of a camera use the wider type `State`.
_US = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI US"
)
_CANADA = "AB BC MB NB NF NL NK NS NT NU ON PE PQ QC SK YT"  # NF, NK and PQ are older, or NCIC's own
_MEXICO = "MX MM"
STATES = frozenset(f"{_US} {_CANADA} {_MEXICO}".split())
Share = Annotated[float, Meta(ge=0, le=1)]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees north, WGS 84")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees east, WGS 84")]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]


@cache
def is_zone(name: str) -> bool:
    """Return whether `name` is a time zone of the IANA database on this machine."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def rfc3339(moment: datetime) -> str:
    """Return a timestamp in UTC to the millisecond, such as 2026-05-04T18:00:21.160Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _make_decoder(record: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(record)


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", gc=False):
    """Base of the records that cross a topic: JSON, with `schema` naming the record and its version.

    Within a version fields are only added, each with a default. A newer program can read what an older one
    wrote, and an older one ignores a field that it does not know. A field that an older program must not
    ignore, because more would be seen or done without it, needs a new version: older programs reject it,
    newer ones read both.

    A record is a tree, so the garbage collector does not track it. Tracking took a third of the match flow's
    time.
    """

    def to_json(self) -> bytes:
        """Return the record as JSON: fields in declared order, bytes in base64, times in RFC 3339."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, value: bytes | None) -> Self:
        """Decode and validate `value`. Raises RefusedError, which names the field and never the value."""
        if value is None:
            raise RefusedError("empty", f"{cls.__name__} without a value")
        try:
            read: Self = _make_decoder(cls).decode(value)
        except msgspec.ValidationError as error:
            raise RefusedError("schema", str(error)) from error
        except NOT_JSON as error:
            raise RefusedError("not_json", f"{cls.__name__} that is not JSON") from error
        if b'"schema"' not in value:
            raise RefusedError("schema", f"{cls.__name__} without `schema`, which names record and version")
        return read


class Box(msgspec.Struct, frozen=True, gc=False):
    """A rectangle in pixels of the frame; x, y is the upper left corner."""

    x: Annotated[int, Meta(ge=0)]
    y: Annotated[int, Meta(ge=0)]
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]


class Vehicle(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Features of the vehicle as the camera or a reader reports them; None if unknown."""

    make: Annotated[str, Meta(max_length=64)] | None = None
    model: Annotated[str, Meta(max_length=64)] | None = None
    colour: Annotated[str, Meta(max_length=64)] | None = None
    body: Annotated[str, Meta(max_length=64)] | None = None
    other: dict[str, Annotated[str, Meta(max_length=200)]] = {}


COARSE_TYPES = {"car": ("sedan", "coupe", "hatchback", "wagon", "convertible"), "van": ("minivan",)}
"""Types that the pictures do not tell apart: one word of the reader for several of a list's."""
_SHARE = re.compile(r"[01]\.[0-9]{2}")


def is_source(name: str) -> bool:
    """Return whether a name of `Vehicle.other` says where a feature comes from, not how the vehicle is."""
    return name.endswith(("_from", "_confidence"))


def from_picture(other: Mapping[str, str]) -> str:
    """Return which features the reader took from the picture, with their confidence, such as `color 93 %`."""
    words = {"colour": "color", "body": "type", "direction": "direction"}
    shares = {
        name: other.get(f"{name}_confidence", "") for name in words if other.get(f"{name}_from") == "picture"
    }
    return ", ".join(
        f"{words[name]} {100 * float(share):.0f} %"
        for name, share in shares.items()
        if _SHARE.fullmatch(share)
    )
