"""How long data is kept, and by which rules: sections E.1.a, F.8.b and J.1."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors import ledger
from connectors.files import FileTopics
from connectors.kafka_topics import faults as topic_faults
from connectors.rules_in_force import FILES, in_force_row
from schemas import topics
from schemas.counted import counted
from schemas.ledger import LedgerEntry
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.retention import clock, recovery_stores, tally
from services.retention.job import AGED, HOUR, Receipt, oldest, read_receipt
from services.rules import in_force

SLACK = timedelta(hours=1)  # the job runs every 15 minutes
LATE = timedelta(hours=1)
DAY = timedelta(days=1)
FUTURE = timedelta(minutes=10)  # by which a receipt's clock may differ
_PERIODS = "SELECT set_at, retention_s FROM platestream.gate_rules ORDER BY set_at"
_MOVED = """
SELECT ledger.number FROM platestream.ledger AS ledger
INNER JOIN (SELECT effect, at FROM platestream.inquiry_log WHERE kind = 'retention' AND effect != '') AS act
ON ledger.hash = act.effect
WHERE ledger.chain = 'retention' AND ledger.kind = 'run' AND abs(dateDiff('second', ledger.at, act.at)) > 600
ORDER BY ledger.number
"""


def rules(live: Live) -> Answer:
    """The gate judges by the rules that everything else goes by, and no setting here contradicts them."""
    row = in_force_row(live.client)
    told = live.contradicted
    return answer(
        f"rules of {row.rules.name} in force since {row.set_at:%Y-%m-%d %H:%M}",
        [f"the gate judges by something else than the text in force: {one}" for one in row.differs],
        f"the settings contradict them: {named(told)}" if told else "",
        unless(row.text, "their whole text is not in the database", "platestream migrate"),
        unless(
            row.rules.files is not None,
            f"no act binds the files of {', '.join(f'PLATESTREAM_{name.upper()}' for name in FILES)}",
            f"platestream registry rules {' FILE '.join(FILES.values())} FILE --by NAME, with those in use",
        ),
    )


def rows(live: Live) -> Answer:
    """No table holds a row past its time, and nothing that was counted is missing before it is due."""
    late, ages = [], []
    for table in AGED:
        first = oldest(live.client, table)
        limit = in_force.keeps(table, live.period) + SLACK + (HOUR if table.grain == HOUR else timedelta(0))
        if first is not None:
            ages.append(live.now - first)
            if live.now - first > limit:
                late.append(f"{table.name}: a row {_days(live.now - first)} old")
    return answer(
        f"oldest row {_days(max(ages))} old" if ages else "no rows",
        late,
        tally.compare(live.client).faults,
        _missed(live),
        unless(ages, "the tables that age are empty", "once a camera delivers (platestream cameras run)"),
    )


def _missed(live: Live) -> list[str]:
    """What the job's own comparisons of the past year found."""
    receipts = [
        read_receipt(entry) for entry, _ in ledger.read(live.client, "retention", "run", after=live.year)
    ]
    compared = {one.compared.at: one.compared.faults for one in receipts if one.compared is not None}
    return [f"{at:%Y-%m-%d %H:%M}: {said}" for at, faults in compared.items() for said in faults]


def job(live: Live) -> Answer:
    """The retention job runs, the clock does not stop it, and its receipts are what the rules allow."""
    receipts = [(entry, read_receipt(entry)) for entry, _ in ledger.read(live.client, "retention", "run")]
    if not receipts:
        return answer("no receipt", "the retention job has never run")
    last = receipts[-1][0]
    ago = live.now - last.at
    late = f"the retention job last ran {_days(ago)} ago" if ago > LATE else ""
    return answer(
        f"{counted(len(receipts), 'receipt')}, the last of {last.at:%Y-%m-%d %H:%M}",
        late,
        clock.stopped(live.client),
        list(_wrong_receipts(live, receipts)),
    )


def _wrong_receipts(live: Live, receipts: Sequence[tuple[LedgerEntry, Receipt]]) -> Iterator[str]:
    """Receipts of the future, and those of runs that deleted what the rules of their time kept."""
    future = [entry.number for entry, _ in receipts if entry.at > live.now + FUTURE]
    if future:
        yield f"receipts of the future: {named(future)}"
    ruled = [(at, timedelta(seconds=kept)) for at, kept in live.rows(_PERIODS)]
    early = [
        entry.number for entry, one in receipts if one.cutoff > entry.at - _ruled(ruled, entry.at) + FUTURE
    ]
    if early:
        yield f"receipts of runs that deleted too early: {named(early)}"
    moved = [number for (number,) in live.rows(_MOVED)]
    if moved:
        yield f"receipts dated otherwise than the act that they are of: {named(moved)}"


def _ruled(ruled: list[tuple[datetime, timedelta]], at: datetime) -> timedelta:
    """How long data was kept by the rules in force at `at`; a rule is the newest of those set by then."""
    return next((kept for since, kept in reversed(ruled) if since <= at), ruled[0][1])


def ttls(live: Live) -> Answer:
    """No table expires rows by itself: that would be on no act, and by a clock that nobody compared."""
    wrong = [f"{name} expires rows by itself" for name in in_force.expiring(live.client)]
    return answer(f"{len(AGED)} tables whose rows the retention job deletes, and nothing else", wrong)


def streams(live: Live) -> Answer:
    """Topics with what cameras saw keep no longer."""
    declared = topics.within(live.period)
    if live.broker is not None:
        return answer(f"{len(declared)} topics on the broker", list(topic_faults(live.broker, declared)))
    if live.data is None:
        return answer(
            "",
            Gap("neither a broker nor a folder of topics is named", "PLATESTREAM_KAFKA or PLATESTREAM_DATA"),
        )
    files = FileTopics(live.data, follow=False)
    oldest = {topic: at for topic in declared if (at := files.oldest(topic)) is not None}
    late = [
        f"{topic.name}: a message of {at:%Y-%m-%d %H:%M}"
        for topic, at in oldest.items()
        if topic.keep is not None and at + topic.keep + SLACK < live.now
    ]
    return answer(
        f"{len(oldest)} of {len(declared)} topics hold messages, as files",
        late,
        unless(oldest, "no topic holds a message", "once a camera delivers (platestream cameras run)"),
    )


def stores(live: Live) -> Answer:
    """Recovery stores are rebuilt, so that what a flow has forgotten is off the disk."""
    if live.data is None:
        why = "they are in the flows' containers, which are not seen from here"
        return answer(
            "",
            Gap(
                why, "platestream policy check with PLATESTREAM_DATA in each container, or ls -l of the store"
            ),
        )
    folder = live.data / "recovery"
    made = recovery_stores.made(folder)
    late = [name for name, at in made.items() if live.now - at > live.period]
    there = {path.name for path in folder.glob("*") if path.is_dir() and path.name in recovery_stores.PLATED}
    unseen = sorted(there - set(made))
    return answer(
        counted(len(made), "recovery store"),
        f"older than data may be: {named(late)}" if late else "",
        unless(not unseen, f"of unknown age: {named(unseen)}", "platestream retention run"),
        unless(
            made or there,
            "no flow has a recovery store here",
            "flows.match_flow and the others started with -r DATA/recovery/FLOW (platestream up)",
        ),
    )


def _days(span: timedelta) -> str:
    return f"{span / DAY:.1f} days" if span >= DAY else f"{span / HOUR:.1f} h"
