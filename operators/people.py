"""People and agencies by the newest records of the registry: active, trained, sharing permitted, on shift.

The router of notifications, the checks of inquiries and the services use it; the inquiry gate does the same
in SQL when it judges an act (`platestream/access/door.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from platestream.schemas.acts import Role
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.spans import Span

Rule = Literal["registered", "trained", "agency"]


A_YEAR = Span(1, "year")


A_YEAR = Span(1, "year")


@dataclass(frozen=True)
class PeopleRules:
    """An agency's requirements. `training` is the validity of training, None without end (F.7).

    With `mou_required` another agency needs an MOU in force; without `out_of_state` it must be of
    `own_state`. With `declaration` it must have declared its purposes in writing (I.2): only if it is of
    another state with `declaration_outside`, at most `declaration_holds` ago, and, if there are
    `declaration_texts` (SHA-256), with one of these, signed. Years are those of the calendar in `zone`.
    """

    training: Span | None = A_YEAR
    mou_required: bool = True
    out_of_state: bool = True
    own_state: str = ""
    declaration: bool = False
    declaration_outside: bool = False
    declaration_holds: Span | None = None
    declaration_texts: tuple[str, ...] = ()
    zone: tzinfo = UTC

    def lapses(self, trained_at: datetime) -> datetime | None:
        """Return the time when training of this day expires, or None."""
        return None if self.training is None else self.training.after(trained_at, self.zone)

    def declaration_lapses(self, declared_at: datetime) -> datetime | None:
        """Return the time when a declaration of this day expires, or None."""
        holds = self.declaration_holds
        return None if holds is None else holds.after(declared_at, self.zone)

    @classmethod
    def of(cls, rules: GateRules) -> "PeopleRules":
        """Return the rules with the values of the gate."""
        return cls(
            training=rules.training,
            mou_required=rules.mou_required,
            out_of_state=rules.out_of_state,
            own_state=rules.own_state,
            declaration=rules.declaration,
            declaration_outside=rules.declaration_outside,
            declaration_holds=rules.declaration_holds,
            declaration_texts=rules.declaration_texts,
            zone=rules.zone,
        )


THE_ORDERS = PeopleRules()


@dataclass(frozen=True)
class Objection:
    """The reason why somebody may not act: the rule, a `code` for records, and a text."""

    rule: Rule
    code: str
    text: str


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
    """Users, their shifts, and agencies; records of other kinds are ignored.

    The newest version of a record counts, in any order of arrival.
    """

    def __init__(self, records: Iterable[RegistryRecord] = ()) -> None:
        self.users: dict[str, RegistryRecord] = {}
        self.agencies: dict[str, RegistryRecord] = {}
        self._shifts: dict[str, dict[str, RegistryRecord]] = {}
        for record in records:
            self.put(record)

    def put(self, record: RegistryRecord) -> None:
        """Store one version of a record."""
        records = self._of(record)
        before = None if records is None else records.get(record.id)
        if records is not None and (before is None or _changed(record) >= _changed(before)):
            records[record.id] = record

    def person(self, who: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """Return the objection to this person at this time: registration, then training."""
        return self.trained(self.users.get(who), at, rules)

    @staticmethod
    def trained(user: RegistryRecord | None, at: datetime, rules: PeopleRules) -> Objection | None:
        """Return the objection to a record of a person, also one that another agency vouches for."""
        if user is None or not user.active:
            return UNREGISTERED
        if user.trained_at is None or user.trained_at > at:
            return UNTRAINED
        lapses = rules.lapses(user.trained_at)
        return LAPSED if lapses is not None and lapses < at else None

    def agency(self, name: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """Return the objection to sharing with this agency at this time; our own has none."""
        agency = self.agencies.get(name)
        if agency is None or not agency.active:
            return UNKNOWN_AGENCY
        if agency.own:
            return None
        if rules.mou_required and not agency.mou_at(at):
            return NO_MOU
        if not rules.out_of_state and agency.state != rules.own_state:
            return OTHER_STATE
        return declaration_objection(agency, at, rules)

    def colleague(self, who: str, at: datetime, rules: PeopleRules) -> Objection | None:
        """Return the objection to this person as an employee of our own agency."""
        if objection := self.person(who, at, rules):
            return objection
        agency = self.agencies.get(self.users[who].agency)
        if agency is None or not agency.active:
            return UNKNOWN_AGENCY
        return None if agency.own else FOREIGN

    def with_role(self, role: Role, at: datetime, rules: PeopleRules) -> list[str]:
        """Return our own employees who may act in this role at this time."""
        return [
            who
            for who, user in self.users.items()
            if role in user.roles and self.colleague(who, at, rules) is None
        ]

    def on_shift(self, who: str, at: datetime) -> bool:
        """Return whether a person is logged in, and not for longer than a shift may last (F.4)."""
        return any(shift.counts_at(at) for shift in self._shifts.get(who, {}).values())

    def shifts_at(self, at: datetime) -> Iterator[RegistryRecord]:
        """Yield the shifts that count at this time."""
        for shifts in self._shifts.values():
            yield from (shift for shift in shifts.values() if shift.counts_at(at))

    def crew(self, camera: str, at: datetime) -> dict[str, str]:
        """Return names by id of the people whose shift is in the car of this camera."""
        return {one.user: one.name for one in self.shifts_at(at) if camera in one.cameras}

    def forget_shifts(self, at: datetime) -> None:
        """Drop shifts that have ended; a new one comes with the next login."""
        for shifts in self._shifts.values():
            for name in [name for name, one in shifts.items() if one.until and one.until < at]:
                del shifts[name]

    def _of(self, record: RegistryRecord) -> dict[str, RegistryRecord] | None:
        if record.kind == "shift":
            return self._shifts.setdefault(record.user, {})
        return {"user": self.users, "agency": self.agencies}.get(record.kind)


def declaration_objection(agency: RegistryRecord, at: datetime, rules: PeopleRules) -> Objection | None:
    """Return the objection to another agency's written declaration at this time, if one is required."""
    if not rules.declaration or (rules.declaration_outside and agency.state == rules.own_state):
        return None
    if agency.declared_at is None or agency.declared_at > at:
        return UNDECLARED
    lapses = rules.declaration_lapses(agency.declared_at)
    if lapses is not None and lapses < at:
        return DECLARATION_LAPSED
    texts = rules.declaration_texts
    if texts and (agency.declaration not in texts or not agency.declared_by.strip()):
        return OTHER_TEXT
    return None


def _changed(record: RegistryRecord) -> float:
    return record.changed_at.timestamp() if record.changed_at else 0.0
