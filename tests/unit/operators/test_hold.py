"""What holds until changelogs have been read: the hold itself, and each step that has one."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.inquiry_checks.logic import InquiryChecks
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.events import Reads
from platestream.operators.notify.outbox import Outbox
from platestream.operators.notify.route import Router
from platestream.schemas.gate_rules import GATE_RULES
from platestream.schemas.message import EndOfSnapshot
from tests.support.clock import NOW
from tests.support.flows import ACTION, LISTED, detection
from tests.support.notify_rules import ON_SHIFT, Desk, came_of, hit, message, rules, shift
from tests.unit.operators.test_inquiry_checks import RULED, agency, inquiry, sealed, user

Event = Any
Sources = Sequence[Sequence[Event]]
SIZES = st.dictionaries(st.sampled_from(["hotlist", "registry", GATE_RULES]), st.integers(1, 3), min_size=1)
PICKS = st.lists(st.integers(0, 5), max_size=40)
CUTS = st.sets(st.integers(0, 40), max_size=3)


def changelogs(sizes: dict[str, int]) -> list[list[Event]]:
    """Each partition of each changelog: two changes, the mark, and a change behind it."""
    return [
        [(name, part, 0), (name, part, 1), EndOfSnapshot(name, part, count), (name, part, 2)]
        for name, count in sizes.items()
        for part in range(count)
    ]


def play(
    make: Callable[[Any], Any],
    feed: Callable[[Any, Event], list[Any]],
    snapshot: Callable[[Any], Any],
    sources: Sources,
    items: Sequence[Event],
    picks: Sequence[int],
    cuts: set[int],
) -> list[Any]:
    """What a step makes of its sources as they come in the order of `picks`, and at last all that is left.

    At a cut it is stopped and made again from its snapshot; then changelogs start from their beginning, and
    items go on behind the last.
    """
    step, out = make(None), []
    left, places = list(items), [0] * len(sources)
    rest = [len(sources)] * len(items) + [n for n, source in enumerate(sources) for _event in source] * 4
    for turn, pick in enumerate([*picks, *rest]):
        if turn in cuts:
            step, places = make(snapshot(step)), [0] * len(sources)
        source = pick % (len(sources) + 1)
        if source == len(sources) and left:
            out += feed(step, left.pop(0))
        elif source < len(sources) and places[source] < len(sources[source]):
            out += feed(step, sources[source][places[source]])
            places[source] += 1
    assert not left
    return out


class Joined:
    """The smallest step that holds: an item comes out with the changes that it was judged by."""

    def __init__(self, names: Sequence[str], waiting: list[Any] | None) -> None:
        self.hold: ChangelogHold[Any] = ChangelogHold(names, waiting or [])
        self.changes: set[Any] = set()

    def feed(self, event: Event) -> list[Any]:
        if isinstance(event, tuple):
            self.changes.add(event)
            return []
        items = self.hold.end(event) if isinstance(event, EndOfSnapshot) else self.hold.take(event)
        return [(item, frozenset(self.changes)) for item in items]


@given(SIZES, st.integers(0, 8), PICKS, CUTS)
def test_every_item_is_judged_once_in_its_order_and_by_the_whole_of_every_snapshot(
    sizes: dict[str, int], count: int, picks: list[int], cuts: set[int]
) -> None:
    out = play(
        lambda waiting: Joined(list(sizes), waiting),
        Joined.feed,
        lambda step: step.hold.waiting,
        changelogs(sizes),
        items := [f"item{number}" for number in range(count)],
        picks,
        cuts,
    )
    whole = {
        (name, part, number) for name, parts in sizes.items() for part in range(parts) for number in (0, 1)
    }
    assert [item for item, _changes in out] == items
    assert all(changes >= whole for _item, changes in out)


@given(SIZES, st.data())
def test_nothing_opens_it_but_the_mark_of_every_partition_of_every_changelog(
    sizes: dict[str, int], data: st.DataObject
) -> None:
    marks = [EndOfSnapshot(name, part, count) for name, count in sizes.items() for part in range(count)]
    *some, last = data.draw(st.permutations(marks))
    hold: ChangelogHold[str] = ChangelogHold(sizes)
    for mark in data.draw(st.lists(st.sampled_from(some), max_size=9)) + some if some else []:
        assert hold.end(mark) == []
    assert hold.take("item") == []
    assert hold.waiting == ["item"]
    assert hold.end(last) == ["item"]
    assert hold.open
    assert hold.end(last) == []


def test_a_mark_of_a_changelog_that_nobody_waits_for_is_a_fault_of_the_flow() -> None:
    with pytest.raises(KeyError, match="deliveries"):
        ChangelogHold(("registry",)).end(EndOfSnapshot("deliveries", 0, 1))


def steps() -> dict[str, tuple[Callable[[Any], Any], Sources, list[Event]]]:
    """Each step that holds: how it is made, its changelogs, and its items."""
    registry = [user(), agency(own=True), shift("rvale"), EndOfSnapshot("registry", 0, 1)]
    entry = msgspec.structs.replace(LISTED, plate="AST3087", expires_at=NOW.replace(year=NOW.year + 1))
    of_it = [detection(plate, second) for second, plate in enumerate(("A5T3087", "AST3087", "AST3087"))]
    one, other = Reads(own=of_it[1:2]), Reads(others=of_it[:1])
    notices = [message("link", number=number) for number in range(1, 4)]
    known = came_of(notices[1])
    acted = msgspec.structs.replace(ACTION, by="smith")
    return {
        "match": (
            HotListMatcher,
            [[[pack_entry(entry), EndOfSnapshot("hotlist", 0, 1)]], [[EndOfSnapshot("registry", 0, 1)]]],
            [[other], [one], [Reads(own=of_it[2:])]],
        ),
        "route": (
            lambda resume: Router(resume, rules(ON_SHIFT), lambda: NOW),
            [registry, [EndOfSnapshot("presence", 0, 1)]],
            [hit(1), hit(2)],
        ),
        "checks": (
            lambda resume: InquiryChecks(resume, lambda: NOW),
            [registry, [RULED, EndOfSnapshot(GATE_RULES, 0, 1)]],
            [sealed(inquiry(1, reason="curiosity")), acted, sealed(inquiry(2, who="jones"))],
        ),
        "outbox": (
            lambda resume: Outbox(resume, Desk(), lambda: NOW),
            [[known, EndOfSnapshot("deliveries", 0, 1)]],
            [*notices],
        ),
    }


def feed(step: Any, event: Event) -> list[Any]:
    """What comes out, and what was given to the post."""
    out = list(step.on_batch([event])[0])
    if isinstance(step, Outbox):
        desk: Any = step._post
        out, desk.submitted = [*out, *(one.delivery_id for one in desk.submitted)], []
    return out


@pytest.mark.parametrize("name", ["match", "route", "checks", "outbox"])
@given(picks=PICKS, cuts=CUTS)
def test_a_step_gives_the_same_however_marks_changes_items_and_restarts_interleave(
    name: str, picks: list[int], cuts: set[int]
) -> None:
    make, sources, items = steps()[name]
    run = (make, feed, lambda step: step.snapshot(), sources, items)
    in_order = [n for n, source in enumerate(sources) for _event in source]
    plain, mixed = play(*run, in_order, set()), play(*run, picks, cuts)
    assert plain
    if name == "outbox":  # what was not delivered is sent again by the next process
        plain, mixed = list(dict.fromkeys(plain)), list(dict.fromkeys(mixed))
    assert mixed == plain
