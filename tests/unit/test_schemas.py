import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from docs.generators.catalogue import RECORDS, example, json_schema
from platestream.schemas.fields import Record
from platestream.schemas.frame import Frame
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import Message, RefusedError

NAMES = sorted(RECORDS)
WHOLE = [name for name in NAMES if name != "frame"]


def record(name: str) -> type[Record]:
    kind = RECORDS[name]
    assert issubclass(kind, Record)
    return kind


@pytest.mark.parametrize("name", WHOLE)
def test_the_accepted_example_is_read_and_written_back_the_same(name: str) -> None:
    read = record(name).from_json(bytes(example(name).accepted))
    assert record(name).from_json(read.to_json()) == read


@pytest.mark.parametrize("name", WHOLE)
def test_the_refused_example_is_refused_with_the_field_named(name: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        record(name).from_json(bytes(example(name).refused))
    assert example(name).because in str(refusal.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_accepted_example_is_valid_by_the_exported_json_schema(name: str) -> None:
    jsonschema.validate(json.loads(bytes(example(name).accepted)), json_schema(name))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("junk", [None, b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"schema": "other/1"}'])
def test_junk_is_refused_and_never_repeated_in_the_refusal(name: str, junk: bytes | None) -> None:
    with pytest.raises(RefusedError):
        record(name).from_json(junk)


def frame_message(**changes: str | None) -> Message:
    headers = {**json.loads(bytes(example("frame").accepted)), **changes}
    return Message(b"cam", b"jpeg", {name: text for name, text in headers.items() if text is not None})


def test_a_frame_keeps_what_the_camera_knows_of_the_vehicle() -> None:
    frame = Frame.from_message(frame_message(**{"vehicle-make": "Ford", "vehicle-sticker": "moose"}))
    assert (frame.vehicle.make, frame.vehicle.other) == ("Ford", {"sticker": "moose"})


def test_a_frame_time_with_an_offset_becomes_utc() -> None:
    frame = Frame.from_message(frame_message(**{"captured-at": "2026-11-24T08:04:05-07:00"}))
    assert frame.captured_at == datetime(2026, 11, 24, 15, 4, 5, tzinfo=UTC)
    assert frame.captured_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("captured-at", None),
        ("captured-at", "yesterday"),
        ("captured-at", "2026-11-24T08:04:05"),
        ("latitude", "91"),
        ("longitude", "x"),
        ("camera-id", ""),
    ],
)
def test_a_wrong_header_is_named(header: str, value: str | None) -> None:
    with pytest.raises(RefusedError, match=header):
        Frame.from_message(frame_message(**{header: value}))


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(RefusedError, match="without a picture"):
        Frame.from_message(Message(b"cam", b""))


def test_a_hot_list_removal_needs_only_its_key() -> None:
    assert HotListChange.from_message(Message(b"sjpd:1", None)).entry is None


def test_a_hot_list_entry_under_another_key_is_refused() -> None:
    value = bytes(example("hotlist_entry").accepted)
    with pytest.raises(RefusedError, match="entry_id"):
        HotListChange.from_message(Message(b"sjpd:other", value))


def test_a_listed_change_survives_its_message() -> None:
    entry = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))
    change = HotListChange(entry.entry_id, entry)
    assert HotListChange.from_message(change.to_message()) == change
