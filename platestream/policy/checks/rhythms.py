"""Checks that recurring audits and publications were done by their due days."""

from collections.abc import Callable
from datetime import datetime

from platestream.audit.yearly.periodic import AuditRecord, audit_record, rhythm_statuses
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.schemas.pluralize import pluralize
from platestream.schemas.rhythm import Due

_STORED = "SELECT digest, intact FROM platestream.document_state"


def audited(name: str) -> Callable[[CheckData], Answer]:
    """Return a check that each period's audit was filed in time, by the inquiry log."""

    def check(live: CheckData) -> Answer:
        record, due, gaps = _of(live, name)
        done = [one for one in due if one.filed_at is not None]
        faults = [
            f"{name} of {one.period.name}: {text}"
            for one in due
            for text in one.late(live.now)
            if "filed" in text and _within_a_year(live, one.file_by)
        ]
        coming = next((one.file_by for one in due if one.filed_at is None and one.file_by), None)
        return Answer.of(
            _figure(f"{pluralize(len(done), 'audit')} filed", coming, live.now),
            faults[:5],
            f"and {len(faults) - 5} more" if len(faults) > 5 else "",
            _unknown_entries(record),
            gaps,
            gap_unless(
                done or faults or gaps,
                f"no audit {name} was due yet, and none is filed",
                "platestream audit sample, once the first one is due",
            ),
        )

    return check


def published(name: str) -> Callable[[CheckData], Answer]:
    """Return a check that each period's figures were published in time, by the inquiry log, and are stored
    unchanged.
    """

    def check(live: CheckData) -> Answer:
        record, due, gaps = _of(live, name)
        stored = dict(live.rows(_STORED))
        done = [one for one in due if one.published_at is not None]
        faults = [
            f"{name} of {one.period.name}: {text}"
            for one in due
            for text in one.late(live.now)
            if "published" in text and _within_a_year(live, one.publish_by)
        ]
        lost = [
            one.period.name
            for one in done
            for document in record.documents.get((name, one.period.name), ())
            if not stored.get(document.sha256)
        ]
        coming = next((one.publish_by for one in due if one.published_at is None and one.publish_by), None)
        return Answer.of(
            _figure(f"{pluralize(len(done), 'publication')} on record", coming, live.now),
            faults[:5],
            f"and {len(faults) - 5} more" if len(faults) > 5 else "",
            fault_of("not stored as it was published", lost),
            _unknown_entries(record),
            gaps,
            gap_unless(
                done or faults or gaps,
                f"nothing of {name} was to be published yet",
                "platestream report publish, once the first one is due",
            ),
        )

    return check


def _of(live: CheckData, name: str) -> tuple[AuditRecord, list[Due], list[Unchecked]]:
    record = audit_record(live.client, live.profile_name)
    found = {one.rhythm: list(one.due) for one in rhythm_statuses(live.profile, record, live.now)}
    gaps = gap_unless(
        name in live.profile.rhythms, f"the profile has no rhythm {name}", f"[rhythms.{name}] in the profile"
    ) or gap_unless(
        record.began,
        "nothing is on record that could be audited",
        "once somebody searches stored data (platestream search)",
    )
    return record, found.get(name, []), gaps


def _within_a_year(live: CheckData, by: datetime | None) -> bool:
    """Return whether this was due within the period of the yearly audit; earlier ones are not reported any
    more.
    """
    return by is not None and by > live.year


def _unknown_entries(record: AuditRecord) -> str:
    if not record.untold:
        return ""
    return (
        f"entries of the ledger that no act on record knows, which do not count: {first_few(record.untold)}"
    )


def _figure(done: str, coming: datetime | None, now: datetime) -> str:
    if coming is None:
        return done
    days = (coming - now).days
    return f"{done}; the next is due within {days} days" if days >= 0 else f"{done}; one is overdue"
