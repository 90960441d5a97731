"""A batch of the hot list's changelog gives what its messages give one by one."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.operators.matching import changelog_decoder
from platestream.operators.matching.changelog_decoder import list_changes, pack_entry
from platestream.operators.matching.events import Changes, PackedEntry
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from tests.unit.operators.test_match import LISTED

NCIC = msgspec.structs.replace(LISTED, source="ncic", plate="AST3087")


def written(name: str = "ncic:1", **changes: Any) -> bytes:
    """An entry as JSON with `changes`, which nothing checks."""
    return msgspec.json.encode({**msgspec.to_builtins(NCIC), "entry_id": name, **changes})


def message(value: bytes | None, name: str = "ncic:1", offset: int = 0) -> Message:
    return Message(name.encode(), value, topic="hotlist", partition=3, offset=offset)


def singly(messages: list[Message]) -> list[Any]:
    """Each in a batch of its own, which is the record's own decoder."""
    return [one for each in messages for one in list_changes([Batch.of(3, [each])])]


def end_of(found: list[Any]) -> tuple[dict[bytes, PackedEntry | None], list[DeadLetter]]:
    """The list that changes leave, and what was refused."""
    newest: dict[bytes, PackedEntry | None] = {}
    for one in found:
        if isinstance(one, Changes):
            keys = [*(entry.key for entry in one.listed), *one.removed]
            assert len(set(keys)) == len(keys), "no key twice"
            newest.update({entry.key: entry for entry in one.listed})
            newest.update(dict.fromkeys(one.removed))
    return newest, [one for one in found if isinstance(one, DeadLetter)]


TELLS: list[dict[str, Any]] = [
    {},
    {"plate": "XYZ98"},
    {"plate": "AB?1*"},
    {"plate": "*"},
    {"plate": "TOOLONG1234"},
    {"plate": "AB-12"},
    {"plate": "AB12\n"},
    {"plate": ""},
    {"state": None},
    {"state": "az"},
    {"source": "sjpd"},
    {"source": "sjpd", "case_number": ""},
    {"source": "n c\nic"},
    {"source": ""},
    {"category": "Stolen"},
    {"entry_id": "other:1"},
    {"entry_id": "ncic:1\nncic:2"},
    {"valid_from": "2026-11-01T00:00:00Z"},
    {"valid_from": "2126-11-01T00:00:00Z"},
    {"expires_at": "2027-01-01T00:00:00"},
    {"expires_at": "2027-01-01T00:00:00-07:00"},
    {"look_alikes": 3},
    {"reason": "x" * 2001},
    {"reason": "two\nlines"},
    {"cameras": ["bad\u0000"]},
    {"unknown": 1},
    {"schema": "hotlist_entry/2"},
    {"vehicle": {"other": {"schema": "hotlist_entry/1"}}},
    {"hours": [{"start": "25:00", "end": "01:00"}]},
]
BAD = [b"", b"{}", b"not json", b"[]", b"null", b"1\n2", b"\xff", written().replace(b'"schema"', b'"scheme"')]
HALVES = [
    written()[:40],
    written()[40:],
    written() + b"\n" + written()[:40],
    b" " + written(),
    written()[:-1] + b"\n}",
]
NAMES = st.sampled_from(["ncic:1", "ncic:2", "ncic:3", "bad\nname", "\u00e9", ""])
MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda name, told: message(written(name, **told), name), NAMES, st.sampled_from(TELLS)),
        st.builds(
            lambda number: message(written(f"ncic:n{number}"), f"ncic:n{number}"), st.integers(0, 9999)
        ),
        st.builds(message, st.sampled_from([None, *BAD, *HALVES]), NAMES),
    ),
    max_size=12,
)


@given(MESSAGES)
@settings(max_examples=600)
def test_a_batch_leaves_the_list_and_refuses_the_messages_that_one_by_one_would(more: list[Message]) -> None:
    more = [msgspec.structs.replace(one, offset=place) for place, one in enumerate(more)]
    assert end_of(list_changes([Batch.of(3, more)])) == end_of(singly(more))


def test_every_way_to_be_unusual_is_told_apart_from_its_neighbours() -> None:
    for fields in TELLS:
        around = [message(written(f"ncic:{n}"), f"ncic:{n}") for n in range(2, 9)]
        messages = [*around[:3], message(written(**fields)), *around[3:]]
        newest, refused = end_of(list_changes([Batch.of(3, messages)]))
        assert (newest, refused) == end_of(singly(messages))
        assert len(newest) + len(refused) == 8


def test_a_batch_of_what_is_usual_is_decoded_at_once(monkeypatch: Any) -> None:
    monkeypatch.setattr(changelog_decoder, "_decode_one", None)  # it would raise
    messages = [message(written(f"ncic:{n}"), f"ncic:{n}") for n in range(250)]
    removed = [message(None, f"ncic:{n}") for n in range(300, 310)]
    (found,) = list_changes([Batch.of(3, [*messages, *removed])])
    assert isinstance(found, Changes)
    assert (len(found.listed), len(found.removed), found.partition) == (250, 10, 3)
    assert found.listed[7] == pack_entry(HotListEntry.from_json(messages[7].value))


def test_marks_stay_behind_what_they_follow() -> None:
    batch, mark = Batch.of(3, [message(written())]), EndOfSnapshot("hotlist", 3, 4)
    assert [type(one) for one in list_changes([batch, mark, batch])] == [Changes, EndOfSnapshot, Changes]
