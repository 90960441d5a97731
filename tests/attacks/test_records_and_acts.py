"""Hits and entries of the hot list written without an act, and acts without effect (issue 27)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access import registry
from platestream.access.door import Door, Permit
from platestream.access.effects import (
    Bulk,
    OtherRecordError,
    Proof,
    effect_of,
    publish_encoded,
    write,
)
from platestream.edges.files import FileTopics
from platestream.hits import service as hits
from platestream.hotlist import entries, intake
from platestream.hotlist.origin import Delivery
from platestream.operators.hit_history import history
from platestream.policy.checks.context import CheckData
from platestream.policy.service import Result, run
from platestream.policy.table import CHECKS
from platestream.runtime.clock import utc_now
from platestream.schemas import tables, topics
from platestream.schemas.hit_action import HitAction
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hits import put_hit

ENTRY = {
    **{"plate": "ast-3087", "state": "AZ", "category": "stolen_vehicle", "case_number": "26-001234"},
    **{"reason": "Stolen from 1st West", "requested_by": "Ofc. Vale", "contact": "928-555-0114"},
    **{"instructions": "P/C for arrest", "expires_at": f"{NOW + timedelta(days=10):%Y-%m-%d}"},
}


# Row 16: one act, one record


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Door:
    """An agency in force with a feed of NCIC, and the door of Vale, who has every role."""
    staffed(database, person("vale"), person("smith"), person("lee", "administrator"))
    feed = RegistryRecord(
        kind="hotlist_source",
        id="ncic",
        name="NCIC",
        feed_place=str(tmp_path / "data" / "ncic"),
        feed_layout="csv",
    )
    registry.designate(door_of(database, "lee", data=tmp_path / "data"), feed, utc_now())
    return door_of(database, "vale", data=tmp_path / "data")


def found(door: Door, name: str) -> Result:
    (result,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == name])
    return result


def write_raw(door: Door, topic: Any, *records: Any, headers: dict[str, str] | None = None) -> None:
    """Write messages without any act, as a thief of the broker's account would."""
    messages = [topic.encode(one) for one in records]
    if headers is not None:
        messages = [msgspec.structs.replace(one, headers=headers) for one in messages]
    publish_encoded(door.streams, topic, messages)


