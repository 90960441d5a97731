"""What the memorandum to the Chief says (order, section K.4)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, run
from connectors.inquiry_log import logged
from connectors.inquiry_verify import verify, waiting
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.profile import Profile
from services.door import Door, Permit
from services.yearly_audit.draw import Draw, TooSoon, again, drawn_as, draws, draws_of
from services.yearly_audit.findings import OWN, Finding, Look, filed, findings, looks

_TRAINED = """
SELECT id, if(trained_at > toDateTime64(0, 3, 'UTC'), toString(toDate(trained_at)), 'none on record')
FROM platestream.registry FINAL WHERE kind = 'user' AND active ORDER BY id
"""
__all__ = ["Memo", "compose", "filed"]


@dataclass(frozen=True)
class Memo:
    """All that the memorandum tells. `draws_made` counts the draws of that audit: one, unless re-rolled.

    `whole` is what is wrong with the records, one sentence for each fault; `waiting` counts unsealed rows.
    `trained` has each user's last training, where the profile asks for a certification.
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
    trained: Sequence[tuple[str, str]] = ()

    @property
    def title(self) -> str:
        """Which audit it is."""
        if self.drawn.rhythm:
            return f"{self.drawn.rhythm} audit, {self.drawn.period},"
        return f"{self.drawn.year} audit"

    @property
    def citation(self) -> str:
        """By which rule."""
        rhythm = self.profile.rhythms.get(self.drawn.rhythm)
        return rhythm.citation if rhythm else self.profile.audit.citation

    @property
    def asked_for(self) -> int:
        """How many inquiries that rule asks for."""
        if not self.drawn.rhythm:
            return self.profile.audit.inquiries
        rhythm = self.profile.rhythms.get(self.drawn.rhythm)
        return (rhythm.inquiries if rhythm else 0) or self.drawn.population

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


def compose(door: Door, permit: Permit, number: int, at: datetime) -> Memo:
    """Return the content of the memorandum on draw `number`; `permit` is an act that reads the inquiry log.

    Raises TooSoon while an inquiry has no finding, and RefusedError where somebody judged their own.
    """
    client, profile = door.client(AUDITOR), door.rules.profile
    entry, drawn = drawn_as(client, number)
    judged = findings(client, number)
    missing = [one for one in drawn.inquiries if one not in judged]
    if missing:
        raise TooSoon(
            f"{len(missing)} of {len(drawn.inquiries)} inquiries have no finding yet, "
            f"the first is {missing[0]}"
        )
    asked = looks(client, permit, drawn.inquiries)
    own = [one.inquiry_id for one in asked if judged[one.inquiry_id][0].who == one.who]
    if own:
        raise RefusedError("memorandum", f"inquiry {own[0]} was judged by whoever made it: {OWN}")
    return Memo(
        profile=profile,
        entry=entry,
        drawn=drawn,
        draws_made=len(
            draws_of(client, drawn.rhythm, drawn.period) if drawn.rhythm else draws(client, drawn.year)
        ),
        looks=asked,
        findings=[judged[one.inquiry_id][1] for one in asked],
        whole=[*again(client, drawn), *verify(client, log=logged(permit.inquiry_id)), *ledger.verify(client)],
        waiting=waiting(client),
        auditor=door.who,
        at=at,
        trained=_trained(client) if profile.audit.certification else (),
    )


def _trained(client: Client) -> list[tuple[str, str]]:
    found = run("reading the registry", partial(client.query, _TRAINED)).result_rows
    return [(str(name), str(day)) for name, day in found]
