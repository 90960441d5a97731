"""Who is who, by the newest records of the registry: registered and active, trained, of an agency with which
data may be shared, on shift.

The router of notifications, the checks of inquiries and the services ask here; the inquiry gate answers the
same questions in SQL when it judges an act (`services/door.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from schemas.acts import Role
from schemas.gate_rules import GateRules
from schemas.registry import RegistryRecord

Rule = Literal["registered", "trained", "agency"]


@dataclass(frozen=True)
class PeopleRules:
    """What an agency demands. `training` is how long training counts, None for good (F.7).

    With `mou_required` another agency needs an MOU in force; without `out_of_state` it is of `own_state`;
    with `declaration` it has declared in writing what it looks for (I.2): one of another state only with
    `declaration_outside`, not longer than `declaration_holds` ago, and where there are
    `declaration_texts` (SHA-256) in one of these, signed by somebody.
    """

    training: timedelta | None = timedelta(days=365)
    mou_required: bool = True
    out_of_state: bool = True
    own_state: str = ""
    declaration: bool = False
    declaration_outside: bool = False
    declaration_holds: timedelta | None = None
    declaration_texts: tuple[str, ...] = ()

    def lapses(self, trained_at: datetime) -> datetime | None:
        """When training of this day counts no more; None: never."""
        return None if self.training is None else trained_at + self.training

    @classmethod
    def of(cls, rules: GateRules) -> "PeopleRules":
        """The same as the gate has them."""
        return cls(
            training=timedelta(days=rules.training_days) if rules.training_days else None,
            mou_required=rules.mou_required,
            out_of_state=rules.out_of_state,
            own_state=rules.own_state,
            declaration=rules.declaration,
            declaration_outside=rules.declaration_outside,
            declaration_holds=timedelta(days=rules.declaration_days) if rules.declaration_days else None,
            declaration_texts=rules.declaration_texts,
        )


THE_ORDERS = PeopleRules()


@dataclass(frozen=True)
class Objection:
    """Why somebody may not: by which rule, as a `code` for records, and in words."""

    rule: Rule
    code: str
    said: str


UNREGISTERED = Objection("registered", "unregistered", "not a registered, active user (E.1.e)")
UNTRAINED = Objection("trained", "untrained", "no training on record (F.7)")
LAPSED = Objection("trained", "training_lapsed", "training had lapsed (F.7)")
UNKNOWN_AGENCY = Objection("agency", "agency_unregistered", "an agency that is not registered (I.2)")
NO_MOU = Objection("agency", "no_mou", "no MOU was in force (I.2)")
OTHER_STATE = Objection("agency", "other_state", "an agency of another state (I.2)")
UNDECLARED = Objection("agency", "undeclared", "no written declaration on record (I.2)")
DECLARATION_LAPSED = Objection("agency", "declaration_lapsed", "its written declaration had lapsed (I.2)")
OTHER_TEXT = Objection(
    "agency", "declaration_other", "its declaration is not of the text that is asked for, or not signed (I.2)"
)
FOREIGN = Objection("agency", "other_agency", "a person of another agency (F.1)")


class People:
    """Users, their shifts, and agencies; other kinds of record change nothing here.

    Of a record's versions the newest stands, in whatever order they come.
    """

    def __init__(self, records: Iterable[RegistryRecord] = ()) -> None:
        self.users: dict[str, RegistryRecord] = {}
        self.agencies: dict[str, RegistryRecord] = {}
        self._shifts: dict[str, dict[str, RegistryRecord]] = {}
        for record in records:
            self.put(record)

    def put(self, record: RegistryRecord) -> None:
        """Take in one version of a record."""
        kept = self._of(record)
        before = None if kept is None else kept.get(record.id)
        if kept is not None and (before is None or _changed(record) >= _changed(before)):
            kept[record.id] = record

    def person(self, who: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """What stands against this person themselves at this moment: registration, then training."""
        return self.trained(self.users.get(who), at, rules)

    @staticmethod
    def trained(user: RegistryRecord | None, at: datetime, rules: PeopleRules) -> Objection | None:
        """The same of a record, also one that another agency stands for."""
        if user is None or not user.active:
            return UNREGISTERED
        if user.trained_at is None or user.trained_at > at:
            return UNTRAINED
        if rules.training is not None and user.trained_at < at - rules.training:
            return LAPSED
        return None

    def agency(self, name: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """What stands against sharing with this agency at this moment; with our own we share."""
        agency = self.agencies.get(name)
        if agency is None or not agency.active:
            return UNKNOWN_AGENCY
        if agency.own:
            return None
        if rules.mou_required and not agency.mou_at(at):
            return NO_MOU
        if not rules.out_of_state and agency.state != rules.own_state:
            return OTHER_STATE
        return declared(agency, at, rules)

    def colleague(self, who: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """What stands against this person as an employee of our own agency."""
        if objection := self.person(who, at, rules):
            return objection
        agency = self.agencies.get(self.users[who].agency)
        if agency is None or not agency.active:
            return UNKNOWN_AGENCY
        return None if agency.own else FOREIGN

    def with_role(self, role: Role, at: datetime, rules: PeopleRules) -> list[str]:
        """Our own employees who are in force in this role at this moment."""
        return [
            who
            for who, user in self.users.items()
            if role in user.roles and self.colleague(who, at, rules) is None
        ]

    def on_shift(self, who: str, at: datetime) -> bool:
        """Logged in, not out since, and not for longer than a shift may last (F.4)."""
        return any(shift.counts_at(at) for shift in self._shifts.get(who, {}).values())

    def shifts_at(self, at: datetime) -> Iterator[RegistryRecord]:
        """The shifts that count at this moment."""
        for shifts in self._shifts.values():
            yield from (shift for shift in shifts.values() if shift.counts_at(at))

    def forget_shifts(self, at: datetime) -> None:
        """Drop shifts that have ended: a new one comes with its logging in."""
        for shifts in self._shifts.values():
            for name in [name for name, one in shifts.items() if one.until and one.until < at]:
                del shifts[name]

    def _of(self, record: RegistryRecord) -> dict[str, RegistryRecord] | None:
        if record.kind == "shift":
            return self._shifts.setdefault(record.user, {})
        return {"user": self.users, "agency": self.agencies}.get(record.kind)


def declared(agency: RegistryRecord, at: datetime, rules: PeopleRules) -> Objection | None:
    """What stands against another agency's written declaration at this moment, where one is asked for."""
    if not rules.declaration or (rules.declaration_outside and agency.state == rules.own_state):
        return None
    if agency.declared_at is None or agency.declared_at > at:
        return UNDECLARED
    if rules.declaration_holds is not None and agency.declared_at < at - rules.declaration_holds:
        return DECLARATION_LAPSED
    texts = rules.declaration_texts
    if texts and (agency.declaration not in texts or not agency.declared_by.strip()):
        return OTHER_TEXT
    return None


def _changed(record: RegistryRecord) -> float:
    return record.changed_at.timestamp() if record.changed_at else 0.0