def step_of(hit: str, kind: str, by: str = "vale", **changes: Any) -> HitAction:
    at = datetime.now(UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return HitAction(action_id=uuid4(), hit_id=UUID(hit), at=at, by=by, kind=kind, **changes)  # type: ignore[arg-type]


@pytest.fixture
def hit(database: Database, town: Door) -> str:
    """A hit of NCIC whose plate and state Vale has compared, by an act."""
    made = put_hit(database, 1)
    row = {"hit_id": made, "plate": "X", "match": "same", "listed_plate": "X", "source": "ncic"}
    hits.take_step(town, hits.HitWithHistory(row, history((), source="ncic")), "plate_and_state_confirmed")
    assert found(town, "steps").faults == ()
    return made


def follow(door: Door, database: Database) -> None:
    """Copy the topic of steps into the table, as the audit flow does."""
    decoded = [topics.HIT_ACTIONS.decode(one) for one in door.streams.read_to_end(topics.HIT_ACTIONS)]
    database.put(tables.HIT_ACTIONS, *decoded)


@pytest.mark.parametrize(
    "forged",
    [
        [("confirmed_current", {"checked_with": "ncic"})],
        [("confirmed_current", {"checked_with": "ncic"}), ("action_taken", {"result": "arrest"})],
        [("plate_and_state_confirmed", {"by": "smith"})],
        [("plate_and_state_confirmed", {})],
    ],
)
def test_16_more_steps_behind_one_act_are_not_held(
    database: Database, town: Door, hit: str, forged: list[tuple[str, dict[str, Any]]]
) -> None:
    write_raw(town, topics.HIT_ACTIONS, *(step_of(hit, kind, **fields) for kind, fields in forged))
    follow(town, database)

    (fault,) = found(town, "steps").faults
    assert "without an act on record" in fault


def test_16_a_step_that_was_changed_in_the_table_alone_is_not_held(
    database: Database, town: Door, hit: str
) -> None:
    (message,) = town.streams.read_to_end(topics.HIT_ACTIONS)
    step = topics.HIT_ACTIONS.decode(message)
    database.put(tables.HIT_ACTIONS, msgspec.structs.replace(step, kind="misread"))

    assert "without an act on record" in found(town, "steps").faults[0]


def test_16_a_step_of_long_ago_by_its_own_time_is_not_held(database: Database, town: Door, hit: str) -> None:
    """A forged time that lies before the upgrade, where acts held no hash."""
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(days=90)
    write_raw(town, topics.HIT_ACTIONS, msgspec.structs.replace(step_of(hit, "misread"), at=old))
    follow(town, database)

    assert "without an act on record" in found(town, "steps").faults[0]


def test_16_a_step_that_is_written_twice_is_one_step(database: Database, town: Door, hit: str) -> None:
    for message in list(town.streams.read_to_end(topics.HIT_ACTIONS)):
        publish_encoded(town.streams, topics.HIT_ACTIONS, [message])
    follow(town, database)

    assert found(town, "steps").faults == ()


def test_17_an_act_on_a_hit_that_was_never_done_is_found(database: Database, town: Door, hit: str) -> None:
    """The owner of the data folder, in process, logs a step and writes none."""
    past = datetime.now(UTC) + timedelta(minutes=30)
    town.enter("hit_verify", hit, effect="a" * 64)
    live = replace(CheckData.of(town, datetime.now(UTC)), now=past)
    (result,) = run(live, [one for one in CHECKS if one.name == "steps"])

    assert result.faults == (f"acts on record that were never done: {hit}",)


def test_16_nothing_else_can_be_written_by_an_act(town: Door) -> None:
    entry = HotListChange("sjpd:1", None)
    permit = town.enter("hotlist_remove", "sjpd:1", effect=effect_of(topics.HOTLIST, entry))
    with pytest.raises(OtherRecordError):
        write(permit, town, topics.HOTLIST, HotListChange("sjpd:2", None))
    with pytest.raises(OtherRecordError):
        write(town.enter("hotlist_remove", "sjpd:1"), town, topics.HOTLIST, entry)


def add(door: Door, reference: str = "26-1") -> HotListEntry:
    return entries.add(door, "sjpd", {**ENTRY, "reference": reference}, utc_now(), back=False).entry


@pytest.mark.parametrize(
    "changes",
    [
        {"plate": "XYZ9999"},
        {"instructions": "none"},
        {"look_alikes": 2},
        {"expires_at": NOW + timedelta(days=20)},
        {"reason": "Another reason"},
    ],
)
def test_16_an_entry_that_is_overwritten_behind_its_act_is_not_held(town: Door, changes: Any) -> None:
    entry = add(town)
    assert found(town, "listed").faults == ()
    forged = msgspec.structs.replace(entry, **changes)
    write_raw(town, topics.HOTLIST, HotListChange(entry.entry_id, forged))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-1",)


def test_16_an_entry_that_was_removed_and_is_published_again_is_not_held(town: Door) -> None:
    entry = add(town)
    entries.remove(town, entry.entry_id)
    write_raw(town, topics.HOTLIST, HotListChange(entry.entry_id, entry))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-1",)


@pytest.mark.parametrize("by_import", [False, True])
@pytest.mark.parametrize("hidden", ["removed", "another plate"])
def test_16_an_entry_that_was_hidden_for_an_hour_is_found_when_it_is_back(
    town: Door, hidden: str, by_import: bool
) -> None:
    if by_import:
        imported(town, 120)
    else:
        add(town)
    name = "ncic:3" if by_import else "sjpd:26-1"
    was = {m.key: m for m in town.streams.read_to_end(topics.HOTLIST)}[name.encode()]
    entry = topics.HOTLIST.decode(was).entry
    assert entry is not None
    other = None if hidden == "removed" else msgspec.structs.replace(entry, plate="XYZ9999")
    write_raw(town, topics.HOTLIST, HotListChange(name, other), headers=was.headers)
    publish_encoded(town.streams, topics.HOTLIST, [was])

    text = f"changed or removed for a time without an act on record: {name}"
    assert found(town, "listed").faults == (text,)


def test_16_an_entry_that_had_expired_and_is_listed_again_was_not_hidden(town: Door) -> None:
    entry = add(town)
    write_raw(town, topics.HOTLIST, HotListChange(entry.entry_id, None))
    add(town)
    later = CheckData.of(town, entry.expires_at + timedelta(days=1))
    listed = [one for one in CHECKS if one.name == "listed"]
    assert [one.faults for one in run(later, listed)] == [()], "the match flow removed it"
    text = "changed or removed for a time without an act on record: sjpd:26-1"
    assert found(town, "listed").faults == (text,), "somebody removed it before"


@pytest.mark.parametrize("hidden", ["removed", "another place"])
def test_16_a_record_that_was_another_one_for_an_hour_is_found_when_it_is_back(
    town: Door, hidden: str
) -> None:
    text = "changed or removed for a time without an act on record: hotlist_source/ncic"
    assert text not in found(town, "recorded").faults
    (was,) = [m for m in town.streams.read_to_end(topics.REGISTRY) if m.key == b"hotlist_source/ncic"]
    record = topics.REGISTRY.decode(was)
    other = Message(was.key, None)
    if hidden == "another place":
        other = topics.REGISTRY.encode(msgspec.structs.replace(record, feed_place="/tmp/other"))
    publish_encoded(town.streams, topics.REGISTRY, [other, was])
    assert text in found(town, "recorded").faults


def test_16_an_entry_in_the_minutes_of_another_act_is_not_held(town: Door) -> None:
    entry = add(town)
    forged = msgspec.structs.replace(entry, entry_id="sjpd:26-2")
    write_raw(town, topics.HOTLIST, HotListChange("sjpd:26-2", forged))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-2",)


def imported(door: Door, count: int, **changes: Any) -> None:
    read(door, [{**ENTRY, "reference": str(one), **changes} for one in range(count)])


def read(door: Door, lines: list[dict[str, Any]]) -> None:
    """Import lines of NCIC's feed as its job does."""
    brought = Delivery("csv", door.settings.data / "ncic")
    intake.import_lines(door.system_job("hotlist"), "ncic", enumerate(lines, 1), utc_now(), brought=brought)


def test_16_each_entry_of_a_large_import_is_checked_alone_and_after_later_changes(town: Door) -> None:
    imported(town, 150)
    assert found(town, "listed").figure == "150 entries: 0 by acts of their own, 150 by imports"
    imported(town, 149, contact="928-555-0199")
    imported(town, 148, contact="928-555-0199")
    assert found(town, "listed").faults == ()
    assert "ncic" not in "; ".join(found(town, "recorded").faults), "the record of the source, too"
    compact(town)
    assert found(town, "listed").faults == ()


def compact(door: Door) -> None:
    FileTopics(door.settings.data, follow=False).compact(topics.HOTLIST, lambda _message: True)


@pytest.mark.parametrize(
    "how", ["changed", "with another's proof", "added", "without a proof", "of an older import"]
)
def test_16_an_entry_that_an_import_did_not_write_is_not_held(town: Door, how: str) -> None:
    imported(town, 120)
    first = {m.key: m for m in town.streams.read_to_end(topics.HOTLIST)}[b"ncic:3"]
    entry = topics.HOTLIST.decode(first).entry
    assert entry is not None
    name = "ncic:3"
    if how == "changed":
        forged = msgspec.structs.replace(entry, plate="XYZ9999")
        write_raw(town, topics.HOTLIST, HotListChange(name, forged), headers=first.headers)
    elif how == "with another's proof":
        name = "ncic:new"
        forged = msgspec.structs.replace(entry, entry_id=name)
        write_raw(town, topics.HOTLIST, HotListChange(name, forged), headers=first.headers)
    elif how == "added":
        name = "ncic:new"
        write_raw(town, topics.HOTLIST, HotListChange(name, msgspec.structs.replace(entry, entry_id=name)))
    elif how == "without a proof":
        write_raw(town, topics.HOTLIST, HotListChange(name, entry))
    else:
        fields = {**ENTRY, "reference": "3", "contact": "928-555-0199"}
        read(town, [{**ENTRY, "reference": str(one)} if one != 3 else fields for one in range(120)])
        publish_encoded(town.streams, topics.HOTLIST, [first])

    assert found(town, "listed").faults == (f"on the list without an act on record: {name}",)


@given(st.integers(1, 70), st.data())
def test_16_the_proof_of_each_record_holds_for_that_record_alone(size: int, data: st.DataObject) -> None:
    messages = [Message(b"x", str(one).encode()) for one in range(size)]
    bulk = Bulk.of(messages)
    number = data.draw(st.integers(0, size - 1))
    permit = Permit(uuid4(), "hotlist_import", "vale", bulk.effect)
    proved = bulk.proved(permit, number, messages[number])
    proof = Proof.read(proved)
    assert proof is not None
    assert proof.holds(proved, bulk.effect)
    for other in messages:
        assert proof.holds(other, bulk.effect) == (other.value == proved.value)
    assert not proof.holds(proved, "0" * 64)


@given(st.text(max_size=200))
def test_16_a_header_that_is_no_proof_is_none(text: str) -> None:
    proof = Proof.read(Message(b"x", b"{}", headers={"import": text}))
    assert proof is None or not proof.holds(Message(b"x", b"{}"), "0" * 64)
