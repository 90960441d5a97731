"""Status of the audits: draws, progress of the findings, and the memorandum of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.audit import findings as checked
from platestream.audit.yearly.draw import Draw, TooSoon, draws
from platestream.audit.yearly.findings import FiledMemorandum, filed_memoranda, judged_inquiries, stored_among
from platestream.audit.yearly.memo import Memo, compose
from platestream.edges.clickhouse_client import AUDITOR
from platestream.schemas.finding import Finding
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError

LATELY = timedelta(days=30)
BREACHES = 50


@dataclass(frozen=True)
class Audit:
    """A draw, the number of its inquiries with a finding, and its memorandum, if filed."""

    entry: LedgerEntry
    drawn: Draw
    judged: int
    filed: tuple[LedgerEntry, FiledMemorandum] | None

    @property
    def waiting(self) -> int:
        """The number of inquiries without a finding."""
        return len(self.drawn.inquiries) - self.judged


@dataclass(frozen=True)
class Overview:
    """All draws, the newest first, and the checks' findings since then: by rule, and the newest breaches."""

    audits: Sequence[Audit]
    since: datetime
    rules: Sequence[checked.RuleFindings]
    breaches: Sequence[Finding]


@dataclass(frozen=True)
class Memorandum:
    """The memorandum on a draw of one year. `audits` are the draws of that year, `audit` is the requested
    one.

    Before it is filed `memo` is its current content, and None where it cannot be filed, with the reason in
    `missing`.
    """

    audits: Sequence[Audit]
    audit: Audit | None
    memo: Memo | None = None
    missing: str = ""


def overview(door: Door, now: datetime) -> Overview:
    """Return draws, and the checks' findings of the last 30 days. Raises RefusedInquiry and DatabaseError."""
    door.enter("audit_show", "overview")
    client, since = door.client(AUDITOR), now - LATELY
    return Overview(
        audits=_audits(client),
        since=since,
        rules=checked.by_rule(client, since),
        breaches=checked.breaches(client, since, BREACHES),
    )


def memorandum(door: Door, year: int, now: datetime, number: int | None = None) -> Memorandum:
    """Return the memorandum on draw `number` of `year`, or on its newest draw.

    Raises TooSoon where that year has other draws but not this one, RefusedInquiry and DatabaseError.
    """
    permit = door.enter("audit_show", f"memorandum of {year}")
    client = door.client(AUDITOR)
    audits = _audits(client, year, number)
    audit = next((one for one in audits if number in (None, one.entry.number)), None)
    if audit is None and audits:
        raise TooSoon(f"{year} has no draw {number}")
    if audit is None or audit.filed:
        return Memorandum(audits, audit)
    try:
        return Memorandum(audits, audit, compose(door, permit, audit.entry.number, now))
    except RefusedError as refused:
        return Memorandum(audits, audit, missing=refused.detail)
    except TooSoon as soon:
        return Memorandum(audits, audit, missing=str(soon))


def _audits(client: Client, year: int | None = None, number: int | None = None) -> list[Audit]:
    """Return all draws, those of a year, or, where `number` is one of another rhythm, those of its period."""
    every = draws(client)
    found = [one for one in every if year is None or (one[1].year == year and not one[1].rhythm)]
    asked = next((drawn for entry, drawn in every if entry.number == number), None)
    if asked is not None and asked.rhythm and asked.year == year:
        found = [one for one in every if (one[1].rhythm, one[1].period) == (asked.rhythm, asked.period)]
    if not found:
        return []
    judged, memoranda = judged_inquiries(client), filed_memoranda(client)
    return [
        Audit(
            entry=entry,
            drawn=drawn,
            judged=len(set(drawn.inquiries) & judged.get(entry.number, set())),
            filed=stored_among(client, memoranda, entry.number),
        )
        for entry, drawn in reversed(found)
    ]
