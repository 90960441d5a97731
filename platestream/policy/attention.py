"""Matters that need the ALPR administrator: lapsing training, ending MOUs, cameras without approval, and
audits that are due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from platestream.audit.yearly.periodic import Step
from platestream.operators.approvals import approval
from platestream.operators.people import PeopleRules
from platestream.schemas.deployment import SAID
from platestream.schemas.registry import RegistryRecord

WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Due:
    """A registry record and the matter that is due, in words; `at` is the time that `said` refers to, if
    any.
    """

    record: RegistryRecord
    said: str
    at: datetime | None = None


def training(
    users: Iterable[RegistryRecord], rules: PeopleRules, now: datetime, within: timedelta = WITHIN
) -> list[Due]:
    """List active people whose training is missing, has lapsed, or lapses `within` that time (order, F.7)."""
    due = []
    for one in users:
        lapses = one.trained_at and rules.lapses(one.trained_at)
        if one.active and one.trained_at is None:
            due.append(Due(one, "no training is on record"))
        elif one.active and lapses is not None and lapses <= now + within:
            due.append(Due(one, "training lapsed on" if lapses <= now else "training lapses on", lapses))
    return _soonest(due)


def agreements(agencies: Iterable[RegistryRecord], now: datetime, within: timedelta = WITHIN) -> list[Due]:
    """List active partner agencies whose MOU is missing, has ended, or ends `within` that time (I.2)."""
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
    """List active cameras without an approval, or outside the period of their approval (order, D.5)."""
    found = ((one, approval(one, now)) for one in cameras if one.active)
    return [Due(one, SAID[rule]) for one, rule in found if rule]


def details(records: Iterable[RegistryRecord], now: datetime) -> list[Due]:
    """List special details that have not ended and that the Chief has not approved (order, G.6)."""
    waits = (one for one in records if one.active and not one.approved_by and one.until and one.until > now)
    return _soonest(
        [Due(one, "the Police Chief has not approved this special detail (G.6)") for one in waits]
    )


@dataclass(frozen=True)
class DueAudit:
    """An audit to file or figures to publish, in words, with the deadline."""

    rhythm: str
    said: str
    at: datetime
    overdue: bool


def audits(steps: Iterable[Step], now: datetime, within: timedelta = WITHIN) -> list[DueAudit]:
    """List audits and publications that are overdue or due `within` that time, the earliest deadline
    first.
    """
    due = []
    for one in sorted(steps, key=lambda step: step.by):
        if one.by <= now + within:
            what = "audit" if one.step == "file" else "publication"
            overdue = one.by <= now
            text = f"the {what} {'was' if overdue else 'is'} due by the end of"
            due.append(DueAudit(one.rhythm, text, one.by - timedelta(seconds=1), overdue))
    return due


def _soonest(due: list[Due]) -> list[Due]:
    """Sort by time, records without a time first."""
    return sorted(
        due, key=lambda one: (one.at is not None, one.at.timestamp() if one.at else 0, one.record.id)
    )
