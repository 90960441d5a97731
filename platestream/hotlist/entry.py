"""Conversion between a hot list entry and text by name of field, as in files and forms."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from platestream.schemas import plates
from platestream.schemas.fields import STATES
from platestream.schemas.hotlist import OWN_MUST_HAVE, HotListEntry
from platestream.schemas.message import RefusedError

TEXT = ("case_number", "reason", "requested_by", "contact", "instructions", "other")
WIDE = ("make", "model", "colour", "body")


def make_entry(source: str, given: Mapping[str, Any], zone: tzinfo = UTC) -> HotListEntry:
    """Make an entry of `source` from fields by name (`platestream.hotlist.files.formats.COLUMNS`).

    Lists are separated by `;`: cameras and agencies by name, areas as `34.5 -109.4 800` (meters), hours as
    `mon tue 22:00-06:00`, marks as `sticker=moose`. Dates and hours are in `zone`, the agency's own. Raises
    RefusedError that names the wrong field.
    """
    texts = {name: str(value or "").strip() for name, value in given.items()}
    if not texts.get("reference"):
        raise RefusedError("schema", "`reference` is missing: it tells entries of a source apart")
    vehicle: dict[str, Any] = {name: texts[name] for name in WIDE if texts.get(name)}
    if marks := [_pair(one, "marks") for one in _several(texts.get("marks"))]:
        vehicle["other"] = dict(marks)
    entry: dict[str, Any] = {
        "schema": "hotlist_entry/1",
        "entry_id": f"{source}:{texts['reference']}",
        "source": source,
        "category": texts.get("category", ""),
        "plate": _plate(texts.get("plate", "")),
        "vehicle": vehicle,
        "expires_at": parse_time(texts.get("expires_at", ""), "expires_at", zone),
        **{name: texts[name] for name in TEXT if texts.get(name)},
    }
    if texts.get("state"):
        entry["state"] = _state(texts["state"])
    if texts.get("valid_from"):
        entry["valid_from"] = parse_time(texts["valid_from"], "valid_from", zone, begin=True)
    for name in ("look_alikes", "again_after_s"):
        if texts.get(name):
            entry[name] = _number(texts[name], name)
    for name, each in (
        ("cameras", str),
        ("silenced_for", str),
        ("areas", _area),
        ("hours", partial(_hours, zone)),
    ):
        if texts.get(name):
            entry[name] = [each(one) for one in _several(texts[name])]
    return HotListEntry.from_json(msgspec.json.encode(entry))


def check_complete(given: Mapping[str, Any]) -> None:
    """Check that all fields that section H of the order asks for are there. Raises RefusedError that names
    those that are missing.
    """
    missing = [name for name in (*OWN_MUST_HAVE, "expires_at") if not str(given.get(name) or "").strip()]
    if missing:
        names = ", ".join(missing)
        raise RefusedError("schema", f"an entry that a person makes needs {names} (order, section H)")


def to_fields(entry: HotListEntry, zone: tzinfo = UTC) -> dict[str, str]:
    """Return the text by name of field from which `make_entry` makes this entry, for a form.

    Raises RefusedError for an entry that cannot be written so, for example with hours of another time zone.
    """
    vehicle = entry.vehicle
    fields = {
        "reference": entry.entry_id.removeprefix(f"{entry.source}:"),
        "category": entry.category,
        "plate": entry.plate,
        "state": entry.state or "",
        **{name: getattr(vehicle, name) or "" for name in WIDE},
        "marks": "; ".join(f"{name}={value}" for name, value in vehicle.other.items()),
        **{name: getattr(entry, name) for name in TEXT},
        "expires_at": _as_date(entry.expires_at, zone, time(23, 59, 59)),
        "valid_from": _as_date(entry.valid_from, zone, time()) if entry.valid_from else "",
        "look_alikes": "" if entry.look_alikes is None else str(entry.look_alikes),
        "again_after_s": str(entry.again_after_s),
        "cameras": "; ".join(entry.cameras),
        "silenced_for": "; ".join(entry.silenced_for),
        "areas": "; ".join(f"{one.latitude} {one.longitude} {one.radius_m}" for one in entry.areas),
        "hours": "; ".join(" ".join((*one.days, f"{one.start}-{one.end}")) for one in entry.hours),
    }
    try:
        same = make_entry(entry.source, fields, zone) == msgspec.structs.replace(entry, listed_at=None)
    except RefusedError:
        same = False
    if not same:
        raise RefusedError("entry", "this entry says what a form cannot hold: enter it anew")
    return fields


def _as_date(at: datetime, zone: tzinfo, whole: time) -> str:
    """Return the day where it counts as a whole, otherwise the time."""
    local = at.astimezone(zone)
    return local.date().isoformat() if local.time() == whole else local.isoformat()


def parse_time(text: str, field: str, zone: tzinfo = UTC, *, begin: bool = False) -> str:
    """Parse a time; return it in UTC. A date counts from its begin or to its end in `zone`, and a time
    without an offset is in `zone`. Raises RefusedError.
    """
    try:
        at = datetime.fromisoformat(text)
        if len(text) == len("2026-12-31"):
            at = datetime.combine(date.fromisoformat(text), time() if begin else time(23, 59, 59))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise RefusedError("schema", f"`{field}` is missing or no date (2026-12-31)") from None


def _state(text: str) -> str:
    code = text.upper()
    if code not in STATES:
        raise RefusedError("schema", "`state` is no state, territory or province by its two letters (AZ)")
    return code


def _plate(text: str) -> str:
    plate = plates.pattern(text)
    if other := next((char for char in plate if not char.isascii()), ""):
        raise RefusedError("schema", f"`plate` has a letter that is none of A to Z (U+{ord(other):04X})")
    return plate.upper()


def _several(text: str | None) -> Iterable[str]:
    return (one.strip() for one in (text or "").split(";") if one.strip())


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RefusedError("schema", f"`{field}` is no number")
    return int(text)


def _pair(text: str, field: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RefusedError("schema", f"`{field}` is not name=value")
    return name.strip(), value.strip()


def _area(text: str) -> dict[str, float]:
    try:
        latitude, longitude, radius = map(float, text.split())
    except ValueError:
        raise RefusedError(
            "schema", "`areas` is not latitude, longitude and metres (34.5 -109.4 800)"
        ) from None
    return {"latitude": latitude, "longitude": longitude, "radius_m": radius}


def _hours(zone: tzinfo, text: str) -> dict[str, Any]:
    *days, clock = text.split()
    start, dash, end = clock.partition("-")
    if not dash:
        raise RefusedError("schema", "`hours` is not days and start-end (mon tue 22:00-06:00)")
    named = {"zone": zone.key} if isinstance(zone, ZoneInfo) else {}
    return {"start": start, "end": end, "days": days, **named}
