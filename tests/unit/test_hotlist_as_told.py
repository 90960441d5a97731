"""An entry as the text that makes it."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from platestream.hotlist.entry import make_entry, to_fields
from platestream.schemas.message import RefusedError

PHOENIX = ZoneInfo("America/Phoenix")
TOLD = {
    **{"reference": "26:1/x", "plate": "AB?12*", "state": "AZ", "category": "suspect_vehicle"},
    **{"case_number": "26-1", "reason": "Seen; twice", "requested_by": "Vale", "contact": "928"},
    **{
        "instructions": "P/C for arrest",
        "other": "o",
        "expires_at": "2026-12-31",
        "valid_from": "2026-12-01",
    },
    **{"make": "Ford", "model": "F150", "colour": "red", "body": "pickup", "marks": "a=1; b=2"},
    **{"cameras": "n 1; s", "areas": "34.5 -109.4 800.0; 34.25 -109.0 50.5", "silenced_for": "x"},
    **{"hours": "mon tue 22:00-06:00; 01:00-02:00", "look_alikes": "0", "again_after_s": "0"},
}


def test_text_makes_the_entry_that_it_is_the_text_of() -> None:
    assert to_fields(make_entry("sjpd", TOLD, PHOENIX), PHOENIX) == TOLD


def test_a_time_within_a_day_stays_a_time() -> None:
    entry = make_entry("sjpd", {**TOLD, "expires_at": "2026-12-31T10:00:00-07:00"}, PHOENIX)
    assert to_fields(entry, PHOENIX)["expires_at"] == "2026-12-31T10:00:00-07:00"


@pytest.mark.parametrize(
    "other", [{"hours": [{"start": "01:00", "end": "02:00"}]}, {"vehicle": {"other": {"a": "1; b"}}}]
)
def test_what_text_cannot_say_is_refused_and_not_lost(other: dict[str, object]) -> None:
    entry = make_entry("sjpd", TOLD, PHOENIX)
    wider = msgspec.convert({**msgspec.to_builtins(entry), **other}, type(entry))
    with pytest.raises(RefusedError, match="what a form cannot hold"):
        to_fields(wider, PHOENIX)
