"""Founding an agency, and bringing an ALPR administrator back (order, sections C.2 and E.1.e).

Until there was an administrator anybody founds. Afterwards, while no administrator is in force, two
registered people bring one back with the recovery code: 128 random bits that are shown once, at founding, and
that the Chief keeps offline. The database has the SHA-256 of a key that is derived from it. It counts
attempts, takes the second of two different people, and takes a code once (clickhouse/views/recovery.sql).
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from connectors.clickhouse_client import run
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door
from services.inquiries.gate import RefusedInquiry

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without letters that are read as others
LENGTH = 26
READ_AS = str.maketrans("OIL", "011")
_STATUS = "SELECT founded, salt, spent, begun FROM platestream.recovery"
_OUTCOME = "SELECT step, refusal FROM platestream.recovery_outcome(inquiry = {inquiry:UUID})"


@dataclass(frozen=True)
class Status:
    """Whether there ever was an administrator, and the code in force; `begun`: by whom, and the record."""

    founded: bool
    salt: str
    spent: bool
    begun: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Attempt:
    """A step that counts; `done` when the administrator is back, else a second person completes it."""

    record: RegistryRecord
    done: bool


def status(door: Door) -> Status:
    """Return where founding and recovery are. Raises DatabaseError."""
    client = door.connection()
    (row,) = run("reading the recovery code's status", lambda: client.query(_STATUS)).result_rows
    return Status(*row)


def code_at_founding(door: Door, roles: Sequence[str]) -> str:
    """Make the code if this registers the first administrator; empty otherwise. Raises as `make_code`."""
    return make_code(door) if "administrator" in roles and not status(door).founded else ""


def make_code(door: Door) -> str:
    """Make a recovery code, which is in force instead of any before. Raises RefusedInquiry, DatabaseError."""
    code = "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))
    salt = secrets.token_hex(16)
    hashed = hashlib.sha256(bytes.fromhex(_key(code, salt))).hexdigest()
    effect = hashlib.sha256(f"{salt}:{hashed}".encode()).hexdigest()
    permit = door.enter("registry_recovery_code", change="a new recovery code", effect=effect)
    door.write("recovery_code", inquiry_id=permit.inquiry_id, salt=salt, hash=hashed)
    return "-".join(code[start : start + 5] for start in range(0, LENGTH, 5))


def recover(door: Door, who: str, code: str, trained: datetime | None) -> Attempt:
    """Bring `who`, a registered person, back as administrator: the first of two people begins it with the
    day of training, the second completes it within a day.

    Raises RefusedError, which is logged, RefusedInquiry, DatabaseError, and BrokerError as `registry.put`.
    """
    found = status(door)
    records = [RegistryRecord.from_json(record.encode()) for _by, record in found.begun]
    begun = [
        record
        for (by, _text), record in zip(found.begun, records, strict=True)
        if record.id == who and by != door.who
    ]
    if begun:
        final, before = begun[-1], None
    else:
        with door.on_record("registry_recover", f"user/{who}"):
            final, before = _record(door, who, trained)
    permit = door.enter(
        "registry_recover",
        final.key,
        change=registry.difference(before, final),
        effect=registry.effect_of(final),
    )
    proof = _key(code, found.salt)
    text = final.to_json().decode()
    door.write("recover", inquiry_id=permit.inquiry_id, proof=proof, record=text)
    client = door.connection()
    asked = {"inquiry": permit.inquiry_id}
    rows = run("reading the outcome", lambda: client.query(_OUTCOME, parameters=asked)).result_rows
    step, refusal = rows[0]
    if refusal:
        raise RefusedInquiry(refusal)
    if step == "done":
        registry.write_at_once(permit, door, final)
    return Attempt(final, step == "done")


def review(door: Door, recovery: str, reason: str) -> None:
    """Log that an auditor has reviewed a recovery; `policy check` takes it of one who was no part of it.

    Raises RefusedInquiry and DatabaseError.
    """
    door.enter("registry_review", recovery, reason=reason)


def _record(door: Door, who: str, trained: datetime | None) -> tuple[RegistryRecord, RegistryRecord]:
    known = registry.listed(door.streams, "user").get(who)
    if known is None:
        raise RefusedError(
            "registry", f"{who} is not registered: a person who is comes back as administrator"
        )
    if trained is None:
        raise RefusedError(
            "registry", "the day on which the training was completed is needed (--trained DAY)"
        )
    roles = ",".join(dict.fromkeys((*known.roles, "administrator")))
    back = msgspec.structs.replace(known, role=roles, trained_at=trained, active=True)
    return RegistryRecord.from_json(registry.finished(door, back, known).to_json()), known


def _key(code: str, salt: str) -> str:
    """Derive the key that proves the code, so slowly that trying is dear; hex."""
    plain = "".join(one for one in code.upper().translate(READ_AS) if one in ALPHABET)
    return hashlib.scrypt(
        plain.encode(), salt=salt.encode(), n=2**15, r=8, p=1, maxmem=64 << 20, dklen=32
    ).hex()
