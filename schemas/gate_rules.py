"""The rules in force: the whole profile as one text, and the columns of it that the gate judges by.

A row of `platestream.gate_rules` has both. The columns are derived from the text in `AgencyRules.gate` alone.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from schemas.profile import ANYTHING_WITH_A_DIGIT, Profile, ProfileError, differences, faults, span


@dataclass(frozen=True)
class GateRules:
    """Patterns are RE2. `purposes` empty: none is asked for; `training_days` 0: training counts for good.

    `retention_s` is how long data is kept, and shown, from the capture of its image. Where `out_of_state` is
    off, other agencies are of `own_state`; `declaration`: they have declared in writing what they look for,
    those of another state only where `declaration_outside`, not longer than `declaration_days` ago (0: ever),
    in one of `declaration_texts` (SHA-256; empty: any). `case_required`: every search has a case number;
    a search for one of `violation_for` names the violation, one of `violations` where there are any.
    `vehicles_…`: how many different vehicles a person with this role, or all people of one other agency
    together, are shown in 24 hours.
    `always_registry`: the registry rules hold even before anybody is registered.
    """

    case_number: str
    reason_letters: int
    boilerplate: tuple[str, ...]
    prohibited: tuple[str, ...]
    purposes: tuple[str, ...]
    training_days: int
    mou_required: bool = True
    always_registry: bool = False
    profile: str = "st-johns"
    retention_s: int = 30 * 24 * 3600
    out_of_state: bool = True
    own_state: str = ""
    declaration: bool = False
    case_required: bool = False
    violation_for: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    declaration_days: int = 0
    declaration_texts: tuple[str, ...] = ()
    declaration_outside: bool = False
    vehicles_officer: int = 200
    vehicles_analyst: int = 1000
    vehicles_supervisor: int = 1000
    vehicles_agency: int = 500

    @property
    def retention(self) -> timedelta:
        """How long data is kept."""
        return timedelta(seconds=self.retention_s)


GATE_RULES = "gate_rules"  # the name under which the end of their snapshot is marked


@dataclass(frozen=True)
class RulesInForce:
    """Rules in force from `set_at` (UTC) on, until others follow."""

    set_at: datetime
    rules: GateRules


def of_profile(name: str, profile: Profile, *, always_registry: bool = False) -> GateRules:
    """Return the gate's columns of a profile. Whether the registry always holds is no matter of a profile."""
    outside = profile.sharing.declaration_of == "other_states"
    holds = profile.sharing.declaration_holds
    return GateRules(
        case_number=profile.inquiries.case_number,
        reason_letters=profile.inquiries.reason_letters,
        boilerplate=tuple(word.lower() for word in profile.inquiries.boilerplate),
        prohibited=tuple(profile.purposes.prohibited),
        purposes=tuple(profile.purposes.allowed),
        training_days=span(profile.training.renewed_every).days,
        mou_required=profile.sharing.mou_required,
        always_registry=always_registry,
        profile=name,
        retention_s=round(profile.retention.span.total_seconds()),
        out_of_state=profile.sharing.out_of_state,
        own_state="" if profile.sharing.out_of_state and not outside else profile.agency.state,
        declaration=profile.sharing.written_declaration,
        case_required=profile.inquiries.case_required,
        violation_for=tuple(profile.purposes.violation_for),
        violations=tuple(profile.purposes.violations),
        declaration_days=span(holds).days if holds else 0,
        declaration_texts=tuple(profile.sharing.declaration_texts),
        declaration_outside=outside,
        vehicles_officer=profile.vehicles.officer,
        vehicles_analyst=profile.vehicles.analyst,
        vehicles_supervisor=profile.vehicles.supervisor,
        vehicles_agency=profile.vehicles.agency,
    )


