"""How long data is kept, and by which rules: sections E.1.a, F.8.b and J.1."""

from datetime import UTC, datetime, timedelta

from connectors import ledger
from connectors.files import FileTopics
from connectors.kafka_topics import faults as topic_faults
from schemas import topics
from services.policy.checks.live import Live, Told, counted, named, told
from services.retention import recovery_stores
from services.retention.job import AGED, HOUR, oldest, read_receipt
from services.rules import gate_rules, in_force

SLACK = timedelta(hours=1)  # the job runs every 15 minutes
LATE = timedelta(hours=1)
DAY = timedelta(days=1)


def rules(live: Live) -> Told:
    """The profile that the settings name is the one in force."""
    ruled, wanted = (
        gate_rules.in_force(live.client),
        in_force.wanted(live.client, live.profile_name, live.profile),
    )
    differ = [name for name in vars(wanted) if getattr(ruled, name) != getattr(wanted, name)]
    told_of = f"differ from profile {live.profile_name}: {', '.join(differ)}" if differ else ""
    return told(f"rules of {ruled.profile} in force", told_of)


def rows(live: Live) -> Told:
    """No table holds a row past its time."""
    late, ages = [], []
    for table in AGED:
        first = oldest(live.client, table)
        limit = in_force.keeps(table, live.period) + SLACK + (HOUR if table.grain == HOUR else timedelta(0))
        if first is not None:
            ages.append(live.now - first)
            if live.now - first > limit:
                late.append(f"{table.name}: a row {_days(live.now - first)} old")
    return told(f"oldest row {_days(max(ages))} old" if ages else "no rows", late)


def job(live: Live) -> Told:
    """The retention job runs, and each run left its receipt."""
    receipts = ledger.read(live.client, "retention", "run")
    if not receipts:
        return told("no receipt", "the retention job has never run")
    last = receipts[-1][0]
    ago = live.now - last.at
    late = f"the retention job last ran {_days(ago)} ago" if ago > LATE else ""
    period = read_receipt(last).period_s
    other = "" if period <= live.period.total_seconds() else f"the last run kept {period} s"
    return told(f"{counted(len(receipts), 'receipt')}, the last of {last.at:%Y-%m-%d %H:%M}", late, other)


def ttls(live: Live) -> Told:
    """Tables expire rows by themselves, too."""
    kept = in_force.ttls(live.client)
    wrong = [
        f"{table.name} keeps {'for ever' if found is None else _days(found)}"
        for table in AGED
        if (found := kept[table.name]) != in_force.keeps(table, live.period)
    ]
    return told(f"{len(AGED)} tables with a TTL of {live.profile.retention.data} or less", wrong)


def streams(live: Live) -> Told:
    """Topics with what cameras saw keep no longer."""
    declared = topics.within(live.period)
    if live.broker is not None:
        return told(f"{len(declared)} topics on the broker", list(topic_faults(live.broker, declared)))
    if live.data is None:
        return told("no topics")
    files = FileTopics(live.data, follow=False)
    late = [
        f"{topic.name}: file of {first}"
        for topic in declared
        if topic.keep is not None
        and (first := files.first_day(topic)) is not None
        and datetime.combine(first, datetime.min.time(), UTC) + DAY + topic.keep + SLACK < live.now
    ]
    return told(f"{len(declared)} topics as files", late)


def stores(live: Live) -> Told:
    """Recovery stores are rebuilt, so that what a flow has forgotten is off the disk."""
    if live.data is None:
        return told("in the flows' containers: rebuilt at each start, and flows start anew every week")
    made = recovery_stores.made(live.data / "recovery")
    late = [name for name, at in made.items() if live.now - at > live.period]
    return told(f"{len(made)} recovery stores", f"older than data may be: {named(late)}" if late else "")


def _days(span: timedelta) -> str:
    return f"{span / DAY:.1f} days" if span >= DAY else f"{span / HOUR:.1f} h"
