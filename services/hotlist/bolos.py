"""BOLOs of neighbouring agencies (order, section G.1): an entry of the hot list with its source, or a refusal
that names all that lacks. Either way it is on record in the sealed inquiry log, without a plate.
"""

import email
import email.policy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.changelog import publish
from connectors.edge import Topics
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.topics import HOTLIST
from services import registry
from services.hotlist.entry import make_entry
from services.hotlist.files.formats import COLUMNS
from services.hotlist.importing import designations, entry_of, with_listing
from services.hotlist.log import Record, record_change

SOURCE = "bolo"
# What section H asks of our own entries is asked of a neighbour's: whoever is alerted must know as much.
MUST_HAVE = (
    *("reference", "plate", "category", "case_number", "reason", "requested_by", "contact"),
    *("instructions", "expires_at"),
)
SAYS = {  # what people write in mail -> field
    **{"bolo": "reference", "bolo number": "reference", "reference": "reference", "ref": "reference"},
    **{"plate": "plate", "license plate": "plate", "licence plate": "plate", "lp": "plate", "tag": "plate"},
    **{"state": "state", "plate state": "state", "offense": "category", "category": "category"},
    **{"make": "make", "model": "model", "color": "colour", "colour": "colour", "body": "body"},
    **{"marks": "marks", "case": "case_number", "case number": "case_number", "report": "case_number"},
    **{"reason": "reason", "narrative": "reason", "requested by": "requested_by", "officer": "requested_by"},
    **{"contact": "contact", "phone": "contact", "call": "contact", "instructions": "instructions"},
    **{"action": "instructions", "other": "other", "caution": "other", "expires": "expires_at"},
    **{
        "expires at": "expires_at",
        "good until": "expires_at",
        "valid until": "expires_at",
        "cancel": "cancel",
    },
}
_LINE = re.compile(r"^\s*([A-Za-z][A-Za-z .#/]{1,24}?)\s*[:=]\s*(.+?)\s*$")
LookBack = Callable[[HotListEntry], None]


@dataclass(frozen=True)
class Taken:
    """What became of a BOLO: `done` is added, changed, unchanged or removed."""

    entry_id: str
    done: str


def read_mail(text: str) -> dict[str, str]:
    """Fields of a mail, or of its text alone: lines such as `Plate: ABC 1234`.

    Raises RefusedError where no line says anything.
    """
    message = email.message_from_string(text, policy=email.policy.default)
    body = message.get_body(("plain",)) if message.keys() else None
    said: dict[str, str] = {}
    for line in (body.get_content() if body is not None else text).splitlines():
        if (match := _LINE.match(line)) and (field := SAYS.get(_words(match[1]))):
            said.setdefault(field, match[2])
    if not said:
        raise RefusedError("bolo", "no line says what it is: `Plate: ABC 1234`, `Case: 26-1`, …")
    return said


def lacking(told: Mapping[str, Any]) -> list[str]:
    """The fields that must be there and are not; of a plate, a described vehicle stands in its place."""
    said = {name for name, value in told.items() if str(value or "").strip()}
    if "plate" not in said and len({"make", "model", "colour", "body", "marks"} & said) >= 2:
        said.add("plate")
    return [name for name in MUST_HAVE if name not in said]


def take(
    streams: Topics,
    record: Record,
    agency: str,
    told: Mapping[str, Any],
    now: datetime,
    look_back: LookBack = lambda _entry: None,
) -> Taken:
    """Make a BOLO of `agency` an entry, change or remove it. `record` puts it on record before.

    Raises RefusedError that names the agency or every field that lacks or is wrong; a refusal is on record,
    too.
    """
    reference = str(told.get("reference") or "").strip()
    try:
        return _take(streams, record, agency, told, now, look_back)
    except RefusedError as error:
        record(
            case_number="", reason=f"BOLO of {agency} refused: {error}"[:1000], other=_id(agency, reference)
        )
        raise


def _take(
    streams: Topics, record: Record, agency: str, told: Mapping[str, Any], now: datetime, look_back: LookBack
) -> Taken:
    sender = registry.listed(streams, "agency").get(agency)
    if sender is None or not sender.active:
        raise RefusedError("bolo", f"{agency} is no registered, active agency")
    entry_id = _id(agency, str(told.get("reference") or "").strip())
    before = entry_of(streams, entry_id)
    if str(told.get("cancel") or "").strip().lower() in ("yes", "true", "1"):
        if before is None:
            raise RefusedError("bolo", f"{entry_id} is not on the list, so it cannot be cancelled")
        record_change(record, before, None)
        publish(streams, HOTLIST, [HotListChange(entry_id, None)])
        return Taken(entry_id, "removed")
    if missing := lacking(told):
        raise RefusedError("bolo", f"lacks {', '.join(missing)}")
    entry = with_listing(make_entry(SOURCE, dict(_fields(told, agency, sender.name))), before, now)
    designations(streams).check(entry, now)
    if entry == before:
        return Taken(entry_id, "unchanged")
    record_change(record, before, entry)
    publish(streams, HOTLIST, [HotListChange(entry_id, entry)])
    if entry.listed_at == now:
        look_back(entry)
    return Taken(entry_id, "added" if before is None else "changed")


def _fields(told: Mapping[str, Any], agency: str, name: str) -> Iterator[tuple[str, str]]:
    for column in COLUMNS:
        if value := str(told.get(column) or "").strip():
            yield column, value
    yield "reference", f"{agency}/{str(told['reference']).strip()}"
    yield "category", _words(str(told["category"])).replace(" ", "_")
    yield "plate", str(told.get("plate") or "*")
    yield "other", "; ".join(filter(None, (f"BOLO of {name}", str(told.get("other") or "").strip())))


def _id(agency: str, reference: str) -> str:
    return f"{SOURCE}:{agency}/{reference}"[:64]


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