def with_columns(profile: Profile, rules: GateRules) -> Profile:
    """Return `profile` with the values that the gate's columns say.

    For rows of releases that stored the columns alone, whose profile is known by its name only.
    """
    outside, days = rules.declaration_outside, rules.declaration_days
    changed: dict[str, dict[str, Any]] = {
        "agency": {"state": rules.own_state or profile.agency.state},
        "retention": {"data": _span_text(rules.retention_s)},
        "inquiries": {
            "case_number": rules.case_number,
            "case_required": rules.case_required,
            "reason_letters": rules.reason_letters,
            "boilerplate": rules.boilerplate,
        },
        "purposes": {
            "prohibited": list(rules.prohibited),
            "allowed": list(rules.purposes),
            "violation_for": list(rules.violation_for),
            "violations": list(rules.violations),
            "look_back": _look_back(profile, rules),
        },
        "sharing": {
            "mou_required": rules.mou_required,
            "written_declaration": rules.declaration,
            "declaration_of": "other_states" if outside else "all",
            "declaration_holds": f"{days} days" if days else "",
            "declaration_texts": list(rules.declaration_texts),
            "out_of_state": rules.out_of_state,
        },
        "training": {"renewed_every": f"{rules.training_days} days"},
        "vehicles": {
            "officer": rules.vehicles_officer,
            "analyst": rules.vehicles_analyst,
            "supervisor": rules.vehicles_supervisor,
            "agency": rules.vehicles_agency,
        },
    }
    if of_profile(rules.profile, profile, always_registry=rules.always_registry) == rules:
        return profile
    sections = {
        name: msgspec.structs.replace(getattr(profile, name), **values) for name, values in changed.items()
    }
    return msgspec.structs.replace(profile, **sections)


class AgencyRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules of an agency that are in force at a time: the content of one row of `gate_rules`.

    `name` is the profile they come from. `own` are paths of values that an act changed apart from the
    profile, such as `inquiries.case_number`. `files` are SHA-256 of the files that rule besides it, by
    setting (`connectors/rules_in_force.py`): no other may be used. None: of a release that bound none.
    """

    name: str
    always_registry: bool = False
    own: tuple[str, ...] = ()
    files: dict[str, str] | None = None
    profile: Profile

    @property
    def text(self) -> str:
        """The canonical JSON that the row stores, with the columns, which the database takes from it."""
        whole = {**msgspec.structs.asdict(self), "columns": asdict(self.gate)}
        return msgspec.json.encode(whole, order="deterministic").decode()

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, 64 hex digits: the `effect` of the act that puts these rules in force."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def gate(self) -> GateRules:
        """The columns that the gate judges by."""
        return of_profile(self.name, self.profile, always_registry=self.always_registry)

    @classmethod
    def parse(cls, text: str) -> "AgencyRules":
        """Return the rules in a row's text. Raises ProfileError."""
        try:
            whole = msgspec.json.decode(text, type=dict[str, Any])
            found = msgspec.convert({name: one for name, one in whole.items() if name != "columns"}, cls)
        except msgspec.DecodeError as error:
            raise ProfileError(f"the text of the rules in force cannot be read: {error}") from None
        for field, said in faults(found.profile):
            raise ProfileError(f"the text of the rules in force: {field}: {said}")
        return found

    def contradictions(self, profile: Profile) -> list[str]:
        """Return what of `profile` these rules say otherwise, apart from what an act changed by itself and
        from the pattern of case numbers that earlier releases began with.
        """
        found, own = differences(profile, self.profile), set(self.own)
        if self.profile.inquiries.case_number == ANYTHING_WITH_A_DIGIT:
            own.add("inquiries.case_number")
        return [one for one in found if one.partition(":")[0] not in own]

    def changes(self, before: "AgencyRules") -> list[str]:
        """Return what these rules change, value by value: `path: before -> after`."""
        found = differences(before.profile, self.profile)
        if before.name != self.name:
            found.insert(0, f"profile: {before.name} -> {self.name}")
        if before.always_registry != self.always_registry:
            found.append(f"always_registry: {before.always_registry} -> {self.always_registry}")
        now, then = self.files or {}, before.files or {}
        found += [
            f"{name}: {then.get(name, 'none')} -> {now.get(name, 'none')}"
            for name in sorted(now.keys() | then.keys())
            if now.get(name) != then.get(name)
        ]
        if self.files is not None and before.files is None:
            found.append(f"files bound: {', '.join(now) or 'none'}")
        return found


@dataclass(frozen=True)
class RulesRow:
    """The row that is in force: since when, its columns, and its text.

    `text` is empty in a row of a release that stored columns alone; then `rules` are those of the profile
    that the row names, with the columns' values.
    """

    set_at: datetime
    columns: GateRules
    text: str
    rules: AgencyRules

    @property
    def differs(self) -> list[str]:
        """The columns that say otherwise than the text."""
        told, wanted = asdict(self.columns), asdict(self.rules.gate)
        return [
            f"{name}: {told[name]} in the gate, {wanted[name]} in the text"
            for name in told
            if told[name] != wanted[name]
        ]


def _look_back(profile: Profile, rules: GateRules) -> str:
    known = profile.purposes.look_back
    return known if known in rules.purposes or not rules.purposes else rules.purposes[0]


def _span_text(seconds: int) -> str:
    days, rest = divmod(seconds, 24 * 3600)
    return f"{days} days" if days and not rest else f"{seconds // 60} minutes"
