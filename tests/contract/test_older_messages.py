"""Messages of older releases are read for ever, and those of newer ones where they only add.

`messages.jsonl` has each accepted example that was ever published, in the order of its time. An example that
changes is put there, too; a line is never taken out: topics keep messages for years, and a hot list for good.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from docs.generators.catalogue import RECORDS, example
from platestream.schemas.fields import Record
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import RefusedError

KEPT = Path(__file__).parent / "messages.jsonl"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+")
STRICT = {"sealed_inquiry"}
"""A seal is of all fields: one that is not known here makes it another."""


class Kept(NamedTuple):
    record: str
    value: dict[str, Any]


def kept() -> Iterator[Kept]:
    for line in KEPT.read_text("utf-8").splitlines():
        yield Kept(**json.loads(line))


def read(name: str, value: dict[str, Any]) -> Record:
    kind = RECORDS[name]
    assert issubclass(kind, Record)
    return kind.from_json(json.dumps(value).encode())


def holds(whole: Any, part: Any) -> bool:
    """Whether all of `part` is in `whole`, field by field."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(holds(whole.get(name), more) for name, more in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part) or (TIME.fullmatch(str(part)) is not None and moment(whole) == moment(part))


def moment(result: object) -> datetime:
    return datetime.fromisoformat(str(result))


@pytest.mark.parametrize("message", list(kept()), ids=lambda message: message.record)
def test_each_is_read_with_every_field_that_it_has(message: Kept) -> None:
    assert holds(json.loads(read(*message).to_json()), message.value)


@pytest.mark.parametrize("message", list(kept()), ids=lambda message: message.record)
def test_a_field_that_a_newer_release_added_is_ignored(message: Kept) -> None:
    newer = {**message.value, "added_later": {"of": [1, 2]}}
    if message.record in STRICT:
        with pytest.raises(RefusedError, match="added_later"):
            read(message.record, newer)
    else:
        assert read(message.record, newer) == read(*message)


@pytest.mark.parametrize("message", list(kept()), ids=lambda message: message.record)
def test_a_version_that_is_not_known_is_refused(message: Kept) -> None:
    newer = {**message.value, "schema": f"{message.record}/9"}
    with pytest.raises(RefusedError) as refused:
        read(message.record, newer)
    assert refused.value.reason == "schema"


def test_an_inquiry_in_a_seal_with_a_field_that_is_not_known_is_refused_and_not_called_altered() -> None:
    value = json.loads(bytes(example("sealed_inquiry").accepted))
    value["inquiry"]["added_later"] = "x"
    with pytest.raises(RefusedError, match="added_later"):
        SealedInquiry.from_json(json.dumps(value).encode())


@pytest.mark.parametrize("name", sorted(set(RECORDS) - {"frame"}))
def test_the_present_example_of_each_record_is_among_them(name: str) -> None:
    accepted = json.loads(bytes(example(name).accepted))
    line = json.dumps({"record": name, "value": accepted}, separators=(",", ":"), ensure_ascii=False)
    assert line in KEPT.read_text("utf-8").splitlines(), f"put it at the end of {KEPT.name}"
