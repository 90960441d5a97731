"""Data stored beyond its time by breaking what the deletion reads: by SQL of the owner, or in the folder."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from platestream.access.door import Door
from platestream.edges.clickhouse_client import RETENTION
from platestream.keys.key_folder import PAST
from platestream.ledger import store as ledger
from platestream.retention import service as retention
from platestream.runtime.metrics import REGISTRY
from platestream.schemas import tables
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database, Prepared
from tests.support.door import door_of
from tests.support.flows import READ
from tests.support.nightly import nightly

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WAIT = {"mutations_sync": 2}
READS = [
    msgspec.structs.replace(READ, detection_id=UUID(int=days), captured_at=NOW - days * DAY - HOUR)
    for days in (1, 40)
]
Attack = Callable[[Database], object]


def job(database: Database) -> Door:
    return retention.start_scheduled(door_of(database))


@pytest.fixture(scope="module")
def ran(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A vehicle of yesterday and one that is due, after a run of long ago that deleted nothing."""

    def prepare(database: Database) -> None:
        retention.run(job(database))
        database.put(tables.DETECTIONS, *READS)
        database.put(tables.IMAGES, *READS)

    return Prepared(migrated, tmp_path_factory.mktemp("ran"), prepare)


@pytest.fixture
def filled(ran: Prepared, tmp_path: Path) -> Iterator[Database]:
    with ran.used(tmp_path) as database:
        yield database


def sql(text: str) -> Attack:
    return lambda database: database.client().command(text, settings=WAIT)


def entry(kind: str, record: str, chain: str = "retention", number: str = "max(number) + 1") -> Attack:
    """Write an entry after the last one of its chain, past every view."""
    return sql(
        f"INSERT INTO platestream.ledger (chain, number, kind, at, who, record, previous, hash)"
        f" SELECT '{chain}', {number}, '{kind}', now64(6), 'retention', '{record}', argMax(hash, number),"
        f" repeat('f', 64) FROM platestream.ledger WHERE chain = '{chain}'"
    )


def both(one: Attack, other: Attack) -> Attack:
    def attack(database: Database) -> None:
        one(database)
        other(database)

    return attack


def file(name: str, content: bytes) -> Attack:
    def attack(database: Database) -> None:
        path = database.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return attack


def folder(name: str) -> Attack:
    return lambda database: (database.data / name).mkdir(parents=True)


RECEIPT = (
    '{"period_s":2592000,"cutoff":"%s","dropped":{},"deleted":{},"oldest":{},"files":[],"stores":[],'
    '"released":[],"took_ms":1%s}'
)
CLOCK = ',"clock":{"at":"2026-11-01T00:00:00%s","boot":{"id":"a","seconds":1},"off_s":%s}'
SQL: dict[str, tuple[Attack, str]] = {
    "a count without fields": (entry("tally", "{}"), "retention 3: the record of its tally"),
    "a receipt without fields": (entry("run", "{}"), "retention 3: the record of its run"),
    "a receipt with a clock beyond all times": (
        entry("run", RECEIPT % ("2026-01-01T00:00:00Z", CLOCK % ("Z", "1e300"))),
        "retention 3: the record of its run",
    ),
    "a count beyond all numbers": (
        entry("tally", "{}", number=str(2**64 - 1)),
        f"retention {2**64 - 1}: the record of its tally",
    ),
    "a hold": (entry("hold", "{}", "evidence"), "evidence 1: the record of its hold"),
    "counts that cannot be made": (
        both(
            entry("tally", '{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z","days":[]}'),
            sql("RENAME TABLE platestream.tally_groups TO platestream.away"),
        ),
        "sealing the counts: ",
    ),
    "figures that cannot be written": (
        sql("RENAME TABLE platestream.utilization TO platestream.away"),
        "counting the use: ",
    ),
    "counts of what expires": (
        sql("RENAME TABLE platestream.expired_counts TO platestream.away"),
        "counting what expires: ",
    ),
    "a table of evidence": (
        sql("RENAME TABLE platestream.evidence_holds TO platestream.away"),
        "purging evidence: ",
    ),
    "rules that are no JSON": (
        sql("ALTER TABLE platestream.gate_rules UPDATE rules = '{' WHERE 1"),
        "deleted by the period of receipt 2: ",
    ),
    "rules that contradict themselves": (
        sql("ALTER TABLE platestream.gate_rules UPDATE retention_s = 12960000 WHERE 1"),
        "deleted by the period of receipt 2: ",
    ),
}
FORMS: dict[str, tuple[Attack, str]] = {
    "a count that is no JSON": (entry("tally", "{"), "retention 3: the record of its tally"),
    "a count of local times": (
        entry("tally", '{"since":"2026-01-01T00:00:00","until":"2026-01-02T00:00:00","days":[]}'),
        "retention 3: the record of its tally",
    ),
    "a receipt of a local time": (
        entry("run", RECEIPT % ("2026-01-01T00:00:00", "")),
        "retention 3: the record of its run",
    ),
    "a receipt with a local clock": (
        entry("run", RECEIPT % ("2026-01-01T00:00:00Z", CLOCK % ("", "0"))),
        "retention 3: the record of its run",
    ),
}
"""Further forms of a record that cannot be read."""
FILES: dict[str, tuple[Attack, str]] = {
    "the note of destroyed keys": (file(f"keys/{PAST}", b"{"), "destroyed keys: "),
    "a folder in place of a key": (folder("keys/2026-01-01T00.key"), "the key of 2026-01-01 00:00 UTC: "),
    "a topic": (file("topics/detections.sqlite3", b"no database" * 999), "topic detections: "),
    "a folder in place of a topic": (folder("topics/frames"), "topic frames: "),
    "saved searches": (file("searches.json", b"{"), "saved searches: "),
    "a store": (file("recovery/audit/part-0.sqlite3", b"no database" * 999), "recovery store audit: "),
    "a folder in place of the note": (folder("retention-stopped.txt"), "the note: "),
    "a folder in place of a picture": (folder("cameras/pictures/a.before"), ""),
}


