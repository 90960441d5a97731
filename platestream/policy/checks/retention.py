"""Checks of retention and of the rules in force: sections E.1.a, F.8.b and J.1."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from platestream.access import rules_in_force as in_force
from platestream.access.rules_reader import FILES, in_force_row
from platestream.edges.files import FileTopics
from platestream.edges.kafka_topics import faults as topic_faults
from platestream.evidence.custody import history
from platestream.evidence.held_keys import key_faults
from platestream.keys.key_folder import KeyFolder
from platestream.ledger import store as ledger
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.retention import clock_guard, recovery_stores, tally
from platestream.retention.expiry import oldest
from platestream.retention.service import Receipt
from platestream.schemas import topics
from platestream.schemas.expiring_tables import DAY, EXPIRING_TABLES, HOUR
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.pluralize import pluralize
from platestream.schemas.tally import Tally
from platestream.settings import keys_folder, named_master
from platestream.transparency_log.period import judge

SLACK = timedelta(hours=1)  # the job runs every 15 minutes
LATE = timedelta(hours=1)
ORDERED = 30 * DAY  # by the order's sections F.8.b and J.1; a state's law has its own check
FUTURE = timedelta(minutes=10)  # tolerated difference of a receipt's clock
_PERIODS = "SELECT set_at, retention_s FROM platestream.gate_rules ORDER BY set_at"
_RULED = """
SELECT set_at, retention_s, rules != '' AS known, JSONExtractString(rules, 'profile', 'agency', 'law')
FROM platestream.gate_rules ORDER BY set_at
"""
_MOVED = """
SELECT ledger.number FROM platestream.ledger AS ledger
INNER JOIN (SELECT effect, at FROM platestream.inquiry_log WHERE kind = 'retention' AND effect != '') AS act
ON ledger.hash = act.effect
WHERE ledger.chain = 'retention' AND ledger.kind = 'run' AND abs(dateDiff('second', ledger.at, act.at)) > 600
ORDER BY ledger.number
"""


def rules(live: CheckData) -> Answer:
    """Check that the profile is the one in force. The gate judges by the text of the rules in force, and no
    setting here may contradict them.
    """
    row = in_force_row(live.client)
    contradictions = live.contradicted
    return Answer.of(
        f"rules of {row.rules.name} in force since {row.set_at:%Y-%m-%d %H:%M}",
        [f"the gate judges by something else than the text in force: {one}" for one in row.differs],
        fault_of("the settings contradict them", contradictions),
        gap_unless(row.text, "their whole text is not in the database", "platestream migrate"),
        gap_unless(
            row.rules.files is not None,
            f"no act binds the files of {', '.join(f'PLATESTREAM_{name.upper()}' for name in FILES)}",
            f"platestream registry rules {' FILE '.join(FILES.values())} FILE --by NAME, with those in use",
        ),
    )


def rows(live: CheckData) -> Answer:
    """Check that no row is past its time, and no row or numbered frame is missing or altered before."""
    late, ages = [], []
    for table in EXPIRING_TABLES:
        first = oldest(live.client, table)
        limit = table.retention_of(live.period) + SLACK + (HOUR if table.grain == HOUR else timedelta(0))
        if first is not None:
            ages.append(live.now - first)
            if live.now - first > limit:
                late.append(f"{table.name}: a row {_days(live.now - first)} old")
    return Answer.of(
        f"oldest row {_days(max(ages))} old" if ages else "no rows",
        late,
        list(_longer_than_ordered(live)),
        tally.compare(live.client).faults,
        _missed(live),
        _by_the_hour(live),
        gap_unless(ages, "the tables that age are empty", "once a camera delivers (platestream cameras run)"),
    )


def _longer_than_ordered(live: CheckData) -> Iterator[str]:
    """Yield the times of the past year in which the rules stored data longer than the order allows."""
    if not live.profile.agency.law and live.period > ORDERED:
        yield f"the rules store data for {live.profile.retention.data}; the order allows {ORDERED.days} days"
    for (since, seconds, known, law), (until, *_rest) in pairwise(live.rows(_RULED)):
        long = known and not law and seconds > ORDERED.total_seconds()
        if long and until > live.year and until - since > SLACK:
            yield f"the rules stored data too long from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"


def _missed(live: CheckData) -> list[str]:
    """Return the faults that the job's own comparisons of the past year found."""
    receipts = ledger.read_records(live.client, "retention", "run", Receipt, after=live.year)
    compared = {one.compared.at: one.compared.faults for _entry, one in receipts if one.compared is not None}
    return [f"{at:%Y-%m-%d %H:%M}: {text}" for at, faults in compared.items() for text in faults]


def _by_the_hour(live: CheckData) -> list[str]:
    """Return the faults of the sealed hourly counts, from the first one that is retained."""
    after = live.now - live.period
    sealed = ledger.read_records(live.client, "retention", "tally", Tally, after=after)
    counted = [one for _entry, one in sealed if one.counts is not None]
    return judge(counted, counted[0].until, live.now, live.now).faults if counted else []


def job(live: CheckData) -> Answer:
    """Check that the retention job runs, and deletes nothing early. The clock has not stopped it, and the
    rules allow its receipts.
    """
    receipts = ledger.read_records(live.client, "retention", "run", Receipt)
    if not receipts:
        return Answer.of("no receipt", "the retention job has never run")
    last = receipts[-1][0]
    ago = live.now - last.at
    late = f"the retention job last ran {_days(ago)} ago" if ago > LATE else ""
    return Answer.of(
        f"{pluralize(len(receipts), 'receipt')}, the last of {last.at:%Y-%m-%d %H:%M}",
        late,
        clock_guard.stopped(live.client),
        list(_wrong_receipts(live, receipts)),
        [f"receipt {last.number}: {fault}" for fault in receipts[-1][1].faults],
    )


