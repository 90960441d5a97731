"""The auditor's findings on the inquiries of a draw: entries of the ledger, of which the newest counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access import registry
from platestream.access.door import Door, Permit
from platestream.audit import findings as checked
from platestream.audit.yearly.draw import Draw, TooSoon, drawn_as
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.operators.people_names import same_person
from platestream.schemas import finding as checks
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

_LOOKS = """
SELECT inquiry_id, at, who, agency, kind, case_number, reason, pattern, cameras, since, until,
    other, purpose, violation, requester, legal_basis
FROM platestream.logged(inquiry = {act:UUID}) WHERE inquiry_id IN {inquiries:Array(UUID)} ORDER BY at
"""
_MADE_BY = "SELECT DISTINCT who FROM platestream.inquiry_log WHERE inquiry_id = {inquiry:UUID}"
_STORED = """
SELECT uniqExact(sha256) FROM platestream.documents WHERE lower(hex(sha256)) IN {hashes:Array(String)}
"""
OWN = "nobody judges an inquiry of their own: another auditor does (order, sections K.3 and K.4)"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The finding on one inquiry: whether it meets the order, and a data error with its correction.

    Raises RefusedError when an inquiry that does not meet the order has no note, or a correction has no
    error.
    """

    draw: int
    inquiry_id: UUID
    meets: bool
    note: str = ""
    data_error: str = ""
    correction: str = ""

    def __post_init__(self) -> None:
        if not self.meets and not self.note.strip():
            raise RefusedError(
                "finding", "an inquiry that does not meet the order needs a note that says why"
            )
        if self.correction and not self.data_error:
            raise RefusedError("finding", "a correction without the data error that it corrects")


