"""BOLOs of neighbouring agencies (order, section G.1): an entry of the hot list with its source, or a refusal
that names all that lacks. Either way it is on record in the sealed inquiry log, without a plate.
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

from connectors.settings import Settings
from schemas.hotlist import BOLO_SOURCE as SOURCE
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.topics import HOTLIST
from services import registry
from services.door import Door, Why
from services.effects import effect_of, write
from services.hotlist.entries import find
from services.hotlist.entry import make_entry
from services.hotlist.files.formats import COLUMNS, own
from services.hotlist.files.lines import TextLines, Told
from services.hotlist.importing import designations, with_listing
from services.hotlist.log import difference, documentation
from services.hotlist.lookback import try_look_back
from services.hotlist.zone import agency_zone
from services.inquiries.gate import RefusedInquiry

MESSAGES = UUID("6b3d4a53-5e0c-4c52-9d37-3f3c0b0a7a41")
"""The namespace of messages' ids in the inquiry log."""
LARGEST_MAIL = 1_000_000  # bytes
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
_LINE = re.compile(r"([A-Za-z][A-Za-z .#/]{1,24}?)\s*[:=](.*)")
MOST_PARTS = 100
"""Of a mail: Python's parser takes seconds for thousands of parts within each other."""


@dataclass(frozen=True)
class Taken:
    """What became of a BOLO: `done` is added, changed, unchanged, removed or repeated."""

    entry_id: str
    done: str


def read_mail(text: str) -> dict[str, str]:
    """Fields of a mail, or of its text alone: lines such as `Plate: ABC 1234`.

    Raises RefusedError where no line says anything.
    """
    said: dict[str, str] = {}
    for line in _body(text).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and (value := match[2].strip()) and (field := SAYS.get(_words(match[1]))):
            said.setdefault(field, value)
    if not said:
        raise RefusedError("bolo", "no line says what it is: `Plate: ABC 1234`, `Case: 26-1`, …")
    return said


def _body(text: str) -> str:
    """The words of a mail. Raises RefusedError for one that cannot be read."""
    if text.lower().count("content-type") > MOST_PARTS:
        raise RefusedError("bolo", "the mail has too many parts")
    try:
        message = email.message_from_string(text, policy=email.policy.default)
        # `Plate: ABC 1234` in the first line looks like a header, too: a mail has one of these.
        is_mail = any(name in message for name in ("From", "Subject", "Received", "MIME-Version"))
        body = message.get_body(("plain",)) if is_mail else None
        return str(body.get_content()) if body is not None else text
    except Exception:  # the parser raises many kinds, such as LookupError for an encoding that nobody knows
        raise RefusedError("bolo", "the mail cannot be read: send it as plain text") from None


def read_file(file: BinaryIO, layout: str) -> Iterator[tuple[int, Told | RefusedError]]:
    """The BOLOs of a file by line, or why one is refused; `layout` is csv, or mail for a single one."""
    if layout == "csv":
        yield from own(TextLines(file))
        return
    try:
        yield 1, read_mail(file.read(LARGEST_MAIL).decode("utf-8", "replace"))
    except RefusedError as error:
        yield 1, error


def lacking(told: Mapping[str, Any]) -> list[str]:
    """The fields that must be there and are not; of a plate, a described vehicle stands in its place."""
    said = {name for name, value in told.items() if str(value or "").strip()}
    if "plate" not in said and len({"make", "model", "colour", "body", "marks"} & said) >= 2:
        said.add("plate")
    return [name for name in MUST_HAVE if name not in said]


