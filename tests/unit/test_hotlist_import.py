"""What a file changes, and only that; what is refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.access.door import Permit
from platestream.access.effects import Bulk
from platestream.edges.changelog import publish
from platestream.hotlist.change_log import difference
from platestream.hotlist.entries import find
from platestream.hotlist.list_changes import Import, changes, imported, listed, plan_import, registry, send
from platestream.schemas import topics
from platestream.schemas.designation import LONGEST_DAYS, Designations
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.memory_edge import MemoryTopics

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))


def line(reference: str, plate: str = "AST3087", **changes: str) -> dict[str, str]:
    return {"reference": reference, "plate": plate, "category": "stolen_vehicle", **changes}


def load(streams: MemoryTopics, *lines: dict[str, str], now: datetime = NOW, source: str = "ncic") -> Import:
    plan = plan_import(streams, source, enumerate(lines, 1), now)
    plan.check()
    designated = imported(streams, source, now)
    bulk = Bulk.of([*changes(plan), designated])
    send(Permit(UUID(int=1), "hotlist_import", "vale", bulk.effect), streams, plan, bulk, designated)
    return plan


def test_a_second_import_of_the_same_file_sends_nothing() -> None:
    streams = MemoryTopics()
    assert len(load(streams, line("1"), line("2", "XYZ1")).changed) == 2
    again = load(streams, line("1"), line("2", "XYZ1"), now=NOW + DAY)
    assert (len(again.changed), again.unchanged, again.removed) == (0, 2, [])
    assert len(streams.messages(topics.HOTLIST)) == 2


def test_what_is_gone_is_removed_and_what_changed_is_sent() -> None:
    streams = MemoryTopics()
    load(streams, line("1"), line("2", "XYZ1"))
    done = load(streams, line("1", colour="red"), line("3"), now=NOW + DAY)
    assert set(done.changed) == {"ncic:1", "ncic:3"}
    assert done.removed == ["ncic:2"]
    assert set(listed(streams)) == {"ncic:1", "ncic:3"}


def test_one_entry_is_found_whatever_the_others_are() -> None:
    streams = MemoryTopics()
    load(streams, line("1"), line("12", "XYZ1"), line("3"))
    streams.append(topics.HOTLIST, Message(b"ncic:11", b"not an entry"))
    found = find(streams, "ncic:1")
    assert found is not None
    assert (found.entry_id, found.plate) == ("ncic:1", "AST3087")
    streams.append(topics.HOTLIST, Message(b"ncic:1", None))
    assert find(streams, "ncic:1") is None


def test_another_source_is_left_alone() -> None:
    streams = MemoryTopics()
    load(streams, line("1"), source="mvd")
    load(streams, line("2"))
    assert set(listed(streams)) == {"mvd:1", "ncic:2"}


def test_an_entry_without_an_expiry_gets_the_longest_of_its_category_and_keeps_it_for_long() -> None:
    streams = MemoryTopics()
    load(streams, line("1"))
    until = listed(streams)["ncic:1"].expires_at
    assert timedelta(days=LONGEST_DAYS["stolen_vehicle"]) <= until - NOW < timedelta(days=367)
    assert len(load(streams, line("1"), now=NOW + 100 * DAY).changed) == 0
    assert len(load(streams, line("1"), now=NOW + 300 * DAY).changed) == 1
    assert listed(streams)["ncic:1"].listed_at == NOW, "a longer time is no wider entry"


def test_a_change_of_what_is_looked_for_starts_anew_and_another_reason_does_not() -> None:
    streams = MemoryTopics()
    load(streams, line("1"), line("2"))
    done = load(streams, line("1", "XYZ1"), line("2", reason="found"), now=NOW + DAY)
    assert done.widened == {"ncic:1"}
    assert [entry.listed_at for _name, entry in sorted(listed(streams).items())] == [NOW + DAY, NOW]


def test_a_refused_line_is_named_and_is_no_sign_that_its_entry_is_gone() -> None:
    streams = MemoryTopics()
    names = [str(number) for number in range(1, 7)]
    load(streams, *map(line, names))
    bad = line("1", expires_at="soon")
    done = load(streams, bad, *map(line, names[2:]), now=NOW + DAY)
    assert done.refused == ["line 1: `expires_at` is missing or no date (2026-12-31)"]
    assert done.removed == ["ncic:2"]


def test_doubled_lines_are_counted_and_the_last_one_counts() -> None:
    streams = MemoryTopics()
    done = load(streams, line("1"), line("1", "XYZ1"))
    assert (done.doubled, listed(streams)["ncic:1"].plate) == (1, "XYZ1")


def lines_of(good: int, bad: int = 0) -> list[dict[str, str]]:
    return [line(str(n), "AST3087" if n < good else "?") for n in range(good + bad)]


@pytest.mark.parametrize(
    ("listed_now", "lines"),
    [
        (100, lines_of(0, 50)), (100, []), (1, []), (5, []), (2, lines_of(0, 1)), (19, lines_of(0, 19)),
        (42, lines_of(40, 2)), (4, lines_of(3, 1)), (5, lines_of(3, 2)), (200, lines_of(195, 5)),
        (100, lines_of(79)), (5, lines_of(3)), (4, lines_of(1)),
    ],
)  # fmt: skip
def test_a_file_that_is_empty_damaged_or_cut_off_is_refused_whole_however_short_the_list(
    listed_now: int, lines: list[dict[str, str]]
) -> None:
    streams = MemoryTopics()
    load(streams, *lines_of(listed_now))
    before = streams.messages(topics.HOTLIST)
    with pytest.raises(RefusedError, match="nothing was changed"):
        load(streams, *lines, now=NOW + DAY)
    assert streams.messages(topics.HOTLIST) == before


@pytest.mark.parametrize(("good", "bad"), [(4, 1), (5, 0), (4, 0), (1, 0), (98, 2), (8, 0)])
def test_one_bad_line_of_five_or_one_entry_that_goes_is_daily_work(good: int, bad: int) -> None:
    streams = MemoryTopics()
    load(streams, *lines_of(good + bad))
    assert load(streams, *lines_of(good, bad), now=NOW + DAY).bad == bad
    left = lines_of(good + bad)[1:] or lines_of(1)
    assert len(load(streams, *left, now=NOW + 2 * DAY).removed) <= 1


def test_entries_that_ended_are_no_sign_of_a_damaged_file() -> None:
    streams = MemoryTopics()
    ending = [line(str(n), expires_at="2026-11-25") for n in range(9)]
    load(streams, *ending, line("9"))
    done = load(streams, line("9"), now=NOW + 5 * DAY)
    assert (len(done.removed), done.before) == (9, 1)


def test_undesignated_categories_are_no_damage() -> None:
    streams = MemoryTopics()
    lines = [*(line(str(n), category="sex_offender") for n in range(99)), line("99")]
    plan = plan_import(streams, "ncic", enumerate(lines, 1), NOW)
    plan.check()
    assert (plan.bad, plan.reasons["category"]) == (0, 99)
    plan.reasons["schema"] = 3
    with pytest.raises(RefusedError, match="3 of 100 lines"):
        plan.check()


def test_an_undesignated_source_is_refused() -> None:
    with pytest.raises(RefusedError, match="`source` is not designated"):
        load(MemoryTopics(), line("1"), source="nobody")


def test_the_administrator_designates_and_withdraws() -> None:
    streams = MemoryTopics()
    records = [
        RegistryRecord(kind="hotlist_source", id="nm", name="New Mexico", approved_by="Chief Reyes"),
        RegistryRecord(kind="hotlist_category", id="sex_offender", name="Sex offender", longest_days=10),
        RegistryRecord(kind="hotlist_category", id="silver_alert", name="Silver alert", active=False),
    ]
    publish(streams, topics.REGISTRY, records)
    done = load(streams, line("1", category="sex_offender"), line("2", category="silver_alert"), source="nm")
    assert list(done.changed) == ["nm:1"]
    assert "`category` is not designated" in done.refused[0]
    assert listed(streams)["nm:1"].expires_at < NOW + 11 * DAY


@pytest.mark.parametrize(
    ("expires", "said"), [(NOW, "past"), (NOW + 400 * DAY, "further away than 366 days")]
)
def test_an_expiry_past_or_too_far_away_is_refused_with_the_field_named(expires: datetime, said: str) -> None:
    with pytest.raises(RefusedError, match=f"`expires_at` is {said}"):
        Designations().check(msgspec.structs.replace(ENTRY, expires_at=expires), NOW)


def test_an_import_says_when_its_source_was_last_whole() -> None:
    streams = MemoryTopics()
    load(streams, line("1"))
    assert registry(streams)["hotlist_source/ncic"].refreshed_at == NOW


ENTRIES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(st.sampled_from(["AST3087", "XYZ1", "A?T*"]), st.sampled_from(["", "red"])),
)


@given(st.lists(ENTRIES, max_size=4))
def test_after_any_imports_the_list_is_what_the_last_file_says_that_was_taken(
    files: list[dict[str, tuple[str, str]]],
) -> None:
    streams, wanted = MemoryTopics(), dict[str, tuple[str, str]]()
    for day, file in enumerate(files):
        result = [line(name, plate, colour=colour) for name, (plate, colour) in file.items()]
        gone = len(wanted.keys() - file.keys())
        try:
            load(streams, *result, now=NOW + day * DAY)
        except RefusedError:
            assert not file or gone > 1
        else:
            assert file
            assert gone <= max(1, len(wanted) / 5)
            wanted = file
    assert {
        name.removeprefix("ncic:"): (one.plate, one.vehicle.colour or "")
        for name, one in listed(streams).items()
    } == wanted


def test_the_record_of_a_change_says_what_was_before_and_after_and_shows_no_plate() -> None:
    later = msgspec.structs.replace(ENTRY, plate="XYZ1234", reason="Found", listed_at=NOW)
    result = [difference(None, ENTRY), difference(ENTRY, later), difference(ENTRY, None)]
    assert result[1] == "hot list: changed, plate changed; reason: Stolen from 1st West on 11-23 -> Found"
    assert "case_number: 26-001234" in result[0]
    assert "removed" in result[2]
    assert not any("AST3087" in text or "XYZ1234" in text for text in result)
