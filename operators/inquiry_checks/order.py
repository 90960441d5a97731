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
from datetime import datetime, timedelta

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
    training: timedelta | None = timedelta(days=365)
    mou_required: bool = True
    out_of_state: bool = True
    own_state: str = ""
    declaration: bool = False
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
            training=timedelta(days=rules.training_days) if rules.training_days else None,
            mou_required=rules.mou_required,
            out_of_state=rules.out_of_state,
            own_state=rules.own_state,
            declaration=rules.declaration,
        )


RULES = CheckRules()


@dataclass
class InquiryRegistry:
    """Users and agencies as the registry has them now. Without any user nobody asks who may look."""

    users: dict[str, RegistryRecord] = field(default_factory=dict)
    agencies: dict[str, RegistryRecord] = field(default_factory=dict)

    def put(self, record: RegistryRecord) -> None:
        """The newest record of an id stands; other kinds concern no inquiry."""
        kept = {"user": self.users, "agency": self.agencies}.get(record.kind)
        if kept is None:
            return
        before = kept.get(record.id)
        if before is None or _changed(record) >= _changed(before):
            kept[record.id] = record


def against_the_order(inquiry: Inquiry, registered: InquiryRegistry, rules: CheckRules) -> Iterator[Finding]:
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


def _who(inquiry: Inquiry, registered: InquiryRegistry, rules: CheckRules) -> Iterator[Finding]:
    user = registered.users.get(inquiry.who)
    if user is None or not user.active:
        yield Finding.of(inquiry, "registered", "breach", "not a registered, active user (E.1.e)")
        return
    if user.trained_at is None or user.trained_at > inquiry.at:
        yield Finding.of(inquiry, "trained", "breach", "no training on record (F.7)")
    elif rules.training and user.trained_at < inquiry.at - rules.training:
        yield Finding.of(inquiry, "trained", "breach", "training had lapsed (F.7)")
    agency = registered.agencies.get(user.agency)
    if agency is None or not agency.active:
        yield Finding.of(inquiry, "agency", "breach", "an agency that is not registered (I.2)")
    elif not agency.own:
        yield from _shared(inquiry, agency, rules)


def _shared(inquiry: Inquiry, agency: RegistryRecord, rules: CheckRules) -> Iterator[Finding]:
    if rules.mou_required and not _in_force(agency, inquiry.at):
        yield Finding.of(inquiry, "agency", "breach", "no MOU was in force (I.2)")
    elif not rules.out_of_state and agency.state != rules.own_state:
        yield Finding.of(inquiry, "agency", "breach", "an agency of another state (I.2)")
    elif rules.declaration and (agency.declared_at is None or agency.declared_at > inquiry.at):
        yield Finding.of(inquiry, "agency", "breach", "no written declaration on record (I.2)")
    cameras = set(agency.shares_cameras)
    beyond = cameras and inquiry.kind in LOOKS and not (inquiry.cameras and cameras >= set(inquiry.cameras))
    if beyond or (agency.shares_kinds and inquiry.kind not in agency.shares_kinds):
        yield Finding.of(inquiry, "shared", "breach", "outside of what the MOU shares (I.2)")
    if not agency.law_enforcement and not inquiry.legal_basis:
        yield Finding.of(inquiry, "legal_basis", "breach", "no legal basis given (I.4)")


def _in_force(agency: RegistryRecord, at: datetime) -> bool:
    begun = agency.mou_from is not None and agency.mou_from <= at
    return begun and (agency.mou_until is None or agency.mou_until > at)


def _changed(record: RegistryRecord) -> float:
    return record.changed_at.timestamp() if record.changed_at else 0.0


def _said(text: str) -> bool:
    return any(char.isalnum() for char in text)