def take(
    door: Door, agency: str, told: Mapping[str, Any], now: datetime, message: "Message | None" = None
) -> Taken:
    """Make a BOLO of `agency` an entry, change or remove it; a look-back when it lists something new.

    Each receipt is a row of the log, whatever becomes of it; the gate judges the MOU with the sender. Raises
    RefusedError that names every field that lacks or is wrong, and RefusedInquiry.
    """
    entry_id = _id(agency, str(told.get("reference") or "").strip())
    ident = None if message is None else message.ident
    with door.on_record("bolo", entry_id, message=ident, reason=f"BOLO of {agency}"):
        before = find(door.streams, entry_id)
        entry = _judged(door, agency, told, before, now)
    why: Why = {"case_number": before.case_number} if before else {}
    if entry is not None:
        why = documentation(entry)
    why["reason"] = f"BOLO of {agency}"
    unchanged = entry is not None and entry == before
    change = "hot list: unchanged" if unchanged else difference(before, entry)
    if message is not None:
        change = f"{message.said}; {change}"
    made = HotListChange(entry_id, entry)
    effect = "" if unchanged else effect_of(HOTLIST, made)
    permit = door.enter("bolo", entry_id, change=change, effect=effect, message=ident, **why)
    if unchanged:
        return Taken(entry_id, "unchanged")
    write(permit, door, HOTLIST, made)
    if entry is None:
        return Taken(entry_id, "removed")
    if entry.listed_at == now:
        try_look_back(door, [entry], now)
    return Taken(entry_id, "added" if before is None else "changed")


@dataclass(frozen=True)
class Message:
    """A signed message: `ident` follows from the sender and the id that it was signed with."""

    ident: UUID
    sha256: str

    @classmethod
    def of(cls, agency: str, ident: str, body: bytes) -> Self:
        """The message that `agency` sent as `ident`."""
        return cls(uuid5(MESSAGES, f"{agency}/{ident}"), sha256(body).hexdigest())

    @property
    def said(self) -> str:
        """Its place in the row of its receipt, by which another content under the same id is known."""
        return f"message SHA-256 {self.sha256}"


def receive(door: Door, agency: str, ident: str, body: bytes, now: datetime) -> Taken:
    """Take a BOLO that `agency` sent as JSON and signed as `ident`, once; a repeated one changes nothing.

    The log remembers ids, so a restart does not forget them. Raises as `take`, and RefusedError for an id
    that had another content, or that was refused.
    """
    message, reason = Message.of(agency, ident, body), f"BOLO of {agency}"
    before = door.received(message.ident)
    if before is None:
        with door.on_record("bolo", _id(agency, ""), message=message.ident, reason=reason):
            told = fields_of(body)
        return take(door, agency, told, now, message)
    with door.on_record("bolo", before.about, reason=reason):
        if before.outcome == "refused":
            raise RefusedError("bolo", f"received before and refused: {before.refusal}")
        if not before.change.startswith(message.said):
            raise RefusedError("bolo", "another message came under this id: each has an id of its own")
    if not before.superseded:  # its sender may repeat it because it was recorded and, in a crash, not listed
        return take(door, agency, fields_of(body), now)
    door.enter("bolo", before.about, change="hot list: nothing, the message is repeated", reason=reason)
    return Taken(before.about, "repeated")


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a message. Raises RefusedError."""
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RefusedError("bolo", "an object of fields with text is expected, as JSON") from None


def unsigned(door: Door, agency: str, why: str) -> None:
    """Put on record that something came in the name of `agency` without its signature."""
    with suppress(RefusedInquiry):
        door.enter("bolo", _id(agency, ""), refusal=f"not taken: {why}", reason=f"BOLO of {agency}")


def webhook(settings: Settings, agency: str) -> Door:
    """The door of the machine that takes what `agency` sent it, and set off."""
    return Door.of_machine(settings, "bolo", f"agency:{agency}")


def sender(entry: HotListEntry) -> str:
    """The agency, by its id, whose BOLO an entry is; empty for an entry that came another way."""
    agency, slash, _reference = entry.entry_id.removeprefix(f"{SOURCE}:").partition("/")
    return agency if slash and entry.source == SOURCE else ""


def _judged(
    door: Door, agency: str, told: Mapping[str, Any], before: HotListEntry | None, now: datetime
) -> HotListEntry | None:
    """What the entry is to be; None where the BOLO cancels it."""
    sender = registry.listed(door.streams, "agency").get(agency)
    if sender is None:
        raise RefusedError("bolo", "the sender is no registered agency")
    if str(told.get("cancel") or "").strip().lower() in ("yes", "true", "1"):
        if before is None:
            raise RefusedError("bolo", "the entry is not on the list, so it cannot be cancelled")
        return None
    if missing := lacking(told):
        raise RefusedError("bolo", f"lacks {', '.join(missing)}")
    entry = make_entry(SOURCE, dict(_fields(told, agency, sender.name)), agency_zone(door))
    designations(door.streams).check(entry, now)
    return with_listing(entry, before, now)


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
