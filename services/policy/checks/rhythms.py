"""Audits and publications that come round: whether each was done by its day."""

from collections.abc import Callable
from datetime import datetime

from schemas.counted import counted
from schemas.rhythm import Due
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.yearly_audit.rhythms import OnRecord, on_record, standings

_STORED = "SELECT digest, intact FROM platestream.document_state"


def audited(name: str) -> Callable[[Live], Answer]:
    """Each period's audit was filed in time, by the inquiry log."""

    def check(live: Live) -> Answer:
        record, due, gaps = _of(live, name)
        done = [one for one in due if one.filed_at is not None]
        faults = [
            f"{name} of {one.period.name}: {said}"
            for one in due
            for said in one.late(live.now)
            if "filed" in said and _lately(live, one.file_by)
        ]
        coming = next((one.file_by for one in due if one.filed_at is None and one.file_by), None)
        return answer(
            _figure(f"{counted(len(done), 'audit')} filed", coming, live.now),
            faults[:5],
            f"and {len(faults) - 5} more" if len(faults) > 5 else "",
            _untold(record),
            gaps,
            unless(
                done or faults or gaps,
                f"no audit {name} was due yet, and none is filed",
                "platestream audit sample, once the first one is due",
            ),
        )

    return check


def published(name: str) -> Callable[[Live], Answer]:
    """Each period's figures were published in time, by the inquiry log, and are stored as they were."""

    def check(live: Live) -> Answer:
        record, due, gaps = _of(live, name)
        stored = dict(live.rows(_STORED))
        done = [one for one in due if one.published_at is not None]
        faults = [
            f"{name} of {one.period.name}: {said}"
            for one in due
            for said in one.late(live.now)
            if "published" in said and _lately(live, one.publish_by)
        ]
        lost = [
            one.period.name
            for one in done
            for document in record.documents.get((name, one.period.name), ())
            if not stored.get(document.sha256)
        ]
        coming = next((one.publish_by for one in due if one.published_at is None and one.publish_by), None)
        return answer(
            _figure(f"{counted(len(done), 'publication')} on record", coming, live.now),
            faults[:5],
            f"and {len(faults) - 5} more" if len(faults) > 5 else "",
            f"not stored as it was published: {named(lost)}" if lost else "",
            _untold(record),
            gaps,
            unless(
                done or faults or gaps,
                f"nothing of {name} was to be published yet",
                "platestream report publish, once the first one is due",
            ),
        )

    return check


def _of(live: Live, name: str) -> tuple[OnRecord, list[Due], list[Gap]]:
    record = on_record(live.client, live.profile_name)
    found = {one.rhythm: list(one.due) for one in standings(live.profile, record, live.now)}
    gaps = unless(
        name in live.profile.rhythms, f"the profile has no rhythm {name}", f"[rhythms.{name}] in the profile"
    ) or unless(
        record.began,
        "nothing is on record that could be audited",
        "once somebody searches stored data (platestream search)",
    )
    return record, found.get(name, []), gaps


def _lately(live: Live, by: datetime | None) -> bool:
    """What was due longer ago than the yearly audit looks back is told of no more."""
    return by is not None and by > live.year


def _untold(record: OnRecord) -> str:
    if not record.untold:
        return ""
    return f"entries of the ledger that no act on record knows, which do not count: {named(record.untold)}"


def _figure(done: str, coming: datetime | None, now: datetime) -> str:
    if coming is None:
        return done
    days = (coming - now).days
    return f"{done}; the next is due within {days} days" if days >= 0 else f"{done}; one is overdue"
