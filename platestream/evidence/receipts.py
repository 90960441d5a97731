"""Receipts of evidence systems for exports, and what the ledger has of both."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client
from cryptography.exceptions import InvalidSignature
from msgspec import Meta

from platestream.access.signing_keys import WrongKey, read_public
from platestream.evidence.export import Export
from platestream.ledger import store as ledger
from platestream.schemas.fields import NOT_JSON, Instant, rfc3339
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

Proof = Literal["sha256", "size", "receipt"]
SUFFIX = ".receipt.json"
"""Suffix of the name of a package's receipt file."""
LARGEST = 65_536
"""Most bytes of a receipt file that are read."""


class ReceiptFile(msgspec.Struct, frozen=True):
    """The receipt that an evidence system writes beside a package; other fields are ignored.

    `signature` is that of its key over `signed`, in base64, where the record of the system has a key.
    """

    file: str
    sha256: str
    received_at: Instant
    reference: Annotated[str, Meta(max_length=200)] = ""
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """The bytes that are signed."""
        at = rfc3339(self.received_at)
        return f"platestream receipt\n{self.file}\n{self.sha256}\n{at}\n{self.reference}\n".encode()

    @classmethod
    def read(cls, content: bytes, system: RegistryRecord, done: Export) -> Self:
        """Return a receipt of this export by this system. Raises RefusedError for any other."""
        try:
            found = msgspec.json.decode(content, type=cls)
        except NOT_JSON:
            raise RefusedError("receipt", "the receipt cannot be read") from None
        found.verify(system, done)
        return found

    def verify(self, system: RegistryRecord, done: Export) -> None:
        """Raise RefusedError unless this is a receipt of the export by the system."""
        if (self.file, self.sha256.lower()) != (done.file, done.sha256):
            raise RefusedError("receipt", "the receipt is of another file: its name or SHA-256 differs")
        if system.receipt_key:
            try:
                signature = base64.b64decode(self.signature, validate=True)
                read_public(system.receipt_key).verify(signature, self.signed)
            except (binascii.Error, InvalidSignature, WrongKey, ValueError):
                raise RefusedError(
                    "receipt", f"the receipt is not signed by the key of {system.id}"
                ) from None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's record of a receipt. `export` is the hash of the export's entry, `proof` what was compared
    at the place: the file's SHA-256, its size only, or the evidence system's own receipt, which is `issued`.
    An object of a bucket has a `version`, which nobody can delete before `locked_until`.
    """

    hold_id: UUID
    case_number: str
    export: str
    system: str
    place: str
    file: str
    bytes: int
    sha256: str
    proof: Proof
    received_at: datetime
    receipt_sha256: str = ""
    reference: str = ""
    issued: ReceiptFile | None = None
    version: str = ""
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Sent:
    """An export to an evidence system: its entry of the ledger, its record, and its receipt with the entry
    of that.
    """

    entry: LedgerEntry
    export: Export
    receipt: Receipt | None = None
    receipt_entry: LedgerEntry | None = None

    @property
    def receipt_is_wrong(self) -> bool:
        """True for a receipt of something else than the export."""
        if self.receipt is None:
            return False
        receipt, made = self.receipt, self.export
        return (receipt.hold_id, receipt.system, receipt.file, receipt.bytes, receipt.sha256) != (
            made.hold_id, made.system, made.file, made.bytes, made.sha256
        )  # fmt: skip

    def is_issued_by(self, system: RegistryRecord) -> bool:
        """Return whether the receipt holds what the system itself issued for the export."""
        if self.receipt is None or self.receipt.issued is None:
            return False
        try:
            self.receipt.issued.verify(system, self.export)
        except RefusedError:
            return False
        return True


def read_sent(client: Client) -> list[Sent]:
    """Return the exports to evidence systems according to the ledger, in its order. Raises DatabaseError."""
    exports = ledger.read_records(client, "evidence", "export", Export)
    found = {entry.hash: Sent(entry, export) for entry, export in exports if export.system}
    for entry, receipt in ledger.read_records(client, "evidence", "receipt", Receipt):
        if (one := found.get(receipt.export)) and one.entry.number < entry.number:
            found[receipt.export] = Sent(one.entry, one.export, receipt, entry)
    return list(found.values())


def file_hash(content: bytes) -> str:
    """Return the SHA-256 of a receipt file, 64 hex digits."""
    return sha256(content).hexdigest()