class FiledMemorandum(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's record of a memorandum; its bytes are in `documents` by these hashes."""

    year: int
    draw: int
    markdown_sha256: str
    pdf_sha256: str
    inquiries: int
    met: int
    data_errors: int
    rhythm: str = ""
    period: str = ""


class AuditedInquiry(msgspec.Struct, frozen=True, kw_only=True):
    """An inquiry from the log. `other` is the second plate of `cotravel`, else an id."""

    inquiry_id: UUID
    at: datetime
    who: str
    agency: str
    kind: str
    case_number: str
    reason: str
    pattern: str
    cameras: Sequence[str]
    since: datetime
    until: datetime
    other: str
    purpose: str
    violation: str
    requester: str
    legal_basis: str


@dataclass(frozen=True)
class RecordedFinding:
    """A recorded finding; `waiting` of the draw's `inquiries` have none yet."""

    entry: LedgerEntry
    waiting: int
    inquiries: int


@dataclass(frozen=True)
class DrawView:
    """A draw with its inquiries from the log and the finding on each, if any.

    The profile requires `asked_for` inquiries; a draw has fewer where no more were made. `entries` are those
    of the findings in the ledger, `found` are the findings of the audit flow's checks, and `filed` is the
    entry of the memorandum, once that is filed.
    """

    entry: LedgerEntry
    drawn: Draw
    looks: Sequence[AuditedInquiry]
    findings: Mapping[UUID, Finding]
    asked_for: int
    entries: Mapping[UUID, LedgerEntry]
    found: Mapping[UUID, Sequence[checks.Finding]]
    filed: LedgerEntry | None

    @property
    def gone(self) -> list[UUID]:
        """Inquiries of the draw that are missing in the log."""
        there = {look.inquiry_id for look in self.looks}
        return [one for one in self.drawn.inquiries if one not in there]

    @property
    def waiting(self) -> int:
        """The number of inquiries that have no finding yet."""
        return len(set(self.drawn.inquiries) - set(self.findings))


def show(door: Door, number: int) -> DrawView:
    """Return draw `number`. Raises TooSoon where there is none, RefusedInquiry and DatabaseError."""
    permit = door.enter("audit_show", f"draw {number}")
    client = door.client(AUDITOR)
    asked = door.rules.profile.audit.inquiries
    entry, drawn = drawn_as(client, number)
    judged = findings(client, number)
    memorandum = memorandum_of(client, number)
    return DrawView(
        entry=entry,
        drawn=drawn,
        looks=audited_inquiries(client, permit, drawn.inquiries),
        findings={one: finding for one, (_entry, finding) in judged.items()},
        asked_for=asked,
        entries={one: entry for one, (entry, _finding) in judged.items()},
        found=checked.about(client, drawn.inquiries),
        filed=memorandum[0] if memorandum else None,
    )


def inquiry_starting(door: Door, number: int, start: str) -> UUID:
    """Return the inquiry of draw `number` whose id begins with `start`. Raises TooSoon unless there is
    exactly one.
    """
    reason = f"Finding of the yearly audit, draw {number}"
    with door.log_refusal("audit_finding", f"draw {number}", reason=reason):
        _entry, drawn = drawn_as(door.client(AUDITOR), number)
        fits = [one for one in drawn.inquiries if str(one).startswith(start.strip().lower())]
        if len(fits) != 1:
            raise TooSoon(f"{len(fits)} inquiries of draw {number} begin like this")
        return fits[0]


def record_finding(door: Door, finding: Finding) -> RecordedFinding:
    """Record a finding; until the memorandum is filed a later one replaces it, and both remain in the ledger.

    Raises TooSoon when the draw has no such inquiry, RefusedError for an inquiry of the auditor's own or a
    draw whose memorandum was filed, RefusedInquiry and DatabaseError.
    """
    client = door.client(AUDITOR)
    reason = f"Finding of the yearly audit, draw {finding.draw}"
    with door.log_refusal("audit_finding", str(finding.inquiry_id), reason=reason):
        _entry, drawn = drawn_as(client, finding.draw)
        if finding.inquiry_id not in drawn.inquiries:
            raise TooSoon(f"inquiry {finding.inquiry_id} is not in draw {finding.draw}")
        refuse_filed(client, finding.draw)
        made_by = read_rows(client, "reading the log", _MADE_BY, inquiry=finding.inquiry_id)
        users = registered(door)
        if any(same_person(who, door.who, users) for (who,) in made_by):
            raise RefusedError("finding", OWN)
    entry = records.put(door, "audit_finding", finding, reason=reason).entry
    waiting = len(set(drawn.inquiries) - set(findings(client, finding.draw)))
    return RecordedFinding(entry, waiting, len(drawn.inquiries))


def registered(door: Door) -> list[RegistryRecord]:
    """Return all registered people, active or not."""
    return list(registry.records_of(door.streams, "user").values())


def is_own(door: Door, look: AuditedInquiry, users: Iterable[RegistryRecord]) -> bool:
    """Return whether this person made the inquiry, under any of their names, and so may not judge it."""
    return same_person(look.who, door.who, users)


def refuse_filed(client: Client, draw: int) -> None:
    """Raise RefusedError where the memorandum of this draw was filed and is completely stored."""
    if memorandum := memorandum_of(client, draw):
        entry, _filed = memorandum
        raise RefusedError(
            "memorandum",
            f"the memorandum of draw {draw} was filed on {entry.at:%Y-%m-%d} (entry {entry.number}), and "
            "filed is filed; what was found since belongs in another draw (order, section K.4)",
        )


def memorandum_of(client: Client, draw: int) -> tuple[LedgerEntry, FiledMemorandum] | None:
    """Return the memorandum of this draw that was filed and is completely stored; None where there is
    none.
    """
    return stored_among(client, filed_memoranda(client), draw)


def stored_among(
    client: Client, memoranda: Iterable[tuple[LedgerEntry, FiledMemorandum]], draw: int
) -> tuple[LedgerEntry, FiledMemorandum] | None:
    """Return the first of these memoranda that is of this draw and is completely stored."""
    made = (one for one in memoranda if one[1].draw == draw)
    return next((one for one in made if is_stored(client, one[1])), None)


def filed_memoranda(client: Client) -> list[tuple[LedgerEntry, FiledMemorandum]]:
    """Return all recorded memoranda."""
    return ledger.read_records(client, "audit", "memorandum", FiledMemorandum)


def is_stored(client: Client, one: FiledMemorandum) -> bool:
    """Return whether both forms of a memorandum are stored; filing may have been interrupted before that."""
    parameters = {"hashes": [one.markdown_sha256, one.pdf_sha256]}
    rows = read_rows(client, "reading documents", _STORED, **parameters)
    return int(rows[0][0]) == len(set(parameters["hashes"]))


def findings(client: Client, draw: int) -> dict[UUID, tuple[LedgerEntry, Finding]]:
    """Return the newest finding of each inquiry of a draw."""
    found: dict[UUID, tuple[LedgerEntry, Finding]] = {}
    for entry, finding in ledger.read_records(client, "audit", "finding", Finding):
        if finding.draw == draw:
            found[finding.inquiry_id] = (entry, finding)
    return found


def judged_inquiries(client: Client) -> dict[int, set[UUID]]:
    """Return the inquiries with a finding, by the number of their draw."""
    found: dict[int, set[UUID]] = {}
    for _entry, finding in ledger.read_records(client, "audit", "finding", Finding):
        found.setdefault(finding.draw, set()).add(finding.inquiry_id)
    return found


def audited_inquiries(client: Client, permit: Permit, inquiries: Sequence[UUID]) -> list[AuditedInquiry]:
    """Return the inquiries from the log, oldest first; `permit` is the act that reads them."""
    parameters: dict[str, Any] = {"act": permit.inquiry_id, "inquiries": [str(one) for one in inquiries]}
    rows = read_rows(client, "reading the log", _LOOKS, **parameters)
    return [AuditedInquiry(**dict(zip(AuditedInquiry.__struct_fields__, row, strict=True))) for row in rows]
