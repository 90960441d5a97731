"""An inquiry against the order: a second opinion on what the gate decided, reached without the gate.

What an act asks of whoever does it stands in `schemas.acts`; what follows from it is worked out here anew.

| rule | finding |
|---|---|
| `unknown_act` | allowed though it is no act of the table |
| `documented` | allowed without a usable case number, and without a reason that says something (I.7, F.8.a) |
| `automatic` | done by the machine by itself, though only people do it |
| `started` | automatic, and nobody is named who started the job, or nobody who may do this |
| `registered` | done by somebody who is not a registered, active user (E.1.e) |
| `trained` | done untrained, or with lapsed training (F.7) |
| `roles` | allowed to somebody whose roles do not include it, or on their own registration (E.1.a, E.1.e) |
| `agency` | of one not registered, without an MOU in force, of another state, undeclared (F.6, I.2) |
| `shared` | outside of what the MOU shares (I.2) |
| `legal_basis` | for somebody outside of law enforcement, without a legal basis (I.4) |
| `purpose` | a prohibited purpose, or none of those that are allowed (F.1, I.3) |
| `violation` | without the violation that its purpose asks for, or with one that the agency does not list |

All of these are breaches: the gate refuses such inquiries, so one that was allowed got past it.

Rows from before the table of acts have the kinds in `FORMER`. They needed a case number or a reason, and
nobody had roles then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from operators.inquiry_checks.folded import says
from operators.inquiry_checks.reasons import says_something, usable_case
from operators.people import LAPSED, THE_ORDERS, People, PeopleRules
from schemas.acts import ACTS, BY_NAME, Act
from schemas.finding import Finding
from schemas.gate_rules import GateRules
from schemas.inquiry import Inquiry
from schemas.profile import BOILERPLATE, CASE_NUMBER
from schemas.registry import RegistryRecord

# Kinds of rows from before the table of acts, each as an act with what was asked of it then.
FORMER: Mapping[str, Act] = {
    "hotlist": Act("hotlist", "change the hot list", "H", (), documented="inquiry"),
    "export": Act("export", "export evidence", "F.8.a", (), documented="inquiry"),
    "evidence": Act("evidence", "hold or keep evidence", "F.8.a J.2", (), documented="inquiry"),
    "audit": Act("audit", "draw, judge or file the yearly audit", "K", (), documented="inquiry"),
    "retention": Act("retention", "delete what is past its time", "J.1", (), documented="inquiry"),
}
FORMER_SHOWS_DATA = frozenset({"export", "evidence"})
# What a look leads to: a vehicle listed, a hit handled, evidence held; and the former names of these.
FOLLOW_UPS = frozenset(act.name for act in ACTS if act.follows_up) | {"export", "evidence", "hotlist"}
NOBODY = "nobody named"  # the gate writes it where an automatic act does not say who set it off
FOUNDING = frozenset({"registry_agency", "registry_user", "registry_recovery_code"})
FORMER_JOBS = frozenset({"retention job", "platestream_retention_job"})  # `retention` is an act now, too


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
    people: PeopleRules = THE_ORDERS
    always_registry: bool = False
    case_number: str = CASE_NUMBER
    reason_letters: int = 5
    boilerplate: tuple[str, ...] = BOILERPLATE
    case_required: bool = False
    violation_for: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
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
    """Return whether somebody was an administrator by then, in force or not: nobody founds afterwards."""
    return any(
        "administrator" in user.roles and _changed(user) <= at.timestamp() for user in people.users.values()
    )


def is_look(inquiry: Inquiry) -> bool:
    """A person browsed stored data. What the machine asks by itself is no employee's inquiry (K.3)."""
    act = BY_NAME.get(inquiry.kind)
    return act is not None and act.browses and inquiry.automatic is not True


def against_the_order(inquiry: Inquiry, people: People, rules: CheckRules) -> Iterator[Finding]:
    """What an allowed inquiry should have been refused for; nothing of a refused one."""
    if inquiry.outcome == "refused":
        return
    act = act_of(inquiry)
    if act is None:
        yield Finding.of(inquiry, "unknown_act", "breach", "no act of the table, and no former kind")
        return
    yield from _documented(inquiry, act, rules)
    yield from _purpose(inquiry, act, rules)
    if inquiry.requester and not inquiry.legal_basis:
        yield Finding.of(inquiry, "legal_basis", "breach", "a requester without a legal basis (I.4)")
    yield from against_people(inquiry, people, rules)


def against_people(inquiry: Inquiry, people: People, rules: CheckRules) -> Iterator[Finding]:
    """Yield the rules by which the person who made an allowed inquiry should have been refused."""
    act = act_of(inquiry)
    if act is None or inquiry.outcome == "refused":
        return
    if inquiry.automatic is True:
        if not act.automatic:
            yield Finding.of(inquiry, "automatic", "breach", "the machine does not do this by itself")
        yield from _started(inquiry, act, people)
    elif _judged(inquiry, act, people, rules):
        yield from _who(inquiry, act, people, rules)
    elif not act.roles and not _is_former(act):
        yield Finding.of(inquiry, "roles", "breach", "only the machine does this, by itself")


