"""Checks of an inquiry against the order, independent of the decision of the gate.

The requirements of an act are in `platestream.schemas.acts`; their consequences are computed here a second
time.

| rule | finding |
|---|---|
| `unknown_act` | allowed though it is no act of the table |
| `documented` | allowed without a usable case number and without a meaningful reason (I.7, F.8.a) |
| `automatic` | done by a system job, though only people may do it |
| `started` | automatic, and the person who started the job is not named, or may not do this |
| `registered` | done by somebody who is not a registered, active user (E.1.e) |
| `trained` | done untrained, or with lapsed training (F.7) |
| `roles` | allowed to somebody whose roles do not include it, or on their own registration (E.1.a, E.1.e) |
| `agency` | of one not registered, without an MOU in force, of another state, undeclared (F.6, I.2) |
| `shared` | outside of what the MOU shares (I.2) |
| `legal_basis` | for somebody outside of law enforcement, without a legal basis (I.4) |
| `purpose` | a prohibited purpose, or none of those that are allowed (F.1, I.3) |
| `violation` | without the violation that its purpose requires, or with one that the agency does not list |

All of these are breaches: the gate refuses such inquiries, so one that was allowed bypassed it.

Rows from before the table of acts have the kinds in `FORMER`. They needed a case number or a reason, and
people had no roles then.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from platestream.operators.inquiry_checks.reasons import (
    is_legal_basis,
    is_meaningful,
    is_usable_case,
    names_person,
)
from platestream.operators.inquiry_checks.text_folding import BETWEEN, matches_any
from platestream.operators.people import LAPSED, THE_ORDERS, People, PeopleRules
from platestream.schemas.acts import ACTS, BY_NAME, Act
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.profile import BOILERPLATE, CASE_NUMBER
from platestream.schemas.registry import RegistryRecord

# Kinds of rows from before the table of acts, each as an act with the requirements of that time.
FORMER: Mapping[str, Act] = {
    "hotlist": Act("hotlist", "change the hot list", "H", (), documented="inquiry"),
    "export": Act("export", "export evidence", "F.8.a", (), documented="inquiry"),
    "evidence": Act("evidence", "hold or keep evidence", "F.8.a J.2", (), documented="inquiry"),
    "audit": Act("audit", "draw, judge or file the yearly audit", "K", (), documented="inquiry"),
    "retention": Act("retention", "delete what is past its time", "J.1", (), documented="inquiry"),
}
FORMER_SHOWS_DATA = frozenset({"export", "evidence"})
# Follow-ups of an inquiry: listing a vehicle, handling a hit, holding evidence; and their former names.
FOLLOW_UPS = frozenset(act.name for act in ACTS if act.follows_up) | {"export", "evidence", "hotlist"}
ASKS = frozenset({"partner_search", "partner_picture"})
NAMES = re.compile("(?:asked:|offered to) (.+)")  # an offer that is withdrawn needs no MOU
ORDERED, ORDERED_BY = frozenset({"evidence_hold", "evidence_keep"}), "Evidence: "
NOBODY = "nobody named"  # written by the gate if an automatic act names no person
FOUNDING = frozenset({"registry_agency", "registry_user", "registry_recovery_code"})
FORMER_JOBS = frozenset({"retention job", "platestream_retention_job"})  # `retention` is an act now, too


@dataclass(frozen=True)
class CheckRules:
    """Parameters of the checks.

    Patterns of purposes are lower case; `purposes` empty: any purpose is allowed.

    More vehicles than `day_vehicles` in one search are unusual, whatever the limits. `busy_day` inquiries a
    day are unusual for a new person; with habits, three times the usual and at least `quiet_day`. `follow` is
    the time in which a follow-up is expected.
    """

    prohibited: tuple[str, ...] = (
        "personal (use|interest|reason)",
        "curio(us|sity)",
        "private (use|purpose|interest)",
    )
    purposes: tuple[str, ...] = ()
    people: PeopleRules = THE_ORDERS
    always_registry: bool = False
    case_number: str = CASE_NUMBER
    reason_letters: int = 5
    boilerplate: tuple[str, ...] = BOILERPLATE
    case_required: bool = False
    violation_for: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    day_vehicles: int = 1000
    busy_day: int = 100
    quiet_day: int = 20
    refusals: int = 5
    follow: timedelta = timedelta(days=7)

    def under(self, rules: GateRules) -> "CheckRules":
        """Return the rules with an agency's values from the gate."""
        return replace(
            self,
            prohibited=rules.prohibited,
            purposes=rules.purposes,
            people=PeopleRules.of(rules),
            always_registry=rules.always_registry,
            case_number=rules.case_number,
            reason_letters=rules.reason_letters,
            boilerplate=rules.boilerplate,
            case_required=rules.case_required,
            violation_for=rules.violation_for,
            violations=rules.violations,
        )


