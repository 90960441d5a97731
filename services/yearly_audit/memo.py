"""What the memorandum to the Chief says (order, section K.4)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors import ledger
from connectors.clickhouse_client import AUDITOR
from connectors.inquiry_verify import verify, waiting
from connectors.profiles import load as load_profile
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.profile import Profile
from services.door import Door
from services.yearly_audit.draw import Draw, TooSoon, again, drawn_as, draws
from services.yearly_audit.findings import OWN, Finding, Look, filed, findings, looks

__all__ = ["Memo", "compose", "filed"]


@dataclass(frozen=True)
class Memo:
    """All that the memorandum tells. `draws_made` counts the draws of that year: one, unless re-rolled.

    `whole` is what is wrong with the records, one sentence for each fault; `waiting` counts unsealed rows.
    """

    profile: Profile
    entry: LedgerEntry
    drawn: Draw
    draws_made: int
    looks: Sequence[Look]
    findings: Sequence[Finding]
    whole: Sequence[str]
    waiting: int
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


def compose(door: Door, number: int, at: datetime) -> Memo:
    """What the memorandum on draw `number` says.

    Raises TooSoon while an inquiry has no finding, and RefusedError where somebody judged their own.
    """
    client = door.client(AUDITOR)
    entry, drawn = drawn_as(client, number)
    judged = findings(client, number)
    missing = [one for one in drawn.inquiries if one not in judged]
    if missing:
        raise TooSoon(
            f"{len(missing)} of {len(drawn.inquiries)} inquiries have no finding yet, "
            f"the first is {missing[0]}"
        )
    asked = looks(client, drawn.inquiries)
    own = [one.inquiry_id for one in asked if judged[one.inquiry_id][0].who == one.who]
    if own:
        raise RefusedError("memorandum", f"inquiry {own[0]} was judged by whoever made it: {OWN}")
    return Memo(
        profile=load_profile(door.settings.profile),
        entry=entry,
        drawn=drawn,
        draws_made=len(draws(client, drawn.year)),
        looks=asked,
        findings=[judged[one.inquiry_id][1] for one in asked],
        whole=[*again(client, drawn), *verify(client), *ledger.verify(client)],
        waiting=waiting(client),
        auditor=door.who,
        at=at,
    )
