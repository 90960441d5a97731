"""What the auditor found about each inquiry of a draw: rows of the ledger; the newest stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, run
from operators.people_names import same_person
from schemas import finding as checks
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import records, registry
from services.door import Door, Permit
from services.inquiries import found as checked
from services.yearly_audit.draw import Draw, TooSoon, drawn_as

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
    """Whether one inquiry meets the order; a data error with how it is to be corrected.

    Raises RefusedError when an inquiry that does not meet it has no note, or a correction no error.
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


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps of a memorandum; its bytes are in `documents` by these hashes."""

    year: int
    draw: int
    markdown_sha256: str
    pdf_sha256: str
    inquiries: int
    met: int
    data_errors: int
    rhythm: str = ""
    period: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """An inquiry as it stands in the log. `other` is the second plate of `cotravel`, else an id."""

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
class Judged:
    """A finding that is on record; `waiting` of the draw's `inquiries` have none yet."""

    entry: LedgerEntry
    waiting: int
    inquiries: int


@dataclass(frozen=True)
class Shown:
    """A draw with its inquiries as they stand in the log and the finding on each, where there is one.

    The profile asks for `asked_for` inquiries; a draw has fewer where no more were made. `entries` are those
    of the findings in the ledger, `found` is what the checks of the audit flow found, and `filed` the entry
    of the memorandum, once that is filed.
    """

    entry: LedgerEntry
    drawn: Draw
    looks: Sequence[Look]
    findings: Mapping[UUID, Finding]
    asked_for: int
    entries: Mapping[UUID, LedgerEntry]
    found: Mapping[UUID, Sequence[checks.Finding]]
    filed: LedgerEntry | None

    @property
    def gone(self) -> list[UUID]:
        """Inquiries of the draw that are in the log no more."""
        there = {look.inquiry_id for look in self.looks}
        return [one for one in self.drawn.inquiries if one not in there]

    @property
    def waiting(self) -> int:
        """Inquiries that have no finding yet."""
        return len(set(self.drawn.inquiries) - set(self.findings))


def show(door: Door, number: int) -> Shown:
    """Draw `number`. Raises TooSoon where there is none, RefusedInquiry and DatabaseError."""
    permit = door.enter("audit_show", f"draw {number}")
    client = door.client(AUDITOR)
    asked = door.rules.profile.audit.inquiries
    entry, drawn = drawn_as(client, number)
    judged = findings(client, number)
    memorandum = memorandum_of(client, number)
    return Shown(
        entry=entry,
        drawn=drawn,
        looks=looks(client, permit, drawn.inquiries),
        findings={one: finding for one, (_entry, finding) in judged.items()},
        asked_for=asked,
        entries={one: entry for one, (entry, _finding) in judged.items()},
        found=checked.about(client, drawn.inquiries),
        filed=memorandum[0] if memorandum else None,
    )


def begins(door: Door, number: int, start: str) -> UUID:
    """The inquiry of draw `number` whose id begins with `start`. Raises TooSoon unless it is one."""
    reason = f"Finding of the yearly audit, draw {number}"
    with door.on_record("audit_finding", f"draw {number}", reason=reason):
        _entry, drawn = drawn_as(door.client(AUDITOR), number)
        fits = [one for one in drawn.inquiries if str(one).startswith(start.strip().lower())]
        if len(fits) != 1:
            raise TooSoon(f"{len(fits)} inquiries of draw {number} begin like this")
        return fits[0]


def find(door: Door, finding: Finding) -> Judged:
    """Put a finding on record; until the memorandum is filed a later one corrects it, and both stay.

    Raises TooSoon when the draw has no such inquiry, RefusedError for an inquiry of the auditor's own or a
    draw whose memorandum was filed, RefusedInquiry and DatabaseError.
    """
    client = door.client(AUDITOR)
    reason = f"Finding of the yearly audit, draw {finding.draw}"
    with door.on_record("audit_finding", str(finding.inquiry_id), reason=reason):
        _entry, drawn = drawn_as(client, finding.draw)
        if finding.inquiry_id not in drawn.inquiries:
            raise TooSoon(f"inquiry {finding.inquiry_id} is not in draw {finding.draw}")
        refuse_filed(client, finding.draw)
        asked = {"inquiry": finding.inquiry_id}
        made_by = run("reading the log", partial(client.query, _MADE_BY, parameters=asked)).result_rows
        users = registered(door)
        if any(same_person(who, door.who, users) for (who,) in made_by):
            raise RefusedError("finding", OWN)
    entry = records.put(door, "audit_finding", finding, reason=reason).entry
    waiting = len(set(drawn.inquiries) - set(findings(client, finding.draw)))
    return Judged(entry, waiting, len(drawn.inquiries))


def registered(door: Door) -> list[RegistryRecord]:
    """Return everybody who is registered, active or not."""
    return list(registry.listed(door.streams, "user").values())


def is_own(door: Door, look: Look, users: Iterable[RegistryRecord]) -> bool:
    """Return whether this person made the inquiry, by any name of theirs, and so does not judge it."""
    return same_person(look.who, door.who, users)


def refuse_filed(client: Client, draw: int) -> None:
    """Raises RefusedError where the memorandum of this draw was filed, and stored whole."""
    if memorandum := memorandum_of(client, draw):
        entry, _filed = memorandum
        raise RefusedError(
            "memorandum",
            f"the memorandum of draw {draw} was filed on {entry.at:%Y-%m-%d} (entry {entry.number}), and "
            "filed is filed; what was found since belongs in another draw (order, section K.4)",
        )


def memorandum_of(client: Client, draw: int) -> tuple[LedgerEntry, Filed] | None:
    """The memorandum of this draw that was filed and stored whole; None where there is none."""
    made = (one for one in filed(client) if one[1].draw == draw)
    return next((one for one in made if stored(client, one[1])), None)


def filed(client: Client) -> list[tuple[LedgerEntry, Filed]]:
    """All memoranda on record."""
    return [
        (entry, msgspec.json.decode(entry.record, type=Filed))
        for entry, _hash in ledger.read(client, "audit", "memorandum")
    ]


def stored(client: Client, one: Filed) -> bool:
    """Whether both forms of a memorandum are stored; filing may have been interrupted before they were."""
    asked = {"hashes": [one.markdown_sha256, one.pdf_sha256]}
    rows = run("reading documents", partial(client.query, _STORED, parameters=asked)).result_rows
    return int(rows[0][0]) == len(set(asked["hashes"]))


def findings(client: Client, draw: int) -> dict[UUID, tuple[LedgerEntry, Finding]]:
    """The newest finding of each inquiry of a draw."""
    found: dict[UUID, tuple[LedgerEntry, Finding]] = {}
    for entry, _hash in ledger.read(client, "audit", "finding"):
        finding = msgspec.json.decode(entry.record, type=Finding)
        if finding.draw == draw:
            found[finding.inquiry_id] = (entry, finding)
    return found


def looks(client: Client, permit: Permit, inquiries: Sequence[UUID]) -> list[Look]:
    """Return the inquiries as they are in the log, oldest first; `permit` is the act that reads them."""
    asked: dict[str, Any] = {"act": permit.inquiry_id, "inquiries": [str(one) for one in inquiries]}
    rows = run("reading the log", partial(client.query, _LOOKS, parameters=asked)).result_rows
    return [Look(**dict(zip(Look.__struct_fields__, row, strict=True))) for row in rows]
