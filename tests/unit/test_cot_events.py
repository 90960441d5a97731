"""Events of Cursor on Target, as the public schema of MITRE (`Event.xsd`) has them."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.notifications.channels.cot import event
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.rules import parse_rules
from platestream.schemas.alert_hit import AlertHit

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
NOW = datetime(2026, 11, 24, 15, 4, 10, 123456, tzinfo=UTC)
RULES = """[[receivers]]
name = "tak"
cot = "cot+tls://tak.example"
purpose = "map"
shows = "plate"
"""


def letter(other: str = "", place: str = "White Mountain Drive") -> Notice:
    by = parse_rules(RULES)
    entry = msgspec.structs.replace(FOUND.entry, other=other)
    return notice(msgspec.structs.replace(FOUND, entry=entry), by.receivers[0], by, place, NOW)


def test_an_event_has_what_the_schema_requires() -> None:
    one = ElementTree.fromstring(event(letter(), NOW))
    assert set(one.attrib) == {"version", "uid", "type", "how", "time", "start", "stale"}
    assert (one.get("version"), one.get("type"), one.get("how")) == ("2.0", "a-u-G-E-V", "m-f")
    assert (one.get("time"), one.get("stale")) == ("2026-11-24T15:04:10.123Z", "2026-11-24T15:14:10.123Z")
    assert [child.tag for child in one] == ["point", "detail"]
    assert set(one[0].attrib) == {"lat", "lon", "hae", "ce", "le"}


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_of_an_entry_or_a_camera_breaks_or_forges_an_event(other: str, place: str) -> None:
    one = ElementTree.fromstring(event(letter(other, place), NOW))
    assert [child.tag for child in one.iter()] == ["event", "point", "detail", "contact", "remarks"]


def test_a_test_is_a_ping_and_no_vehicle() -> None:
    sent = msgspec.structs.replace(letter(), body=b'{"schema":"notification_test/1"}')
    assert ElementTree.fromstring(event(sent, NOW)).get("type") == "t-x-c-t"
