"""Plates with letters that look like ours: without these they would be the plate of somebody else."""

from datetime import timedelta

import pytest

from platestream.hotlist.entry import make_entry
from platestream.inquiries.search import SearchRequest, search
from platestream.schemas import plates
from platestream.schemas.message import RefusedError
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hotlist_samples import ENTRY_FIELDS

OTHERS = ("\u0410BC123", "ABC12\u0663", "A\u00dfC12", "AB\u0131123")
SAME = {"\u00c4BC 123": "ABC123", "\uff21BC-12\uff13": "ABC123", "A\u200bB\u0301C123": "ABC123"}


@pytest.mark.parametrize("plate", OTHERS, ids=ascii)
def test_no_other_vehicle_is_listed_for_a_letter_of_another_alphabet(plate: str) -> None:
    with pytest.raises(RefusedError, match=r"none of A to Z \(U\+"):
        make_entry("sjpd", {**ENTRY_FIELDS, "plate": plate, "expires_at": str((NOW + timedelta(9)).date())})


@pytest.mark.parametrize("plate", SAME, ids=ascii)
def test_accents_and_other_widths_are_the_same_plate(plate: str) -> None:
    fields = {**ENTRY_FIELDS, "plate": plate, "expires_at": str((NOW + timedelta(9)).date())}
    assert make_entry("sjpd", fields).plate == SAME[plate] == plates.pattern(plate)


def test_no_other_vehicle_is_searched_either(database: Database) -> None:
    staffed(database, person("vale", "officer"))
    for plate in OTHERS:
        with pytest.raises(Exception, match="pattern not searchable"):
            search(door_of(database), SearchRequest("search", plates.pattern(plate)), case_number="26-001234")
    assert database.value("SELECT count() FROM platestream.inquiry_log WHERE outcome = 'allowed'") == 0