RULES = CheckRules()


def had_administrator(people: People, at: datetime) -> bool:
    """Return whether there was an administrator by then, active or not. Later nobody can found the
    registry."""
    return any(
        "administrator" in user.roles and _changed(user) <= at.timestamp() for user in people.users.values()
    )


def is_browsing(inquiry: Inquiry) -> bool:
    """Return whether a person browsed stored data. Automatic queries are no employee's inquiries (K.3)."""
    act = BY_NAME.get(inquiry.kind)
    return act is not None and act.browses and inquiry.automatic is not True


def check_order(inquiry: Inquiry, people: People, rules: CheckRules) -> Iterator[Finding]:
    """Yield the reasons why an allowed inquiry should have been refused; none for a refused one."""
    if inquiry.outcome == "refused":
        return
    act = act_of(inquiry)
    if act is None:
        yield Finding.of(inquiry, "unknown_act", "breach", "no act of the table, and no former kind")
        return
    yield from _documented(inquiry, act, rules)
    yield from _purpose(inquiry, act, rules)
    if inquiry.requester and not is_legal_basis(inquiry.legal_basis or "", rules.boilerplate):
        yield Finding.of(inquiry, "legal_basis", "breach", "a requester without a legal basis (I.4)")
    yield from check_people(inquiry, people, rules)


def check_people(inquiry: Inquiry, people: People, rules: CheckRules) -> Iterator[Finding]:
    """Yield the reasons why the person of an allowed inquiry should have been refused."""
    act = act_of(inquiry)
    if act is None or inquiry.outcome == "refused":
        return
    if inquiry.automatic is True:
        if not act.automatic:
            yield Finding.of(inquiry, "automatic", "breach", "the machine does not do this by itself")
        yield from _started(inquiry, act, people)
    elif _is_checked(inquiry, act, people, rules):
        yield from _who(inquiry, act, people, rules)
        yield from _named(inquiry, people, rules)
    elif not act.roles and not _is_former(act):
        yield Finding.of(inquiry, "roles", "breach", "only the machine does this, by itself")


def act_of(inquiry: Inquiry) -> Act | None:
    """Return the act of an inquiry, a former one if its row is from before the table, or None if unknown."""
    act = BY_NAME.get(inquiry.kind)
    if act is None or inquiry.who in FORMER_JOBS:
        return FORMER.get(inquiry.kind, act)
    return act


def _is_former(act: Act) -> bool:
    return BY_NAME.get(act.name) is not act


