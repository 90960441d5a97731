"""Numbered files of a feed: whatever the order, the repetitions and the kills, the list is the owner's."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.door import Permit
from platestream.access.effects import Bulk, publish_encoded
from platestream.edges.changelog import publish
from platestream.hotlist.list_changes import changes, imported, listed, plan_import, registry, send
from platestream.hotlist.manifest import Extent, Manifest, Offer, following
from platestream.schemas import topics
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.memory_edge import MemoryTopics

NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)
PLATES = ("AST3087", "GHN5182", "XYZ12", "BKL9001")
State = dict[str, str]
Lines = list[dict[str, str]]


def line(reference: str, plate: str, action: str = "add") -> dict[str, str]:
    return {"reference": reference, "plate": plate, "category": "stolen_vehicle", "action": action}


class Owner:
    """The list of its owner after each number, and the file that goes with each number."""

    def __init__(self, states: list[State], full: list[bool]) -> None:
        self.states = [State(), *states]
        self.files: dict[int, tuple[Extent, Lines]] = {}
        for number, (state, is_full) in enumerate(zip(states, full, strict=True), 1):
            before = self.states[number - 1]
            if is_full or number == 1:
                self.files[number] = "full", [line(*one) for one in state.items()]
            else:
                gone = [line(name, "", "clear") for name in before.keys() - state.keys()]
                changed = [line(*one, "change") for one in state.items() - before.items()]
                self.files[number] = "delta", [*gone, *changed]

    def offer(self, number: int) -> Offer:
        made = NOW + timedelta(minutes=number)
        return Offer(str(number), Manifest("ncic", "", made, "", self.files[number][0], number))


class Receiver:
    """Our side: what is on the topics, and nothing else, outlives a kill."""

    def __init__(self) -> None:
        self.streams = MemoryTopics()
        record = RegistryRecord(kind="hotlist_source", id="ncic", name="NCIC", feed_key="k")
        publish(self.streams, topics.REGISTRY, [record])

    @property
    def last(self) -> int:
        return registry(self.streams)["hotlist_source/ncic"].feed_sequence

    @property
    def list(self) -> State:
        return {name.partition(":")[2]: one.plate for name, one in listed(self.streams).items()}

    def take(self, owner: Owner, there: set[int], killed_after: int | None = None) -> bool:
        """Import the next file; return whether there was one. A kill comes after so many messages."""
        try:
            chosen = following(map(owner.offer, sorted(there)), self.last)
        except RefusedError:
            return False
        if chosen is None:
            return False
        extent, lines = owner.files[chosen.manifest.sequence]
        numbered = enumerate(lines, 1)
        plan = plan_import(self.streams, "ncic", numbered, NOW, delta=extent == "delta", removes=1.0)
        source = imported(self.streams, "ncic", NOW, chosen.manifest)
        if killed_after is not None:
            sent = list(changes(plan))[:killed_after]
            publish_encoded(self.streams, topics.HOTLIST, sent)
            return True
        bulk = Bulk.of([*changes(plan), source])
        send(Permit(UUID(int=1), "hotlist_import", "job", bulk.effect), self.streams, plan, bulk, source)
        return True


STATES = st.lists(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(PLATES), max_size=5), min_size=1, max_size=6
)


@given(st.data())
def test_any_order_of_full_files_deltas_duplicates_and_kills_ends_at_the_owner_s_list(
    data: st.DataObject,
) -> None:
    states = data.draw(STATES)
    full = data.draw(st.lists(st.booleans(), min_size=len(states), max_size=len(states)))
    owner, receiver = Owner(states, full), Receiver()
    numbers = sorted(owner.files)
    order = data.draw(st.lists(st.sampled_from(numbers), max_size=10)) + data.draw(st.permutations(numbers))
    there: set[int] = set()
    for number in order:
        there.add(number)
        for killed in [*data.draw(st.lists(st.integers(0, 4), max_size=2)), None]:
            if receiver.take(owner, there, killed) and killed is None:
                assert receiver.list == owner.states[receiver.last]
        while receiver.take(owner, there):
            assert receiver.list == owner.states[receiver.last]
    assert receiver.last == len(states)
    assert receiver.list == states[-1]


@given(st.lists(st.integers(1, 9), unique=True), st.integers(0, 9))
def test_a_delta_is_taken_after_its_predecessor_alone_and_a_gap_is_named(
    numbers: list[int], last: int
) -> None:
    offers = [Offer(str(one), Manifest("ncic", "", NOW, "", "delta", one)) for one in numbers]
    ahead = [one for one in numbers if one > last]
    if not ahead:
        assert following(offers, last) is None
    elif last and min(ahead) == last + 1:
        chosen = following(offers, last)
        assert chosen is not None
        assert chosen.manifest.sequence == last + 1
    else:
        with pytest.raises(RefusedError, match="ask the list's owner for a full file"):
            following(offers, last)


def test_the_newest_full_file_counts_whatever_is_missing_before_it() -> None:
    kinds: list[tuple[Extent, int]] = [("delta", 3), ("full", 5), ("delta", 6), ("full", 9), ("delta", 12)]
    offers = [Offer(str(number), Manifest("ncic", "", NOW, "", kind, number)) for kind, number in kinds]
    chosen = following(offers, 1)
    assert chosen is not None
    assert chosen.manifest.sequence == 9
    with pytest.raises(RefusedError, match="file 10 to 11 is missing before the delta 12"):
        following(offers, 9)


def plan_of(*lines: dict[str, str], before: int = 10, removes: float = 0.2, delta: bool = True) -> str:
    streams = MemoryTopics()
    first = plan_import(streams, "ncic", enumerate((line(str(n), "AST3087") for n in range(before)), 1), NOW)
    publish_encoded(streams, topics.HOTLIST, list(changes(first)))
    return plan_import(streams, "ncic", enumerate(lines, 1), NOW, delta=delta, removes=removes).wrong


def test_a_delta_may_be_empty_and_a_full_file_may_not() -> None:
    assert plan_of() == ""
    assert "none of its 0 lines" in plan_of(delta=False)


@pytest.mark.parametrize(("cleared", "removes", "wrong"), [(2, 0.2, False), (3, 0.2, True), (3, 0.3, False)])
def test_a_file_that_removes_more_than_the_registered_share_is_held(
    cleared: int, removes: float, wrong: bool
) -> None:
    lines = [line(str(number), "", "clear") for number in range(cleared)]
    assert bool(plan_of(*lines, removes=removes)) == wrong


def test_a_line_that_clears_and_adds_again_adds_in_the_order_of_the_file() -> None:
    streams = MemoryTopics()
    lines = [line("1", "AST3087"), line("1", "", "clear"), line("2", "XYZ12"), line("2", "", "clear")]
    plan = plan_import(streams, "ncic", enumerate([*lines, line("1", "GHN5182")], 1), NOW, delta=True)
    assert [one.plate for one in plan.entries] == ["GHN5182"]
    assert plan.removed == []


def test_a_bad_line_of_a_delta_loses_nothing_else_and_is_a_letter() -> None:
    streams = MemoryTopics()
    bad = {**line("2", "AST3087"), "expires_at": "soon"}
    plan = plan_import(streams, "ncic", enumerate([line("1", "AST3087"), bad], 1), NOW, delta=True)
    assert plan.wrong == ""
    assert [one.entry_id for one in plan.entries] == ["ncic:1"]
    assert [number for number, _error in plan.letters] == [2]
