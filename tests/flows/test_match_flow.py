from pathlib import Path

import pytest
from bytewax.recovery import RecoveryConfig

from platestream.flows import match_flow
from platestream.operators.matching.entry_match import match_entry
from platestream.schemas import tables, topics
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import Message
from tests.support.clock import NOW
from tests.support.flows import detection, listed, memory_edge, recovery, run
from tests.support.memory_edge import MemoryTables, MemoryTopics


def put(streams: MemoryTopics, *records: object) -> None:
    for record in records:
        topic = topics.HOTLIST if isinstance(record, HotListChange) else topics.DETECTIONS
        streams.append(topic, topic.encode(record))  # type: ignore[arg-type]


def hits(streams: MemoryTopics) -> list[tuple[str, str]]:
    found = streams.records(topics.ALERT_HITS)
    return sorted((hit.detection.plate, hit.entry.entry_id) for hit in found)


@pytest.mark.parametrize("workers", [1, 2])
def test_listed_vehicles_alert_in_topic_and_table(workers: int) -> None:
    edge, streams, store = memory_edge()
    put(streams, listed("AST3087", "1"), listed("0HIO01", "2"), listed("XYZ9876", "3"))
    put(
        streams,
        detection("AST3087"),
        detection("OHI001", 1),
        detection("NOTHING", 2),
        detection("XYZ9B76", 3),
    )
    run(match_flow.build(edge), workers=workers)
    assert hits(streams) == [("AST3087", "sjpd:1"), ("OHI001", "sjpd:2"), ("XYZ9B76", "sjpd:3")]
    assert {row["match"] for row in store.rows(tables.ALERT_HITS)} == {"exact", "look_alike"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_long_list_is_loaded_before_the_first_read_is_judged(workers: int) -> None:
    edge, streams, _store = memory_edge()
    put(streams, *(detection(f"AAA{n:04}", n) for n in range(20)))
    put(streams, *(listed(f"AAA{n:04}", str(n)) for n in range(1000)))
    run(match_flow.build(edge), workers=workers)
    assert len(hits(streams)) == 20


def test_reads_before_a_removal_was_loaded_are_judged_by_the_newest_list() -> None:
    edge, streams, _store = memory_edge()
    put(streams, detection("AST3087"), listed("AST3087", "1"), HotListChange("sjpd:1", None))
    run(match_flow.build(edge))
    assert hits(streams) == []


def restart(tmp_path: Path) -> tuple[MemoryTopics, MemoryTables, RecoveryConfig]:
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    put(streams, listed("AST3087", "1"), detection("AST3087"))
    run(match_flow.build(edge), kept)
    assert len(hits(streams)) == 1
    put(streams, HotListChange("sjpd:1", None), listed("XYZ9876", "2"))
    put(streams, detection("AST3087", 10), detection("XYZ9876", 11))
    run(match_flow.build(edge), kept)
    return streams, store, kept


def test_a_restart_loads_what_changed_while_the_flow_was_down_before_it_judges(tmp_path: Path) -> None:
    streams, _store, _kept = restart(tmp_path)
    assert hits(streams) == [("AST3087", "sjpd:1"), ("XYZ9876", "sjpd:2")]


def test_no_plate_is_left_in_the_recovery_store(tmp_path: Path) -> None:
    restart(tmp_path)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "recovery").rglob("*") if path.is_file())
    assert b"XYZ9876" not in stored
    assert b"AST3087" not in stored


def test_a_second_full_play_leaves_the_same_rows() -> None:
    edge, streams, store = memory_edge()
    put(streams, listed("AST3087", "1"), detection("AST3087"))
    run(match_flow.build(edge))
    once = store.rows(tables.ALERT_HITS)
    run(match_flow.build(edge))
    assert store.rows(tables.ALERT_HITS) == once


@pytest.mark.parametrize("workers", [1, 2])
def test_hits_of_look_backs_are_written_to_the_tables_and_take_no_alert(workers: int) -> None:
    """As on a server, where the account that looks back may not write tables."""
    edge, streams, store = memory_edge()
    new = listed("AST3087", "1", listed_at=NOW)
    assert new.entry is not None
    old = match_entry(detection("AST3087", -2), new.entry)
    assert old is not None
    assert old.historical
    streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(old))
    put(streams, new, detection("AST3087", -1), detection("AST3087", 9))
    run(match_flow.build(edge), workers=workers)
    wanted = {(-2, True), (-1, True), (9, False)}
    for table in (tables.ALERT_HITS, tables.HIT_FACTS):
        rows = store.rows(table)
        assert {((row["captured_at"] - NOW).total_seconds(), row["historical"]) for row in rows} == wanted


def test_bad_entries_and_bad_detections_are_dead_letters_and_lose_nothing_else() -> None:
    edge, streams, store = memory_edge()
    streams.append(topics.HOTLIST, Message(b"sjpd:9", b'{"schema":"hotlist_entry/1"}'))
    streams.append(topics.HOTLIST, Message(None, b"{}"))
    streams.append(topics.DETECTIONS, Message(b"cam", b"not json"))
    put(streams, listed("AST3087", "1"), detection("AST3087"))
    run(match_flow.build(edge))
    assert len(hits(streams)) == 1
    letters = streams.records(topics.DEAD_LETTERS)
    assert sorted(letter.reason for letter in letters) == ["key", "not_json", "schema"]
    assert len(store.rows(tables.DEAD_LETTERS)) == 3