def _documented(inquiry: Inquiry, act: Act, rules: CheckRules) -> Iterator[Finding]:
    if act.documented in ("", "entry"):  # `policy check` judges the texts of an entry
        return
    cased = is_usable_case(inquiry.case_number, rules.case_number)
    if act.documented == "case" and not cased:
        yield Finding.of(inquiry, "documented", "breach", "no usable case number (F.8.a)")
    elif inquiry.kind == "evidence_not_needed" and not is_meaningful(
        inquiry.reason, rules.reason_letters, rules.boilerplate
    ):
        yield Finding.of(inquiry, "documented", "breach", "no reason why no evidence is needed (F.8.a)")
    elif inquiry.kind in ORDERED and not names_person(
        inquiry.reason.removeprefix(ORDERED_BY), rules.boilerplate
    ):
        yield Finding.of(inquiry, "documented", "breach", "evidence that nobody ordered (F.8.a)")
    elif rules.case_required and act.searches and inquiry.automatic is not True and not cased:
        yield Finding.of(inquiry, "documented", "breach", "no usable case number, which the rules ask for")
    elif not cased and not _describe(inquiry.case_number) and not _describe(inquiry.reason):
        yield Finding.of(inquiry, "documented", "breach", "neither case number nor reason (I.7)")
    elif not cased and not is_meaningful(inquiry.reason, rules.reason_letters, rules.boilerplate):
        yield Finding.of(inquiry, "documented", "breach", "a reason that says nothing (I.7)")


def _purpose(inquiry: Inquiry, act: Act, rules: CheckRules) -> Iterator[Finding]:
    if matches_any(stated_purpose(inquiry), rules.prohibited):
        yield Finding.of(inquiry, "purpose", "breach", "a prohibited purpose (F.1, I.3)")
    elif rules.purposes and _shows_data(act) and inquiry.purpose not in rules.purposes:
        yield Finding.of(inquiry, "purpose", "breach", "none of the allowed purposes (F.1)")
    if not act.searches or inquiry.automatic is True or inquiry.purpose not in rules.violation_for:
        return
    violation = inquiry.violation or ""
    if not any(char.isalpha() for char in violation):
        yield Finding.of(inquiry, "violation", "breach", "no violation is named, which the purpose asks for")
    elif rules.violations and violation not in rules.violations:
        yield Finding.of(inquiry, "violation", "breach", "a violation that the agency does not list")


def stated_purpose(inquiry: Inquiry) -> str:
    """Return the texts that may state a purpose. Those of a hot list entry are not in the log."""
    said = f"{inquiry.purpose or ''} {inquiry.reason} {inquiry.violation or ''}"
    rest = (inquiry.requester or "", inquiry.legal_basis or "", inquiry.case_number)
    return f" {BETWEEN} ".join((said, *rest))


def _is_checked(inquiry: Inquiry, act: Act, people: People, rules: CheckRules) -> bool:
    """Return whether the person is checked: there is a registry that the inquiry does not found."""
    if inquiry.partner:
        return True
    if not people.users and not rules.always_registry:
        return False
    if _is_former(act):
        return act.name in FORMER_SHOWS_DATA
    user = people.users.get(inquiry.who)
    founding = inquiry.kind in FOUNDING and (user is None or user.active)
    return not (founding and not had_administrator(people, inquiry.at))


def _who(inquiry: Inquiry, act: Act, people: People, rules: CheckRules) -> Iterator[Finding]:
    user = _partners(inquiry) if inquiry.partner else people.users.get(inquiry.who)
    objection = people.trained(user, inquiry.at, rules.people)
    if objection and not (objection is LAPSED and _lapsed_recovers(inquiry, people, rules)):
        yield Finding.of(inquiry, objection.rule, "breach", objection.text)
    if user is None or not user.active:
        return
    yield from _roles(inquiry, act, user)
    agency = people.agencies.get(user.agency)
    if (
        agency is not None
        and agency.active
        and not agency.own
        and not _may_partner(inquiry, act)
        and not _is_former(act)
    ):
        yield Finding.of(inquiry, "agency", "breach", "only this agency's own employees do this (D.4, F.1)")
        return
    if objection := people.agency(user.agency, inquiry.at, rules.people):
        yield Finding.of(inquiry, objection.rule, "breach", objection.text)
    if agency is not None and agency.active and not agency.own:
        yield from _shared(inquiry, act, agency, rules)


