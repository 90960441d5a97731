"""Rules in force: the whole profile as one text, and the columns of it that the gate judges by.

A row of `platestream.gate_rules` has both. The columns are derived from the text in `AgencyRules.gate` only.
"""

import dataclasses
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from platestream.schemas.profile import (
    ANYTHING_WITH_A_DIGIT,
    Profile,
    ProfileError,
    differences,
    faults,
)
from platestream.schemas.spans import Span, parse_span


@dataclass(frozen=True)
class GateRules:
    """The columns of the rules that the inquiry gate reads.

    Patterns are RE2. If `purposes` is empty, no purpose is required. With `training_days` 0, training never
    expires. `retention_s` is the retention of data in seconds, counted from the capture of the image. If
    `out_of_state` is off, other agencies must be of `own_state`.

    `declaration`: other agencies must have declared their purposes in writing. With `declaration_outside`
    this holds for agencies of another state only. A declaration is valid for `declaration_days` (0: without
    end), and its text is one of `declaration_texts` (SHA-256; empty: any).

    `case_required`: every search has a case number. A search for one of `violation_for` names the violation,
    which is one of `violations` if there are any. `vehicles_…`: the number of different vehicles that a
    person with this role, or all people of one other agency together, are shown in 24 hours.
    `always_registry`: the rules of the registry hold even before anybody is registered.

    `training_span`, `declaration_span` and `time_zone` are no columns. They are read from the text of the
    rules, so that a year is one of the calendar. They are empty in a row without text, where the days count.
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
    training_span: str = dataclasses.field(default="", compare=False)
    declaration_span: str = dataclasses.field(default="", compare=False)
    time_zone: str = dataclasses.field(default="", compare=False)

    @property
    def training(self) -> Span | None:
        """The validity of training; None: without end."""
        return _span_of(self.training_span, self.training_days)

    @property
    def declaration_holds(self) -> Span | None:
        """The validity of a written declaration; None: without end."""
        return _span_of(self.declaration_span, self.declaration_days)

    @property
    def zone(self) -> ZoneInfo:
        """The agency's time zone."""
        return ZoneInfo(self.time_zone or "UTC")

    @property
    def retention(self) -> timedelta:
        """The retention of data, from the capture of the image."""
        return timedelta(seconds=self.retention_s)


COLUMNS = tuple(name for name, one in GateRules.__dataclass_fields__.items() if one.compare)
"""Columns of the table, in its order."""
GATE_RULES = "gate_rules"  # names the mark at the end of their snapshot


@dataclass(frozen=True)
class RulesInForce:
    """Rules in force from `set_at` (UTC) until the next ones."""

    set_at: datetime
    rules: GateRules


def of_profile(name: str, profile: Profile, *, always_registry: bool = False) -> GateRules:
    """Return the gate's columns of a profile. `always_registry` is not part of a profile."""
    outside = profile.sharing.declaration_of == "other_states"
    holds = profile.sharing.declaration_holds
    return GateRules(
        case_number=profile.inquiries.case_number,
        reason_letters=profile.inquiries.reason_letters,
        boilerplate=tuple(word.lower() for word in profile.inquiries.boilerplate),
        prohibited=tuple(profile.purposes.prohibited),
        purposes=tuple(profile.purposes.allowed),
        training_days=parse_span(profile.training.renewed_every).fixed.days,
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
        declaration_days=parse_span(holds).fixed.days if holds else 0,
        declaration_texts=tuple(profile.sharing.declaration_texts),
        declaration_outside=outside,
        vehicles_officer=profile.vehicles.officer,
        vehicles_analyst=profile.vehicles.analyst,
        vehicles_supervisor=profile.vehicles.supervisor,
        vehicles_agency=profile.vehicles.agency,
        training_span=profile.training.renewed_every,
        declaration_span=holds,
        time_zone=profile.agency.time_zone,
    )


def columns_of(rules: GateRules) -> dict[str, Any]:
    """Return the values of the table's columns."""
    values = asdict(rules)
    return {name: values[name] for name in COLUMNS}