def _wrong_receipts(live: CheckData, receipts: Sequence[tuple[LedgerEntry, Receipt]]) -> Iterator[str]:
    """Yield receipts of the future, and those of runs that deleted data too early: by the rules of their
    time, or, in the past year, by those of before and those in force now.
    """
    future = [entry.number for entry, _ in receipts if entry.at > live.now + FUTURE]
    if future:
        yield f"receipts of the future: {first_few(future)}"
    ruled = [(at, timedelta(seconds=seconds)) for at, seconds in live.rows(_PERIODS)]
    early = [
        entry.number
        for entry, one in receipts
        if one.cutoff > entry.at - _ruled(ruled, entry.at, both=entry.at > live.year) + FUTURE
    ]
    if early:
        yield f"receipts of runs that deleted too early: {first_few(early)}"
    moved = [number for (number,) in live.rows(_MOVED)]
    if moved:
        yield f"receipts dated otherwise than the act that they are of: {first_few(moved)}"


def _ruled(ruled: list[tuple[datetime, timedelta]], at: datetime, *, both: bool) -> timedelta:
    """Return the retention period by the rules in force at `at`; a rule is the newest of those set by
    then. With `both`, it is at least what some rules of before and the newest ones ask for.
    """
    before = [period for since, period in ruled if since <= at] or [ruled[0][1]]
    return max(before[-1], min(max(before), ruled[-1][1])) if both else before[-1]


def ttls(live: CheckData) -> Answer:
    """Check that no table deletes rows by itself, only the job does. That would be on no act, and by a clock
    that was not compared.
    """
    wrong = [f"{name} expires rows by itself" for name in in_force.expiring(live.client)]
    return Answer.of(
        f"{len(EXPIRING_TABLES)} tables whose rows the retention job deletes, and nothing else", wrong
    )


def streams(live: CheckData) -> Answer:
    """Check that topics store messages no longer than allowed."""
    declared = topics.topics_for_retention(live.period)
    if live.broker is not None:
        return Answer.of(f"{len(declared)} topics on the broker", list(topic_faults(live.broker, declared)))
    if live.data is None:
        return Answer.of(
            "",
            Unchecked(
                "neither a broker nor a folder of topics is named", "PLATESTREAM_KAFKA or PLATESTREAM_DATA"
            ),
        )
    files = FileTopics(live.data, follow=False)
    oldest = {topic: at for topic in declared if (at := files.oldest(topic)) is not None}
    late = [
        f"{topic.name}: a message of {at:%Y-%m-%d %H:%M}"
        for topic, at in oldest.items()
        if topic.keep is not None and at + topic.keep + SLACK < live.now
    ]
    return Answer.of(
        f"{len(oldest)} of {len(declared)} topics hold messages, as files",
        late,
        gap_unless(oldest, "no topic holds a message", "once a camera delivers (platestream cameras run)"),
    )


def stores(live: CheckData) -> Answer:
    """Check that recovery stores are rebuilt in time. Until then deleted state is on the disk."""
    if live.data is None:
        why = "they are in the flows' containers, which are not seen from here"
        return Answer.of(
            "",
            Unchecked(
                why, "platestream policy check with PLATESTREAM_DATA in each container, or ls -l of the store"
            ),
        )
    folder = live.data / "recovery"
    made = recovery_stores.creation_times(folder)
    late = [name for name, at in made.items() if live.now - at > live.period]
    there = {
        path.name for path in folder.glob("*") if path.is_dir() and path.name in recovery_stores.WITH_PLATES
    }
    unseen = sorted(there - set(made))
    return Answer.of(
        pluralize(len(made), "recovery store"),
        fault_of("older than data may be", late),
        gap_unless(not unseen, f"of unknown age: {first_few(unseen)}", "platestream retention run"),
        gap_unless(
            made or there,
            "no flow has a recovery store here",
            "platestream.flows.match_flow and the others started with -r DATA/recovery/FLOW (platestream up)",
        ),
    )


def keys(live: CheckData) -> Answer:
    """Check that keys of past hours are destroyed, with every copy that they encrypt. None came back, and
    keys of evidence last as long as it does.
    """
    folder = None if live.settings is None else keys_folder(live.settings)
    if live.settings is None or folder is None:
        why = Unchecked("messages of cameras are not encrypted", "PLATESTREAM_KEYS, a folder that all share")
        return Answer.of("", why)
    there = KeyFolder(folder, named_master(live.settings))
    late = [at for at in there.hours() if at + HOUR + live.period + SLACK < live.now]
    destroyed = {
        one.fingerprint: entry.number
        for entry, receipt in ledger.read_records(live.client, "retention", "run", Receipt)
        for one in receipt.keys
        if one.fingerprint
    }
    present = there.fingerprints()
    back = [f"{number}" for named, number in destroyed.items() if named in present]
    unread = present.count("")
    lost, left = key_faults(there, history(live.client, live.profile))
    return Answer.of(
        pluralize(len(there.hours()), "hourly key"),
        [f"the key of {at:%Y-%m-%d %H}:00 UTC was not destroyed" for at in late[:3]],
        [f"destroyed keys are there again, of receipts {first_few(back)}"] if back else [],
        [f"{pluralize(unread, 'key')} cannot be read"] if unread else [],
        lost[:3],
        fault_of("not destroyed", left),
        gap_unless(there.hours(), "no key was made yet", "once a camera delivers (platestream cameras run)"),
    )


def _days(span: timedelta) -> str:
    return f"{span / DAY:.1f} days" if span >= DAY else f"{span / HOUR:.1f} h"