def _named(inquiry: Inquiry, people: People, rules: CheckRules) -> Iterator[Finding]:
    """Check the agencies that are asked, or offered an entry: their MOU is in force at that time."""
    if inquiry.kind not in ASKS and inquiry.kind != "hotlist_offer":
        return
    said = NAMES.match(inquiry.change or "")
    if said is None and inquiry.kind in ASKS:
        yield Finding.of(inquiry, "agency", "breach", "no agency is named that was asked (F.6)")
    for name in said[1].split(", ") if said else ():
        if objection := people.agency(name, inquiry.at, rules.people):
            yield Finding.of(inquiry, objection.rule, "breach", f"{name}: {objection.text}")


def _started(inquiry: Inquiry, act: Act, people: People) -> Iterator[Finding]:
    """Check the person who started a job. Rows of earlier releases name nobody; later ones have `NOBODY`."""
    starter = inquiry.set_off_by or ""
    if starter == NOBODY:
        yield Finding.of(inquiry, "started", "breach", "nobody is named who started it (E.1.c)")
    by_agency = starter.startswith("agency:") and act.name in ("bolo", "hotlist_take")
    if not starter or starter == NOBODY or by_agency or not (act.has_effect and act.roles and people.users):
        return
    user = people.users.get(starter)
    if user is None or not user.active:
        yield Finding.of(inquiry, "started", "breach", "started by nobody who is a registered, active user")
    elif _changed(user) <= inquiry.at.timestamp() and not set(user.roles) & set(act.roles):
        yield Finding.of(inquiry, "started", "breach", "started by somebody whose roles do not include it")


def _lapsed_recovers(inquiry: Inquiry, people: People, rules: CheckRules) -> bool:
    """Return whether a lapsed person may help to recover an administrator.

    That is so when the training of nearly everybody has lapsed.
    """
    fit = [who for who in people.users if people.person(who, inquiry.at, rules.people) is None]
    return inquiry.kind == "registry_recover" and len(fit) < 2


def _roles(inquiry: Inquiry, act: Act, user: RegistryRecord) -> Iterator[Finding]:
    """Check the current roles; a record that changed after the inquiry proves nothing."""
    if _is_former(act) or _changed(user) > inquiry.at.timestamp():
        return
    if not set(user.roles) & set(act.roles):
        yield Finding.of(inquiry, "roles", "breach", "none of this user's roles may do this (E.1.a)")
    elif inquiry.kind == "registry_user" and inquiry.other == f"user/{inquiry.who}":
        yield Finding.of(inquiry, "roles", "breach", "changed their own roles or training (E.1.e)")


def _may_partner(inquiry: Inquiry, act: Act) -> bool:
    """Return whether people of other agencies do this act: some only by a signed request of their agency."""
    return act.partners and (bool(inquiry.partner) or not act.name.startswith("partner_"))


def _partners(inquiry: Inquiry) -> RegistryRecord:
    """Return a person of another agency from that agency's signed request, which vouches for the training."""
    try:
        trained = datetime.fromisoformat(inquiry.trained_on or "").replace(tzinfo=UTC)
    except ValueError:
        trained = None
    agency = inquiry.partner or ""
    return RegistryRecord(
        kind="user", id=inquiry.who, name=inquiry.who, agency=agency, role="analyst", trained_at=trained
    )


def _shared(inquiry: Inquiry, act: Act, agency: RegistryRecord, rules: CheckRules) -> Iterator[Finding]:
    cameras = set(agency.shares_cameras)
    beyond = cameras and act.browses and not (inquiry.cameras and cameras >= set(inquiry.cameras))
    if beyond or (agency.shares_kinds and inquiry.kind not in agency.shares_kinds):
        yield Finding.of(inquiry, "shared", "breach", "outside of what the MOU shares (I.2)")
    if not agency.law_enforcement and not is_legal_basis(inquiry.legal_basis or "", rules.boilerplate):
        yield Finding.of(inquiry, "legal_basis", "breach", "no legal basis given (I.4)")


def _shows_data(act: Act) -> bool:
    return act.shows_data or act.name in FORMER_SHOWS_DATA


def _changed(record: RegistryRecord) -> float:
    return record.changed_at.timestamp() if record.changed_at else 0.0


def _describe(text: str) -> bool:
    return any(char.isalnum() for char in text)
