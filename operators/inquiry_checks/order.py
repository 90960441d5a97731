"""An inquiry against the order: a second opinion on what the gate decided, reached without the gate.

| rule | finding |
|---|---|
| `documented` | allowed without a case number or a reason (I.7) |
| `registered` | looked without being a registered, active user (E.1.e) |
| `trained` | looked untrained, or with lapsed training (F.7) |
| `agency` | of one not registered, without an MOU in force, of another state, undeclared (F.6, I.2) |
| `shared` | outside of what the MOU shares (I.2) |
| `legal_basis` | for somebody outside of law enforcement, without a legal basis (I.4) |
| `purpose` | a prohibited purpose, or none of those that are allowed (F.1, I.3) |

All of these are breaches: the gate refuses such inquiries, so one that was allowed got past it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from operators.people import People, PeopleRules
from schemas.finding import Finding
from schemas.gate_rules import GateRules
from schemas.inquiry import Inquiry
from schemas.registry import RegistryRecord

LOOKS = frozenset({"search", "sightings", "fuzzy", "cotravel", "companions", "picture", "hits"})
ACTIONS = frozenset({"export", "evidence", "hotlist"})
SHOWS_DATA = LOOKS | {"export", "evidence"}


@dataclass(frozen=True)
class CheckRules:
    """What is looked for. Patterns of purposes are lower case; `purposes` empty: any purpose is allowed.

    `busy_day` looks a day are unusual for anybody who is new; with habits, three times the usual and at least
    `quiet_day`. `follow` is the time in which a look is expected to lead to something.
    """

    prohibited: tuple[str, ...] = (
        "personal (use|interest|reason)",
        "curio(us|sity)",
        "private (use|purpose|interest)",
    )
    purposes: tuple[str, ...] = ()
    people: PeopleRules = field(default_factory=PeopleRules)
    busy_day: int = 100
    quiet_day: int = 20
    refusals: int = 5
    follow: timedelta = timedelta(days=7)

    def under(self, rules: GateRules) -> "CheckRules":
        """The same, with what an agency sets as the gate has it."""
        return replace(
            self,
            prohibited=rules.prohibited,
            purposes=rules.purposes,
            people=PeopleRules.of(rules),
        )


RULES = CheckRules()


def against_the_order(inquiry: Inquiry, registered: People, rules: CheckRules) -> Iterator[Finding]:
    """What an allowed inquiry should have been refused for; nothing of a refused one."""
    if inquiry.outcome == "refused":
        return
    if not _said(inquiry.case_number) and not _said(inquiry.reason):
        yield Finding.of(inquiry, "documented", "breach", "neither case number nor reason (I.7)")
    told = f"{inquiry.purpose or ''} {inquiry.reason}".lower()
    if any(re.search(one, told) for one in rules.prohibited):
        yield Finding.of(inquiry, "purpose", "breach", "a prohibited purpose (F.1, I.3)")
    elif rules.purposes and inquiry.kind in SHOWS_DATA and inquiry.purpose not in rules.purposes:
        yield Finding.of(inquiry, "purpose", "breach", "none of the allowed purposes (F.1)")
    if inquiry.requester and not inquiry.legal_basis:
        yield Finding.of(inquiry, "legal_basis", "breach", "a requester without a legal basis (I.4)")
    if registered.users and inquiry.kind in SHOWS_DATA:
        yield from _who(inquiry, registered, rules)


def _who(inquiry: Inquiry, registered: People, rules: CheckRules) -> Iterator[Finding]:
    if objection := registered.person(inquiry.who, inquiry.at, rules.people):
        yield Finding.of(inquiry, objection.rule, "breach", objection.said)
    user = registered.users.get(inquiry.who)
    if user is None or not user.active:
        return
    if objection := registered.agency(user.agency, inquiry.at, rules.people):
        yield Finding.of(inquiry, objection.rule, "breach", objection.said)
    agency = registered.agencies.get(user.agency)
    if agency is not None and agency.active and not agency.own:
        yield from _shared(inquiry, agency)


def _shared(inquiry: Inquiry, agency: RegistryRecord) -> Iterator[Finding]:
    cameras = set(agency.shares_cameras)
    beyond = cameras and inquiry.kind in LOOKS and not (inquiry.cameras and cameras >= set(inquiry.cameras))
    if beyond or (agency.shares_kinds and inquiry.kind not in agency.shares_kinds):
        yield Finding.of(inquiry, "shared", "breach", "outside of what the MOU shares (I.2)")
    if not agency.law_enforcement and not inquiry.legal_basis:
        yield Finding.of(inquiry, "legal_basis", "breach", "no legal basis given (I.4)")


def _said(text: str) -> bool:
    return any(char.isalnum() for char in text)