def past_due(database: Database) -> int:
    return int(
        database.value(
            "SELECT count() FROM platestream.detections WHERE captured_at < now() - INTERVAL 30 DAY"
        )
    )


@pytest.mark.parametrize("broken", [*SQL, *nightly(*FORMS)])
def test_what_is_due_is_deleted_all_the_same_and_the_receipt_says_what_could_not_be_read(
    filled: Database, broken: str
) -> None:
    attack, said = {**SQL, **FORMS}[broken]
    attack(filled)
    assert said in deleted(filled)


def test_files_that_cannot_be_read_stop_no_deletion_and_each_is_named(filled: Database) -> None:
    for attack, _said in FILES.values():
        attack(filled)
    faults = deleted(filled)
    assert [said for _attack, said in FILES.values() if said not in faults] == []


def deleted(database: Database) -> str:
    """Run the job, which deletes what is due whatever it meets; return the faults of its receipt."""
    receipt = retention.read_receipt(retention.run(job(database)))
    assert database.rows("SELECT captured_at FROM platestream.detections") == [(READS[0].captured_at,)]
    return "\n".join(receipt.faults)


@pytest.mark.parametrize("kind", ["tally", "run"])
def test_an_entry_that_nobody_can_read_is_named_by_the_check_the_doctor_and_the_metric(
    filled: Database, tmp_path: Path, kind: str
) -> None:
    entry(kind, "{}")(filled)
    ended_well = "platestream_retention_last_run_timestamp_seconds"
    before = REGISTRY.get_sample_value(ended_well)
    retention.run(job(filled))
    assert REGISTRY.get_sample_value(ended_well) == before
    checked = {"tally": ("rows", "job"), "run": ("rows", "job", "keys")}[kind]
    for name, found in Agency(filled, tmp_path / "data").results(*checked).items():
        assert (found.outcome, f"retention 3: the record of its {kind}" in "; ".join(found.faults)) == (
            "not_held",
            True,
        ), name


def test_entries_of_any_number_that_nobody_can_read_do_not_hide_the_last_one(filled: Database) -> None:
    sql(
        "INSERT INTO platestream.ledger"
        " SELECT 'retention', number + 3, 'run', now64(6), 'x', '[', '', '' FROM numbers(2500)"
    )(filled)
    found = ledger.last(filled.client(RETENTION), "retention", "run", retention.Receipt)
    assert found is not None
    assert found[0].number == 2