def with_columns(profile: Profile, rules: GateRules) -> Profile:
    """Return `profile` with the values of the gate's columns.

    This is for rows of earlier releases, which stored the columns and the name of the profile only. A year is
    365 days in a column, and stays a year where the profile says so.
    """
    own = of_profile(rules.profile, profile, always_registry=rules.always_registry)
    if own == rules:
        return profile
    outside = rules.declaration_outside
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
            "declaration_holds": profile.sharing.declaration_holds
            if own.declaration_days == rules.declaration_days
            else _days(rules.declaration_days),
            "declaration_texts": list(rules.declaration_texts),
            "out_of_state": rules.out_of_state,
        },
        "training": {
            "renewed_every": profile.training.renewed_every
            if own.training_days == rules.training_days
            else _days(rules.training_days)
        },
        "vehicles": {
            "officer": rules.vehicles_officer,
            "analyst": rules.vehicles_analyst,
            "supervisor": rules.vehicles_supervisor,
            "agency": rules.vehicles_agency,
        },
    }
    sections = {
        name: msgspec.structs.replace(getattr(profile, name), **values) for name, values in changed.items()
    }
    return msgspec.structs.replace(profile, **sections)


class AgencyRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules of an agency that are in force at a time: the content of one row of `gate_rules`.

    `name` is the profile they come from. `own` lists the paths of values that an act changed separately from
    the profile, such as `inquiries.case_number`. `files` are the SHA-256 of the other rule files, by setting
    (`platestream/access/rules_reader.py`); no other files may be used. None: written by a release that bound
    no files.
    """

    name: str
    always_registry: bool = False
    own: tuple[str, ...] = ()
    files: dict[str, str] | None = None
    profile: Profile

    @property
    def text(self) -> str:
        """The canonical JSON that the row stores; the database derives the columns from it."""
        whole = {**msgspec.structs.asdict(self), "columns": columns_of(self.gate)}
        return msgspec.json.encode(whole, order="deterministic").decode()

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, 64 hex digits.

        It is the `effect` of the act that puts these rules in force.
        """
        return sha256(self.text.encode()).hexdigest()

    @property
    def gate(self) -> GateRules:
        """The columns that the gate judges by."""
        return of_profile(self.name, self.profile, always_registry=self.always_registry)

    @classmethod
    def parse(cls, text: str) -> "AgencyRules":
        """Return the rules in the text of a row. Raises ProfileError."""
        try:
            whole = msgspec.json.decode(text, type=dict[str, Any])
            found = msgspec.convert({name: one for name, one in whole.items() if name != "columns"}, cls)
        except msgspec.DecodeError as error:
            raise ProfileError(f"the text of the rules in force cannot be read: {error}") from None
        for field, said in faults(found.profile):
            raise ProfileError(f"the text of the rules in force: {field}: {said}")
        return found

    def contradictions(self, profile: Profile) -> list[str]:
        """Return the values of `profile` that differ from these rules.

        Values that an act changed separately, the pattern of case numbers of earlier releases, and a rule of
        second factors that they did not have are left out.
        """
        found, own = differences(profile, self.profile), set(self.own)
        if self.profile.inquiries.case_number == ANYTHING_WITH_A_DIGIT:
            own.add("inquiries.case_number")
        if self.profile.sign_in.second_factor is None:  # put in force by a release without this rule
            own |= {
                "sign_in.second_factor",
                "sign_in.programs",
                "sign_in.citation",
                "sign_in.command_line_hours",
                "sign_in.notice",
            }
        return [one for one in found if one.partition(":")[0] not in own]

    def changes(self, before: "AgencyRules") -> list[str]:
        """Return the values that these rules change, each as `path: before -> after`."""
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
    """The row in force: its time, its columns and its text.

    `text` is empty in a row of a release that stored columns only. Then `rules` are those of the profile that
    the row names, with the values of the columns.
    """

    set_at: datetime
    columns: GateRules
    text: str
    rules: AgencyRules

    @property
    def differs(self) -> list[str]:
        """The columns whose values differ from the text."""
        stored, wanted = columns_of(self.columns), columns_of(self.rules.gate)
        return [
            f"{name}: {stored[name]} in the gate, {wanted[name]} in the text"
            for name in stored
            if stored[name] != wanted[name]
        ]


def _span_of(text: str, days: int) -> Span | None:
    return parse_span(text or f"{days} days") if days else None


def _look_back(profile: Profile, rules: GateRules) -> str:
    known = profile.purposes.look_back
    return known if known in rules.purposes or not rules.purposes else rules.purposes[0]


def _days(days: int) -> str:
    return f"{days} days" if days else ""


def _span_text(seconds: int) -> str:
    days, rest = divmod(seconds, 24 * 3600)
    return f"{days} days" if days and not rest else f"{seconds // 60} minutes"
