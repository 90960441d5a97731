"""The memorandum to the Chief (order, section K.4): what it says, filed with its hashes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import run
from connectors.inquiry_verify import verify
from schemas.ledger import LedgerEntry
from schemas.profile import Profile
from services import records
from services.yearly_audit.draw import TOOL, Draw, TooSoon, again, draws
from services.yearly_audit.findings import Finding, Look, findings, looks


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps of a memorandum; its bytes are in `documents` by these hashes."""

    year: int
    draw: int
    markdown_sha256: str
    pdf_sha256: str
    inquiries: int
    met: int
    data_errors: int


@dataclass(frozen=True)
class Memo:
    """All that the memorandum tells. `draws_made` counts the draws of that year: one, unless re-rolled."""

    profile: Profile
    entry: LedgerEntry
    drawn: Draw
    draws_made: int
    looks: Sequence[Look]
    findings: Sequence[Finding]
    whole: Sequence[str]
    auditor: str
    at: datetime

    @property
    def met(self) -> int:
        """Inquiries that meet the order."""
        return sum(one.meets for one in self.findings)

    @property
    def errors(self) -> list[Finding]:
        """Findings with a data error."""
        return [one for one in self.findings if one.data_error]

    @property
    def use_totals(self) -> Counter[str]:
        """Passes, hits, verified and acted on of the sampled days."""
        total: Counter[str] = Counter()
        for one in self.drawn.use:
            total.update(passes=one.passes, hits=one.hits, verified=one.verified, acted_on=one.acted_on)
        return total


def compose(client: Client, profile: Profile, number: int, *, auditor: str) -> Memo:
    """What the memorandum on draw `number` says. Raises TooSoon while an inquiry has no finding."""
    found = {entry.number: (entry, drawn) for entry, drawn in draws(client)}
    if number not in found:
        raise TooSoon(f"no draw {number}")
    entry, drawn = found[number]
    judged = findings(client, number)
    waiting = [one for one in drawn.inquiries if one not in judged]
    if waiting:
        raise TooSoon(
            f"{len(waiting)} of {len(drawn.inquiries)} inquiries have no finding yet, "
            f"the first is {waiting[0]}"
        )
    asked = looks(client, drawn.inquiries)
    return Memo(
        profile=profile,
        entry=entry,
        drawn=drawn,
        draws_made=sum(one.year == drawn.year for _entry, one in found.values()),
        looks=asked,
        findings=[judged[one.inquiry_id][1] for one in asked],
        whole=[*again(client, drawn), *verify(client), *ledger.verify(client)],
        auditor=auditor,
        at=datetime.now(UTC),
    )


def file(client: Client, memo: Memo, markdown: bytes, pdf: bytes, *, who: str) -> LedgerEntry:
    """Store both forms and put them on record. Raises RefusedInquiry and DatabaseError."""
    rows = [
        (sha256(content).digest(), f"memorandum-{memo.drawn.year}-draw-{memo.entry.number}.{kind}", content)
        for kind, content in (("md", markdown), ("pdf", pdf))
    ]
    filed = Filed(
        year=memo.drawn.year,
        draw=memo.entry.number,
        markdown_sha256=rows[0][0].hex(),
        pdf_sha256=rows[1][0].hex(),
        inquiries=len(memo.findings),
        met=memo.met,
        data_errors=len(memo.errors),
    )
    reason = f"Memorandum of the yearly audit {memo.drawn.year}"
    entry = records.put(client, "audit", "memorandum", filed, who=who, tool=TOOL, reason=reason)
    run(
        "filing the memorandum",
        partial(
            client.insert,
            "platestream.documents",
            rows,
            column_names=["sha256", "name", "content"],
            settings={"async_insert": 0},
        ),
    )
    return entry


def filed(client: Client) -> list[tuple[LedgerEntry, Filed]]:
    """All memoranda on record."""
    return [
        (entry, msgspec.json.decode(entry.record, type=Filed))
        for entry, _hash in ledger.read(client, "audit", "memorandum")
    ]
