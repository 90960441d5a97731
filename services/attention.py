"""What needs the ALPR administrator: training that lapses, MOUs that end, cameras without approval, audits
that are due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from operators.deployments import approval
from operators.people import PeopleRules
from schemas.deployment import SAID
from schemas.registry import RegistryRecord
from services.yearly_audit.rhythms import Step

WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Due:
    """A record, what is due in a sentence's words, and the moment that `said` speaks of, where it does."""

    record: RegistryRecord
    said: str
    at: datetime | None = None


def training(
    users: Iterable[RegistryRecord], rules: PeopleRules, now: datetime, within: timedelta = WITHIN
) -> list[Due]:
    """Active people whose training is missing, has lapsed, or lapses `within` that time (order, F.7)."""
    due = []
    for one in users:
        lapses = one.trained_at and rules.lapses(one.trained_at)
        if one.active and one.trained_at is None:
            due.append(Due(one, "no training is on record"))
        elif one.active and lapses is not None and lapses <= now + within:
            due.append(Due(one, "training lapsed on" if lapses <= now else "training lapses on", lapses))
    return _soonest(due)


def agreements(agencies: Iterable[RegistryRecord], now: datetime, within: timedelta = WITHIN) -> list[Due]:
    """Other agencies that are active whose MOU is missing, has ended, or ends `within` that time (I.2)."""
    due = []
    for one in agencies:
        if not one.active or one.own:
            continue
        if one.mou_from is None:
            due.append(Due(one, "no MOU is on record"))
        elif one.mou_until is not None and one.mou_until <= now + within:
            due.append(
                Due(one, "the MOU ended on" if one.mou_until <= now else "the MOU ends on", one.mou_until)
            )
    return _soonest(due)


def approvals(cameras: Iterable[RegistryRecord], now: datetime) -> list[Due]:
    """Active cameras that nobody approved, or outside of the period that was approved (order, D.5)."""
    found = ((one, approval(one, now)) for one in cameras if one.active)
    return [Due(one, SAID[rule]) for one, rule in found if rule]


def details(records: Iterable[RegistryRecord], now: datetime) -> list[Due]:
    """Special details that have not ended and that the Chief has not approved (order, G.6)."""
    waits = (one for one in records if one.active and not one.approved_by and one.until and one.until > now)
    return _soonest(
        [Due(one, "the Police Chief has not approved this special detail (G.6)") for one in waits]
    )


@dataclass(frozen=True)
class DueAudit:
    """An audit to file or figures to publish, in a sentence's words, and by when."""

    rhythm: str
    said: str
    at: datetime
    overdue: bool


def audits(steps: Iterable[Step], now: datetime, within: timedelta = WITHIN) -> list[DueAudit]:
    """Audits and publications that are overdue, or due `within` that time; the soonest first."""
    due = []
    for one in sorted(steps, key=lambda step: step.by):
        if one.by <= now + within:
            what = "audit" if one.step == "file" else "publication"
            overdue = one.by <= now
            said = f"the {what} {'was' if overdue else 'is'} due by the end of"
            due.append(DueAudit(one.rhythm, said, one.by - timedelta(seconds=1), overdue))
    return due


def _soonest(due: list[Due]) -> list[Due]:
    """What has no time first, then by time."""
    return sorted(
        due, key=lambda one: (one.at is not None, one.at.timestamp() if one.at else 0, one.record.id)
    )
