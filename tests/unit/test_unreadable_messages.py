"""Messages of changelogs that cannot be read: named, and in the way of nothing else."""

import logging
from collections.abc import Callable

import pytest

from platestream.access import registry
from platestream.hotlist import overview
from platestream.hotlist.entries import find
from platestream.hotlist.list_changes import designations, entries_of, listed
from platestream.schemas import topics
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.unreadable import unreadable
from tests.support.memory_edge import MemoryTopics
from tests.unit.test_hotlist_import import NOW, line, load

SCHOOL = RegistryRecord(
    kind="place", id="lincoln", name="Lincoln", place="school", latitude=34.5, longitude=-109.4, radius_m=9.0
)


@pytest.fixture
def streams() -> MemoryTopics:
    """A list of two entries, and a sensitive place, with newer messages that nobody can read."""
    made = MemoryTopics()
    load(made, line("1"), line("2", "XYZ1"))
    made.append(topics.REGISTRY, topics.REGISTRY.encode(SCHOOL))
    made.append(topics.REGISTRY, Message(SCHOOL.key.encode(), b"\xff"))
    made.append(topics.HOTLIST, Message(b"ncic:2", b'{"plate": 1}'))
    return made


@pytest.mark.parametrize(
    ("read", "there"),
    [
        (lambda one: {record.key for record in registry.records(one)}, {SCHOOL.key, "hotlist_source/ncic"}),
        (lambda one: {"ncic"} & set(designations(one).sources), {"ncic"}),
        (lambda one: listed(one).keys(), {"ncic:1", "ncic:2"}),
        (lambda one: entries_of(one, "ncic").keys(), {"ncic:1", "ncic:2"}),
        (lambda one: overview.briefs(one).keys(), {"ncic:1", "ncic:2"}),
        (lambda one: {getattr(find(one, "ncic:2"), "plate", "")}, {"XYZ1"}),
    ],
    ids=["places", "sources", "list", "source", "briefs", "entry"],
)
def test_the_record_before_stays_and_it_is_named(
    streams: MemoryTopics, read: Callable[[MemoryTopics], set[object]], there: set[object]
) -> None:
    with unreadable() as unread:
        assert set(read(streams)) == there
    (said,) = unread
    assert "cannot be read" in said
    assert "'ncic:2'" in said or "'place/lincoln'" in said


def test_the_next_file_lists_its_vehicle_again(
    streams: MemoryTopics, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        plan = load(streams, line("1"), line("2", "XYZ1"), now=NOW)
    assert "'ncic:2'" in caplog.text
    assert (set(plan.changed), plan.removed) == ({"ncic:2"}, [])
    assert listed(streams).keys() == {"ncic:1", "ncic:2"}
