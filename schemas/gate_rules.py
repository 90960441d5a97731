"""The rules that the gate judges by, and since when: the gate, its commands and the checks know them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.profile import Profile, span


@dataclass(frozen=True)
class GateRules:
    """Patterns are RE2. `purposes` empty: none is asked for; `training_days` 0: training counts for good.

    `retention_s` is how long data is kept, and shown, from the capture of its image. Where `out_of_state` is
    off, other agencies are of `own_state`; `declaration`: they have declared in writing what they look for,
    those of another state only where `declaration_outside`, not longer than `declaration_days` ago (0: ever),
    in one of `declaration_texts` (SHA-256; empty: any). `case_required`: every search has a case number;
    a search for one of `violation_for` names the violation, one of `violations` where there are any.
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
    """The gate's rules as a profile has them. Whether the registry always holds is no matter of a profile."""
    outside = profile.sharing.declaration_of == "other_states"
    holds = profile.sharing.declaration_holds
    return GateRules(
        case_number=profile.inquiries.case_number,
        reason_letters=profile.inquiries.reason_letters,
        boilerplate=profile.inquiries.boilerplate,
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
    )
