"""Content of the memorandum to the Chief (order, section K.4)."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from platestream.access.door import Door, Permit
from platestream.access.registry import records_of
from platestream.audit.yearly.draw import Draw, TooSoon, drawn_as, draws, draws_of, verify_draw
from platestream.audit.yearly.findings import (
    OWN,
    AuditedInquiry,
    Finding,
    audited_inquiries,
    findings,
)
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.edges.inquiry_log import readable_log
from platestream.ledger import store as ledger
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import Profile
from platestream.transparency_log.log_integrity import verify

_TRAINED = """
SELECT id, if(trained_at > toDateTime64(0, 3, 'UTC'), toString(toDate(trained_at)), 'none on record')
FROM platestream.registry FINAL WHERE kind = 'user' AND active ORDER BY id
"""


@dataclass(frozen=True)
class Memo:
    """The content of a memorandum. `draws_made` counts the draws of that audit: one, unless it was repeated.

    `whole` lists faults of the records, one sentence each; `waiting` counts unsealed rows. `trained` has each
    user's last training, where the profile requires a certification. `authors` judged the inquiries: names
    with accounts.
    """

    profile: Profile
    entry: LedgerEntry
    drawn: Draw
    draws_made: int
    looks: Sequence[AuditedInquiry]
    findings: Sequence[Finding]
    whole: Sequence[str]
    waiting: int
    authors: Sequence[str]
    at: datetime
    trained: Sequence[tuple[str, str]] = ()

    @property
    def title(self) -> str:
        """The name of the audit."""
        if self.drawn.rhythm:
            return f"{self.drawn.rhythm} audit, {self.drawn.period},"
        return f"{self.drawn.year} audit"

    @property
    def citation(self) -> str:
        """The rule that requires the audit."""
        rhythm = self.profile.rhythms.get(self.drawn.rhythm)
        return rhythm.citation if rhythm else self.profile.audit.citation

    @property
    def asked_for(self) -> int:
        """The number of inquiries that the rule requires."""
        if not self.drawn.rhythm:
            return self.profile.audit.inquiries
        rhythm = self.profile.rhythms.get(self.drawn.rhythm)
        return (rhythm.inquiries if rhythm else 0) or self.drawn.population

    @property
    def met(self) -> int:
        """The number of inquiries that meet the order."""
        return sum(one.meets for one in self.findings)

    @property
    def errors(self) -> list[Finding]:
        """The findings with a data error."""
        return [one for one in self.findings if one.data_error]

    @property
    def use_totals(self) -> Counter[str]:
        """Passes, hits, verified and acted on of the sampled days."""
        total: Counter[str] = Counter()
        for one in self.drawn.use:
            total.update(passes=one.passes, hits=one.hits, verified=one.verified, acted_on=one.acted_on)
        return total


def _names(door: Door, people: Collection[str]) -> list[str]:
    """Return people by their registered names, with their accounts."""
    users = records_of(door.streams, "user")
    named = {who: users[who].name for who in people if who in users}
    return [f"{named[who]} ({who})" if named.get(who, who) != who else who for who in sorted(people)]


def compose(door: Door, permit: Permit, number: int, at: datetime) -> Memo:
    """Return the content of the memorandum on draw `number`; `permit` is an act that reads the inquiry log.

    Raises TooSoon while an inquiry has no finding, and RefusedError where an auditor judged their own.
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
    asked = audited_inquiries(client, permit, drawn.inquiries)
    own = [one.inquiry_id for one in asked if judged[one.inquiry_id][0].who == one.who]
    if own:
        raise RefusedError("memorandum", f"inquiry {own[0]} was judged by whoever made it: {OWN}")
    log = verify(client, log=readable_log(permit.inquiry_id))
    return Memo(
        profile=profile,
        entry=entry,
        drawn=drawn,
        draws_made=len(
            draws_of(client, drawn.rhythm, drawn.period) if drawn.rhythm else draws(client, drawn.year)
        ),
        looks=asked,
        findings=[judged[one.inquiry_id][1] for one in asked],
        whole=[
            *verify_draw(client, drawn),
            *log.faults,
            *ledger.verify(client),
        ],
        waiting=log.waiting,
        authors=_names(door, {judged[one.inquiry_id][0].who for one in asked}),
        at=at,
        trained=_trained(client) if profile.audit.certification else (),
    )


def _trained(client: Client) -> list[tuple[str, str]]:
    found = read_rows(client, "reading the registry", _TRAINED)
    return [(str(name), str(day)) for name, day in found]
