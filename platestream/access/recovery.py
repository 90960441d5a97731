"""Founding of an agency, and recovery of an ALPR administrator (order, sections C.2 and E.1.e).

Before there was an administrator anybody may found the agency. Afterwards, while no administrator is in
force, two registered people recover one with the recovery code: 128 random bits that are shown once, at
founding, and that the Chief stores offline. The database has the SHA-256 of a key that is derived from it. It
counts attempts, accepts the second of two different people, and accepts a code once
(clickhouse/views/recovery.sql).
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from platestream.access import registry
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import read_rows
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without confusable letters
LENGTH = 26
READ_AS = str.maketrans("OIL", "011")
_STATUS = "SELECT founded, salt, spent, begun FROM platestream.recovery"
_OUTCOME = "SELECT step, refusal FROM platestream.recovery_outcome(inquiry = {inquiry:UUID})"


@dataclass(frozen=True)
class Status:
    """The status of founding and of the code in force; `begun` has the person and the record of each recovery
    that was begun.
    """

    founded: bool
    salt: str
    spent: bool
    begun: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Attempt:
    """A step that counts; `done` when the administrator is recovered, otherwise a second person completes
    it.
    """

    record: RegistryRecord
    done: bool


def status(door: Door) -> Status:
    """Return the status of founding and recovery. Raises DatabaseError."""
    (row,) = read_rows(door.connection(), "reading the recovery code's status", _STATUS)
    return Status(*row)


def code_at_founding(door: Door, roles: Sequence[str]) -> str:
    """Make the code if this registers the first administrator; return an empty text otherwise. Raises as
    `make_code`.
    """
    return make_code(door) if "administrator" in roles and not status(door).founded else ""


def make_code(door: Door) -> str:
    """Make a recovery code, which replaces any earlier one. Raises RefusedInquiry and DatabaseError."""
    code = "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))
    salt = secrets.token_hex(16)
    hashed = hashlib.sha256(bytes.fromhex(_key(code, salt))).hexdigest()
    effect = hashlib.sha256(f"{salt}:{hashed}".encode()).hexdigest()
    permit = door.enter("registry_recovery_code", change="a new recovery code", effect=effect)
    door.write("recovery_code", inquiry_id=permit.inquiry_id, salt=salt, hash=hashed)
    return "-".join(code[start : start + 5] for start in range(0, LENGTH, 5))


def recover(door: Door, who: str, code: str, trained: datetime | None) -> Attempt:
    """Recover `who`, a registered person, as administrator: the first of two people begins it with the day of
    training, the second completes it within a day.

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
        with door.log_refusal("registry_recover", f"user/{who}"):
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
    asked = door.connection(), "reading the outcome", _OUTCOME
    step, refusal = read_rows(*asked, inquiry=permit.inquiry_id)[0]
    if refusal:
        raise RefusedInquiry(refusal)
    if step == "done":
        registry.write_at_once(permit, door, final)
    return Attempt(final, step == "done")


def review(door: Door, recovery: str, reason: str) -> None:
    """Log that an auditor has reviewed a recovery; `policy check` accepts it from one who took no part in it.

    Raises RefusedInquiry and DatabaseError.
    """
    door.enter("registry_review", recovery, reason=reason)


def _record(door: Door, who: str, trained: datetime | None) -> tuple[RegistryRecord, RegistryRecord]:
    known = registry.records_of(door.streams, "user").get(who)
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
    return RegistryRecord.from_json(registry.completed(door, back, known).to_json()), known


def _key(code: str, salt: str) -> str:
    """Derive the key that proves the code, by a slow function that makes guessing expensive; return it in
    hex.
    """
    plain = "".join(one for one in code.upper().translate(READ_AS) if one in ALPHABET)
    return hashlib.scrypt(
        plain.encode(), salt=salt.encode(), n=2**15, r=8, p=1, maxmem=64 << 20, dklen=32
    ).hex()
