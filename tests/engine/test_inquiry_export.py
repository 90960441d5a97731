import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.schemas.inquiry import FIRST, Inquiry, chain
from platestream.transparency_log import log_export as inquiry_export
from platestream.transparency_log.log_export import Head, Line
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import INQUIRY

COUNT = 6


def inquiries(count: int = COUNT, **more: Any) -> list[Inquiry]:
    return [msgspec.structs.replace(INQUIRY, inquiry_id=UUID(int=n + 1), **more) for n in range(count)]


def exported(count: int = COUNT, **more: Any) -> list[bytes]:
    """An export as it is written."""
    lines, head = [], Head(0, FIRST, 0)
    for one in chain(inquiries(count, **more), 0, FIRST):
        lines.append(
            msgspec.json.encode(Line(one.seal, one.previous, one.hash, msgspec.Raw(one.inquiry.to_json())))
        )
        head = Head(one.seal, one.hash, one.seal)
    return [*lines, msgspec.json.encode(head)]


WHOLE = exported()
HEAD = f"{COUNT}:{msgspec.json.decode(WHOLE[-1], type=Head).last_hash}"


def faults(lines: list[bytes], expected: str = "") -> list[str]:
    return list(inquiry_export.verify(lines, NOW, expected))


def test_what_was_exported_from_the_database_is_whole_and_its_head_is_reached(database: Database) -> None:
    for number in range(3):
        database.ask(pattern=f"ABC12{number}", cameras=["sü d"])
    seal_new(database.client(SEALER))
    file = io.BytesIO()
    head = inquiry_export.write(database.client(SEALER), file)
    lines = file.getvalue().splitlines()
    heads: list[Head] = []
    assert list(inquiry_export.verify(lines, NOW, str(head), heads)) == []
    assert heads == [head]
    assert (head.last_seal, head.seals, len(lines)) == (3, 3, 4)


def test_a_row_that_is_gone_from_the_database_is_named_in_its_export(database: Database) -> None:
    for number in range(3):
        database.ask(pattern=f"ABC12{number}")
    seal_new(database.client(SEALER))
    database.client().command(
        "ALTER TABLE platestream.inquiry_log DELETE WHERE pattern = 'ABC121' SETTINGS mutations_sync = 2"
    )
    file = io.BytesIO()
    inquiry_export.write(database.client(SEALER), file)
    assert faults(file.getvalue().splitlines()) == ["line 2: seal 2: its inquiry was gone from the log"]


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (
            lambda one: [*one[:2], one[2].replace(b"mlee", b"jdoe"), *one[3:]],
            ["line 3: seal 3: the inquiry is not what was sealed"],
        ),
        (
            lambda one: [*one[:2], *one[3:]],
            [
                "line 3: seal 3 is missing or out of order (found 4)",
                "line 6: the head names seal 6 of 6, found 6 of 5",
            ],
        ),
        (
            lambda one: [*one[:2], one[1], *one[2:]],
            [
                "line 3: seal 3 is missing or out of order (found 2)",
                "line 8: the head names seal 6 of 6, found 6 of 7",
            ],
        ),
        (lambda one: one[:-1], ["line 6: the export ends without its head: it is cut off"]),
        (
            lambda one: [*one[:-2], one[-1]],
            ["line 6: the head names seal 6 of 6, found 5 of 5"],
        ),
        (lambda one: [*one[:2], b"{", *one[2:]], ["line 3: not a seal"]),
        (lambda one: [*one, one[-2]], ["line 8: behind the end of the export"]),
        (lambda one: one[1:], ["line 1: seal 1 is missing or out of order (found 2)"]),
        (lambda _one: [], ["line 0: the export ends without its head: it is cut off"]),
    ],
)
def test_what_was_changed_removed_added_or_cut_off_is_found_and_placed(
    forge: Callable[[list[bytes]], list[bytes]], expected: list[str]
) -> None:
    found = faults(forge(WHOLE))
    assert set(expected) <= set(found)


def test_a_forged_end_is_told_by_a_head_that_was_noted() -> None:
    shorter = exported(COUNT - 1)
    assert faults(shorter) == [], "nothing in the file tells of it"
    assert faults(shorter, HEAD) == ["line 6: ends at seal 5, though seal 6 was noted: the tail is cut off"]
    other = exported(COUNT, who="jdoe")
    assert faults(other) == []
    assert faults(other, HEAD) == ["line 6: seal 6 is not the one that was noted"]
    assert faults(WHOLE, HEAD) == []
    assert faults(exported(COUNT + 2), HEAD) == [], "a log goes on"


def test_a_beginning_that_is_7_years_old_may_have_expired() -> None:
    later = NOW + timedelta(days=7 * 365)
    assert list(inquiry_export.verify(exported()[1:], later)) == [
        "line 6: the head names seal 6 of 6, found 6 of 5"
    ]


def test_seals_of_before_later_fields_were_there_have_the_same_hash_still() -> None:
    assert msgspec.json.decode(INQUIRY.to_json()).keys().isdisjoint({"within_s", "purpose", "requester"})


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_single_byte_can_be_changed_unnoticed(data: st.DataObject) -> None:
    text = b"\n".join(WHOLE)
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(32, 126).filter(lambda one: one != text[place]))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    assert faults(changed.split(b"\n"))
