"""BOLOs of other agencies (order, section G.1): each becomes a hot list entry with its source, or a refusal
that names everything that is missing. Both are logged in the sealed inquiry log, without a plate.
"""

import email
import email.policy
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO, Self
from uuid import UUID, uuid5

import msgspec

from platestream.access import registry
from platestream.access.door import Documentation, Door, agency_zone
from platestream.access.effects import effect_of, write
from platestream.access.inquire import RefusedInquiry
from platestream.hotlist.change_log import difference, documentation
from platestream.hotlist.entries import find
from platestream.hotlist.entry import make_entry
from platestream.hotlist.files.formats import COLUMNS, own_csv
from platestream.hotlist.files.lines import Fields, TextLines
from platestream.hotlist.list_changes import designations, keep_listed_at
from platestream.hotlist.lookback import SearchBack, try_look_back
from platestream.schemas.hotlist import BOLO_SOURCE as SOURCE
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import HOTLIST
from platestream.settings import Settings

MESSAGES = UUID("6b3d4a53-5e0c-4c52-9d37-3f3c0b0a7a41")
"""The namespace of messages' ids in the inquiry log."""
LARGEST_MAIL = 1_000_000  # bytes
# Another agency's entry needs what section H asks of our own: an alerted officer must know as much.
MUST_HAVE = (
    *("reference", "plate", "category", "case_number", "reason", "requested_by", "contact"),
    *("instructions", "expires_at"),
)
FIELD_LABELS = {  # label in a mail -> field
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
_LINE = re.compile(r"([A-Za-z][A-Za-z .#/]{1,24}?)\s*[:=](.*)")
MOST_PARTS = 100
"""Most parts of a mail, because Python's parser takes seconds for thousands of nested parts."""


@dataclass(frozen=True)
class BoloResult:
    """The result of a BOLO: `done` is added, changed, unchanged, removed or repeated."""

    entry_id: str
    done: str


def read_mail(text: str) -> dict[str, str]:
    """Read the fields of a mail, or of its text alone: lines such as `Plate: ABC 1234`.

    Raises RefusedError where no line has a known field.
    """
    fields: dict[str, str] = {}
    for line in _body(text).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and (value := match[2].strip()) and (field := FIELD_LABELS.get(_words(match[1]))):
            fields.setdefault(field, value)
    if not fields:
        raise RefusedError("bolo", "no line says what it is: `Plate: ABC 1234`, `Case: 26-1`, …")
    return fields


def _body(text: str) -> str:
    """Return the text of a mail. Raises RefusedError for an unreadable one."""
    if text.lower().count("content-type") > MOST_PARTS:
        raise RefusedError("bolo", "the mail has too many parts")
    try:
        message = email.message_from_string(text, policy=email.policy.default)
        # `Plate: ABC 1234` in the first line looks like a header, too, so a mail needs one of these headers.
        is_mail = any(name in message for name in ("From", "Subject", "Received", "MIME-Version"))
        body = message.get_body(("plain",)) if is_mail else None
        return str(body.get_content()) if body is not None else text
    except Exception:  # the parser raises many kinds of errors, such as LookupError for an unknown encoding
        raise RefusedError("bolo", "the mail cannot be read: send it as plain text") from None


def read_file(file: BinaryIO, layout: str) -> Iterator[tuple[int, Fields | RefusedError]]:
    """Yield the BOLOs of a file by line, or the refusal of a line; `layout` is csv, or mail for a single
    BOLO.
    """
    if layout == "csv":
        yield from own_csv(TextLines(file))
        return
    try:
        yield 1, read_mail(file.read(LARGEST_MAIL).decode("utf-8", "replace"))
    except RefusedError as error:
        yield 1, error


def missing_fields(fields: Mapping[str, Any]) -> list[str]:
    """Return the required fields that are missing; the description of a vehicle can replace a plate."""
    filled = {name for name, value in fields.items() if str(value or "").strip()}
    if "plate" not in filled and len({"make", "model", "colour", "body", "marks"} & filled) >= 2:
        filled.add("plate")
    return [name for name in MUST_HAVE if name not in filled]


def take(
    door: Door,
    agency: str,
    fields: Mapping[str, Any],
    now: datetime,
    message: "Message | None" = None,
    search: SearchBack = try_look_back,
) -> BoloResult:
    """Add, change or remove the entry of a BOLO of `agency`; look back when it lists something new.

    Each receipt is a row of the log, whatever its outcome; the gate judges the MOU with the sender. Raises
    RefusedError that names every field that is missing or wrong, and RefusedInquiry.
    """
    entry_id = _id(agency, str(fields.get("reference") or "").strip())
    ident = None if message is None else message.ident
    with door.log_refusal("bolo", entry_id, message=ident, reason=f"BOLO of {agency}"):
        before = find(door.streams, entry_id)
        entry = _make_entry(door, agency, fields, before, now)
    why: Documentation = {"case_number": before.case_number} if before else {}
    if entry is not None:
        why = documentation(entry)
    why["reason"] = f"BOLO of {agency}"
    unchanged = entry is not None and entry == before
    change = "hot list: unchanged" if unchanged else difference(before, entry)
    if message is not None:
        change = f"{message.mark}; {change}"
    made = HotListChange(entry_id, entry)
    effect = "" if unchanged else effect_of(HOTLIST, made)
    permit = door.enter("bolo", entry_id, change=change, effect=effect, message=ident, **why)
    if unchanged:
        return BoloResult(entry_id, "unchanged")
    write(permit, door, HOTLIST, made)
    if entry is None:
        return BoloResult(entry_id, "removed")
    if entry.listed_at == now:
        search(door, [entry], now)
    return BoloResult(entry_id, "added" if before is None else "changed")


@dataclass(frozen=True)
class Message:
    """A signed message: `ident` is derived from the sender and the message's own id."""

    ident: UUID
    sha256: str

    @classmethod
    def of(cls, agency: str, ident: str, body: bytes) -> Self:
        """Return the message that `agency` sent as `ident`."""
        return cls(uuid5(MESSAGES, f"{agency}/{ident}"), sha256(body).hexdigest())

    @property
    def mark(self) -> str:
        """The mark in the row of its receipt by which different content under the same id is detected."""
        return f"message SHA-256 {self.sha256}"


def receive(door: Door, agency: str, ident: str, body: bytes, now: datetime) -> BoloResult:
    """Take a BOLO that `agency` sent as JSON and signed as `ident`, once; a repeated one changes nothing.

    The log remembers ids, so they survive a restart. Raises as `take`, and RefusedError for an id that came
    with other content, or that was refused.
    """
    message, reason = Message.of(agency, ident, body), f"BOLO of {agency}"
    before = door.received(message.ident)
    if before is None:
        with door.log_refusal("bolo", _id(agency, ""), message=message.ident, reason=reason):
            fields = fields_of(body)
        return take(door, agency, fields, now, message)
    with door.log_refusal("bolo", before.about, reason=reason):
        if before.outcome == "refused":
            raise RefusedError("bolo", f"received before and refused: {before.refusal}")
        if not before.change.startswith(message.mark):
            raise RefusedError("bolo", "another message came under this id: each has an id of its own")
    if not before.superseded:  # repeated, perhaps because a crash came after the log and before the list
        return take(door, agency, fields_of(body), now)
    door.enter("bolo", before.about, change="hot list: nothing, the message is repeated", reason=reason)
    return BoloResult(before.about, "repeated")


def fields_of(body: bytes) -> dict[str, str]:
    """Decode the fields of a message. Raises RefusedError."""
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RefusedError("bolo", "an object of fields with text is expected, as JSON") from None


def log_unsigned(door: Door, agency: str, why: str) -> None:
    """Log that something came in the name of `agency` without its signature."""
    with suppress(RefusedInquiry):
        door.enter("bolo", _id(agency, ""), refusal=f"not taken: {why}", reason=f"BOLO of {agency}")


def webhook(settings: Settings, agency: str) -> Door:
    """Return the door of the system job that takes the messages of `agency`, set off by that agency."""
    return Door.for_system_job(settings, "bolo", f"agency:{agency}")


def sender(entry: HotListEntry) -> str:
    """Return the id of the agency whose BOLO an entry is; empty for other entries."""
    agency, slash, _reference = entry.entry_id.removeprefix(f"{SOURCE}:").partition("/")
    return agency if slash and entry.source == SOURCE else ""


def _make_entry(
    door: Door, agency: str, fields: Mapping[str, Any], before: HotListEntry | None, now: datetime
) -> HotListEntry | None:
    """Return the new entry; None where the BOLO cancels it. Raises RefusedError."""
    sender = registry.records_of(door.streams, "agency").get(agency)
    if sender is None:
        raise RefusedError("bolo", "the sender is no registered agency")
    if str(fields.get("cancel") or "").strip().lower() in ("yes", "true", "1"):
        if before is None:
            raise RefusedError("bolo", "the entry is not on the list, so it cannot be cancelled")
        return None
    if missing := missing_fields(fields):
        raise RefusedError("bolo", f"lacks {', '.join(missing).replace('_', ' ')}")
    entry = make_entry(SOURCE, dict(_fields(fields, agency, sender.name)), agency_zone(door))
    designations(door.streams).check(entry, now)
    return keep_listed_at(entry, before, now)


def _fields(fields: Mapping[str, Any], agency: str, name: str) -> Iterator[tuple[str, str]]:
    for column in COLUMNS:
        if value := str(fields.get(column) or "").strip():
            yield column, value
    yield "reference", f"{agency}/{str(fields['reference']).strip()}"
    yield "category", _words(str(fields["category"])).replace(" ", "_")
    yield "plate", str(fields.get("plate") or "*")
    yield "other", "; ".join(filter(None, (f"BOLO of {name}", str(fields.get("other") or "").strip())))


def _id(agency: str, reference: str) -> str:
    return f"{SOURCE}:{agency}/{reference}"[:64]


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
