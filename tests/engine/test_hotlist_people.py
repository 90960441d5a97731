"""What people do with the hot list, through the door: who may, what must be told, what is on record."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.changelog import publish
from schemas import topics
from schemas.hotlist import OWN_MUST_HAVE, HotListChange
from schemas.message import RefusedError
from services.door import Door
from services.hotlist import entries
from services.hotlist.files.formats import parser
from services.hotlist.importing import listed
from services.hotlist.intake import Imported, import_file
from services.inquiries.gate import RefusedInquiry
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed

EXPIRES = f"{NOW + timedelta(days=20):%Y-%m-%d}"
TOLD = {
    **{"reference": "26-1", "plate": "ast-3087", "state": "AZ", "category": "stolen_vehicle"},
    **{"case_number": "26-001234", "reason": "Stolen from 1st West", "requested_by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest", "expires_at": EXPIRES},
}
HEAD = ",".join(TOLD)


def rows(database: Database, kind: str) -> list[Any]:
    return database.rows(
        "SELECT outcome, who, other, change, refusal FROM platestream.inquiry_log "
        f"WHERE kind = '{kind}' ORDER BY at"
    )


@pytest.fixture
def door(database: Database) -> Door:
    staffed(database, person(), person("untrained", trained=NOW - timedelta(days=900)))
    return door_of(database)


def file(*references: str, bad: int = 0) -> bytes:
    lines = [",".join({**TOLD, "reference": name}.values()) for name in references]
    return "\n".join([HEAD, *lines, *["?"] * bad, ""]).encode()


def load(door: Door, content: bytes, *, force: bool = False, source: str = "sjpd") -> Imported:
    return import_file(door, io.BytesIO(content), "list.csv", source, parser("csv"), NOW, force=force)


@pytest.mark.parametrize("who", ["stranger", "untrained"])
def test_whoever_is_not_registered_and_trained_does_nothing_with_the_hot_list(
    door: Door, database: Database, who: str
) -> None:
    entries.add(door, "sjpd", TOLD, NOW)
    other, before = door_of(database, who), listed(door.streams)
    acts: dict[str, Callable[[], object]] = {
        "hotlist_add": lambda: entries.add(other, "sjpd", {**TOLD, "reference": "26-2"}, NOW),
        "hotlist_remove": lambda: entries.remove(other, "sjpd:26-1"),
        "hotlist_show": lambda: entries.show(other),
        "hotlist_import": lambda: load(other, file("1"), source="ncic"),
    }
    for kind, act in acts.items():
        with pytest.raises(RefusedInquiry):
            act()
        assert rows(database, kind)[-1][:2] == ("refused", who)
    with pytest.raises(RefusedInquiry):
        entries.check(other, NOW)
    assert listed(door.streams) == before


@pytest.mark.parametrize("source", ["sjpd", "ncic", "bolo", "mvd"])
@pytest.mark.parametrize("field", [*OWN_MUST_HAVE, "expires_at"])
def test_what_a_person_enters_needs_all_of_section_h_whatever_its_source(
    door: Door, database: Database, source: str, field: str
) -> None:
    with pytest.raises(RefusedError, match=rf"needs {field} \(order, section H\)"):
        entries.add(door, source, {**TOLD, field: " "}, NOW)
    assert listed(door.streams) == {}
    (row,) = rows(database, "hotlist_add")
    assert row[:3] == ("refused", "vale", f"{source}:26-1")
    assert "section H" in row[4]
    assert database.rows("SELECT count() FROM platestream.inquiry_log WHERE kind = 'search'") == [(0,)]


def test_a_file_of_another_agency_need_not_have_them(door: Door) -> None:
    content = b"reference,plate,category\n1,AST3087,stolen_vehicle\n"
    assert len(load(door, content, source="ncic").plan.changed) == 1


def test_an_entry_is_added_changed_and_removed_and_each_is_on_record_without_its_plate(
    door: Door, database: Database
) -> None:
    added = entries.add(door, "sjpd", TOLD, NOW)
    assert (added.entry.plate, added.historical_hits) == ("AST3087", 0)
    assert entries.add(door, "sjpd", {**TOLD, "plate": "XYZ1234"}, NOW).historical_hits == 0
    assert [one.plate for one in entries.show(door, "sjpd")] == ["XYZ1234"]
    entries.remove(door, "sjpd:26-1")
    with pytest.raises(RefusedError, match="not on the list"):
        entries.remove(door, "sjpd:26-1")
    said = rows(database, "hotlist_add") + rows(database, "hotlist_remove")
    assert [row[0] for row in said] == ["allowed", "allowed", "allowed", "refused"]
    assert "added" in said[0][3]
    assert "plate changed" in said[1][3]
    assert "removed" in said[2][3]
    assert "AST3087" not in str(said) + str(
        database.rows("SELECT reason, change FROM platestream.inquiry_log")
    )


@pytest.mark.parametrize("content", [b"", HEAD.encode(), file(), file(bad=2), file(bad=1), file("1", bad=2)])
def test_an_empty_or_damaged_file_changes_nothing_and_the_refusal_is_on_record(
    door: Door, database: Database, content: bytes
) -> None:
    load(door, file("1", "2"))
    before = listed(door.streams)
    with pytest.raises(RefusedError):
        load(door, content)
    assert listed(door.streams) == before
    assert rows(database, "hotlist_import")[-1][:3] == ("refused", "vale", "sjpd: import")


def test_two_bad_of_42_lines_are_over_two_percent(door: Door) -> None:
    with pytest.raises(RefusedError, match="2 of 42 lines are bad, over 2%: nothing was changed"):
        load(door, file(*map(str, range(40)), bad=2))


def test_a_forced_import_is_done_and_on_record_as_forced(door: Door, database: Database) -> None:
    load(door, file("1", "2"))
    load(door, file(), force=True)
    assert listed(door.streams) == {}
    said = [row for row in rows(database, "hotlist_import") if "FORCED" in row[3]]
    assert len(said) == 1
    assert "though none of its 0 lines is an entry" in said[0][3]


def test_a_date_ends_at_the_end_of_that_day_where_the_agency_is(door: Door) -> None:
    ends = entries.add(door, "sjpd", TOLD, NOW).entry.expires_at
    day = datetime.fromisoformat(EXPIRES).replace(tzinfo=UTC)
    assert ends.astimezone(UTC) == day + timedelta(days=1, hours=7, seconds=-1), "Phoenix is 7 h behind UTC"


def test_one_entry_is_found_without_decoding_the_others(door: Door) -> None:
    entries.add(door, "sjpd", TOLD, NOW)
    publish(door.streams, topics.HOTLIST, [HotListChange("sjpd:x", _Unreadable())])  # type: ignore[arg-type]
    found = entries.find(door.streams, "sjpd:26-1")
    assert found is not None
    assert found.plate == "AST3087"


class _Unreadable:
    def to_json(self) -> bytes:
        return b"no entry"
