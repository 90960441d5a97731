"""Lists of alert hits: the newest of a query, each once, and of which rows the database reads all."""

from itertools import chain
from typing import Any
from uuid import UUID

from benchmarks.page_weight import fill_tables
from platestream.hits import service
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.hits import put_hit

MANY, MOST = 100_000, 10


def hits(database: Database, **asked: Any) -> service.HitList:
    return service.find_hits(door_of(database), reason="Hits of the night shift", **asked)


def read_bytes(database: Database) -> int:
    return int(database.value("SELECT value FROM system.events WHERE event = 'SelectedBytes'"))


def test_rows_are_read_whole_of_the_newest_hits_only(database: Database) -> None:
    put_hit(database, 1)
    fill_tables(database.client(), 0, MANY)
    whole = int(
        database.value(
            "SELECT sum(data_uncompressed_bytes) FROM system.parts WHERE active AND table = 'alert_hits'"
        )
    )
    before = read_bytes(database)
    found = hits(database, most=MOST)
    read = read_bytes(database) - before
    assert read < whole / 2, read
    assert len(found) == MOST
    assert found.column("captured_at") == sorted(found.column("captured_at"), reverse=True)


def test_a_hit_that_was_written_again_is_listed_once_as_it_is_now(database: Database) -> None:
    client = database.client()
    client.command("SYSTEM STOP MERGES platestream.alert_hits")
    for _turn in range(2):
        put_hit(database, 1)
        put_hit(database, 2)
    client.command(
        "INSERT INTO platestream.alert_hits"
        " SELECT * REPLACE ('NEW1234' AS plate, ingested_at + 1 AS ingested_at)"
        f" FROM platestream.alert_hits WHERE hit_id = '{UUID(int=2)}' LIMIT 1"
    )
    client.command("INSERT INTO platestream.alert_hits SELECT * FROM platestream.alert_hits")
    assert sorted(hits(database).column("hit_id")) == [UUID(int=1), UUID(int=2)]
    assert [one.row["plate"] for one in hits(database, hit_id=UUID(int=2))] == ["NEW1234"]
    assert len(hits(database, most=1)) == 1


def test_finds_are_grouped_by_entry_and_plate_and_picked_in_order(database: Database) -> None:
    for number, plate in enumerate(("AAA1111", "BBB2222", "AAA1111", "CCC3333", "BBB2222"), 1):
        put_hit(database, number, seen={"plate": plate}, historical=True)
    found = hits(database, brief=True)
    groups = service.group_finds(found, range(len(found)))
    read = found.column("plate")
    assert sorted(sorted(read[one] for one in group) for group in groups) == [
        ["AAA1111"] * 2,
        ["BBB2222"] * 2,
        ["CCC3333"],
    ]
    picked = found.pick([*chain.from_iterable(groups)])
    assert [one.row["plate"] for one in picked] == [read[one] for group in groups for one in group]
    assert picked[1:3] == [picked[1], picked[2]]
    assert "instructions" not in picked[0].row


def test_a_list_without_hits_is_empty(database: Database) -> None:
    found = hits(database, brief=True)
    assert (len(found), found.statuses, found.column("plate"), list(found)) == (0, [], [], [])