def act_of(inquiry: Inquiry) -> Act | None:
    """The act of an inquiry, a former one where its row is from before the table; None: unknown."""
    act = BY_NAME.get(inquiry.kind)
    if act is None or inquiry.who in FORMER_JOBS:
        return FORMER.get(inquiry.kind, act)
    return act


def _is_former(act: Act) -> bool:
    return BY_NAME.get(act.name) is not act


def _documented(inquiry: Inquiry, act: Act, rules: CheckRules) -> Iterator[Finding]:
    if act.documented in (
        "",
        "entry",
    ):  # the words of an entry are on the list, where `policy check` judges them
        return
    cased = usable_case(inquiry.case_number, rules.case_number)
    if act.documented == "case" and not cased:
        yield Finding.of(inquiry, "documented", "breach", "no usable case number (F.8.a)")
    elif rules.case_required and act.searches and inquiry.automatic is not True and not cased:
        yield Finding.of(inquiry, "documented", "breach", "no usable case number, which the rules ask for")
    elif not cased and not _said(inquiry.case_number) and not _said(inquiry.reason):
        yield Finding.of(inquiry, "documented", "breach", "neither case number nor reason (I.7)")
    elif not cased and not says_something(inquiry.reason, rules.reason_letters, rules.boilerplate):
        yield Finding.of(inquiry, "documented", "breach", "a reason that says nothing (I.7)")


def _purpose(inquiry: Inquiry, act: Act, rules: CheckRules) -> Iterator[Finding]:
    if says(f"{inquiry.purpose or ''} {inquiry.reason} {inquiry.violation or ''}", rules.prohibited):
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


def _judged(inquiry: Inquiry, act: Act, people: People, rules: CheckRules) -> bool:
    """Whether it matters who it was: a registry is there, and nobody is founding it."""
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
        yield Finding.of(inquiry, objection.rule, "breach", objection.said)
    if user is None or not user.active:
        return
    yield from _roles(inquiry, act, user)
    agency = people.agencies.get(user.agency)
    if agency is not None and agency.active and not agency.own and not act.partners and not _is_former(act):
        yield Finding.of(inquiry, "agency", "breach", "only this agency's own employees do this (D.4, F.1)")
        return
    if objection := people.agency(user.agency, inquiry.at, rules.people):
        yield Finding.of(inquiry, objection.rule, "breach", objection.said)
    if agency is not None and agency.active and not agency.own:
        yield from _shared(inquiry, act, agency)


def _started(inquiry: Inquiry, act: Act, people: People) -> Iterator[Finding]:
    """A row of an earlier release names nobody, and of a later one `NOBODY`."""
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
    """Where the training of nearly everybody has lapsed, lapsed people bring an administrator back, too."""
    fit = [who for who in people.users if people.person(who, inquiry.at, rules.people) is None]
    return inquiry.kind == "registry_recover" and len(fit) < 2


def _roles(inquiry: Inquiry, act: Act, user: RegistryRecord) -> Iterator[Finding]:
    """Roles as they are now: of a record that changed after the inquiry nothing can be said."""
    if _is_former(act) or _changed(user) > inquiry.at.timestamp():
        return
    if not set(user.roles) & set(act.roles):
        yield Finding.of(inquiry, "roles", "breach", "none of this user's roles may do this (E.1.a)")
    elif inquiry.kind == "registry_user" and inquiry.other == f"user/{inquiry.who}":
        yield Finding.of(inquiry, "roles", "breach", "changed their own roles or training (E.1.e)")


def _partners(inquiry: Inquiry) -> RegistryRecord:
    """A person of another agency, as that agency's signed request has them: it stands for training."""
    try:
        trained = datetime.fromisoformat(inquiry.trained_on or "").replace(tzinfo=UTC)
    except ValueError:
        trained = None
    agency = inquiry.partner or ""
    return RegistryRecord(
        kind="user", id=inquiry.who, name=inquiry.who, agency=agency, role="analyst", trained_at=trained
    )


def _shared(inquiry: Inquiry, act: Act, agency: RegistryRecord) -> Iterator[Finding]:
    cameras = set(agency.shares_cameras)
    beyond = cameras and act.browses and not (inquiry.cameras and cameras >= set(inquiry.cameras))
    if beyond or (agency.shares_kinds and inquiry.kind not in agency.shares_kinds):
        yield Finding.of(inquiry, "shared", "breach", "outside of what the MOU shares (I.2)")
    if not agency.law_enforcement and not inquiry.legal_basis:
        yield Finding.of(inquiry, "legal_basis", "breach", "no legal basis given (I.4)")


def _shows_data(act: Act) -> bool:
    return act.shows_data or act.name in FORMER_SHOWS_DATA


def _changed(record: RegistryRecord) -> float:
    return record.changed_at.timestamp() if record.changed_at else 0.0


def _said(text: str) -> bool:
    return any(char.isalnum() for char in text)
