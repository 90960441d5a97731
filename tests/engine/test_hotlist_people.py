"""What people do with the hot list, through the door: who may, what must be told, what is on record."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.access import registry
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.changelog import publish
from platestream.hotlist import entries
from platestream.hotlist.feed import Feed, FeedImport, open_job
from platestream.hotlist.files.formats import parser
from platestream.hotlist.intake import Imported, import_file
from platestream.hotlist.list_changes import listed
from platestream.hotlist.origin import Delivery
from platestream.schemas import topics
from platestream.schemas.acts import Role
from platestream.schemas.hotlist import OWN_MUST_HAVE, HotListChange
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
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


def load(door: Door, content: bytes, *, force: str = "", source: str = "sjpd") -> Imported:
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


def test_what_a_person_enters_needs_all_of_section_h_whatever_its_source(
    door: Door, database: Database
) -> None:
    for field, source in zip([*OWN_MUST_HAVE, "expires_at"], cycle(["sjpd", "ncic", "mvd"]), strict=False):
        with pytest.raises(RefusedError, match=rf"needs {field} \(order, section H\)"):
            entries.add(door, source, {**TOLD, field: " "}, NOW)
        row = rows(database, "hotlist_add")[-1]
        assert row[:3] == ("refused", "vale", f"{source}:26-1")
        assert "section H" in row[4]
    assert listed(door.streams) == {}
    assert database.rows("SELECT count() FROM platestream.inquiry_log WHERE kind = 'search'") == [(0,)]


def test_a_file_of_another_agency_need_not_have_them(door: Door, tmp_path: Path) -> None:
    content = b"reference,plate,category\n1,AST3087,stolen_vehicle\n"
    folder = Folder(door, tmp_path / "lists")
    (folder.place / "list.csv").write_bytes(content)
    made = folder.look(60)
    assert made is not None
    assert len(made.plan.changed) == 1


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


def test_an_empty_or_damaged_file_changes_nothing_and_the_refusal_is_on_record(
    door: Door, database: Database
) -> None:
    load(door, file("1", "2"))
    before = listed(door.streams)
    damaged = [b"", HEAD.encode(), file(), file(bad=2), file(bad=1), file("1", bad=2)]
    for count, content in enumerate(damaged, 1):
        with pytest.raises(RefusedError):
            load(door, content)
        assert listed(door.streams) == before
        refused = [one[:3] for one in rows(database, "hotlist_import") if one[0] == "refused"]
        assert refused == [("refused", "vale", "sjpd: import")] * count


def test_two_bad_of_42_lines_are_over_two_percent(door: Door) -> None:
    with pytest.raises(RefusedError, match="2 of 42 lines are bad, over 2%: nothing was changed"):
        load(door, file(*map(str, range(40)), bad=2))


WHY = "The state police ended this list, case closed"


def test_a_forced_import_is_an_act_of_its_own_with_its_reason_on_record(
    door: Door, database: Database
) -> None:
    load(door, file("1", "2"))
    load(door, file(), force=WHY)
    assert listed(door.streams) == {}
    outcome, who, about, change, _refusal = rows(database, "hotlist_force")[0]
    assert (outcome, who, about) == ("allowed", "vale", "sjpd: import")
    assert "though none of its 0 lines is an entry" in change
    result = "SELECT DISTINCT reason FROM platestream.inquiry_log WHERE kind = 'hotlist_force'"
    assert database.rows(result) == [(WHY,)]


def test_a_reason_that_says_nothing_forces_no_file(door: Door, database: Database) -> None:
    load(door, file("1", "2"))
    before = listed(door.streams)
    for reason in ("x", "asdf", "1234567"):
        with pytest.raises(RefusedInquiry):
            load(door, file(), force=reason)
    assert listed(door.streams) == before
    assert [row[0] for row in rows(database, "hotlist_force")] == ["refused"] * 3


@pytest.mark.parametrize("role", ["supervisor", "officer", "analyst"])
def test_whoever_is_not_the_administrator_forces_no_file(door: Door, database: Database, role: Role) -> None:
    load(door, file("1", "2"))
    before = listed(door.streams)
    staffed(database, person("other", role))
    other = door_of(database, "other")
    for content in (file(), HEAD.encode(), b""):
        with pytest.raises((RefusedInquiry, RefusedError)):
            load(other, content, force=WHY)
    assert listed(other.streams) == before
    assert {row[0] for row in rows(database, "hotlist_force") + rows(database, "hotlist_import")[1:]} >= {
        "refused"
    }


def test_the_machine_forces_no_file(door: Door, database: Database) -> None:
    load(door, file("1", "2"))
    with pytest.raises(RefusedError, match="people enter it"):
        load(open_job(door, "ncic"), file(), force=WHY)
    assert len(listed(door.streams)) == 2


def test_a_file_that_is_sound_is_a_plain_import_whatever_force_says(door: Door, database: Database) -> None:
    load(door, file("1", "2"), force=WHY)
    assert rows(database, "hotlist_force") == []
    assert rows(database, "hotlist_import")[0][0] == "allowed"


class Folder:
    """A folder that files come to, and the job that looks there `at` seconds from now."""

    def __init__(self, door: Door, place: Path) -> None:
        place.mkdir()
        self.place, self.door = place, open_job(door, "mvd")
        self.job = FeedImport(Feed(place, "mvd", parser("csv")))
        feed = RegistryRecord(kind="hotlist_source", id="mvd", name="MVD")
        feed = msgspec.structs.replace(feed, feed_place=str(place), feed_layout="csv")
        registry.designate(door, feed, datetime.now(UTC))

    def look(self, seconds: float) -> Imported | None:
        return self.job.import_new(self.door, datetime.now(UTC) + timedelta(seconds=seconds))


def test_new_files_of_a_folder_are_imported_by_the_machine_each_once(
    door: Door, database: Database, tmp_path: Path
) -> None:
    folder = Folder(door, tmp_path / "lists")
    assert folder.look(60) is None
    (folder.place / "monday.csv").write_bytes(file("1", "2"))
    (folder.place / ".tuesday.csv").write_bytes(file("1"))
    assert folder.look(0) is None, "it may still be being written"
    first = folder.look(60)
    assert first is not None
    assert len(first.plan.changed) == 2
    assert folder.look(120) is None
    again = FeedImport(Feed(folder.place, "mvd", parser("csv")))
    assert again.import_new(folder.door, datetime.now(UTC) + timedelta(seconds=180)) is None, "a restart"
    log = (
        "SELECT DISTINCT who, automatic FROM platestream.inquiry_log WHERE kind = 'hotlist_import' ORDER BY 1"
    )
    assert database.rows(log) == [("hotlist", True), ("vale", False)], "the job, and its start"


def test_a_header_alone_that_comes_by_itself_changes_nothing_and_the_next_file_is_taken(
    door: Door, database: Database, tmp_path: Path
) -> None:
    folder = Folder(door, tmp_path / "lists")
    (folder.place / "list.csv").write_bytes(file("1", "2"))
    with (folder.place / "list.csv").open("rb") as first:
        brought = Delivery(place=folder.place)
        import_file(folder.door, first, "list.csv", "mvd", parser("csv"), NOW, brought=brought)
    (folder.place / "list.csv").write_bytes(HEAD.encode())
    with pytest.raises(RefusedError, match="nothing was changed"):
        folder.look(20)
    assert rows(database, "hotlist_import")[-1][:2] == ("refused", "hotlist")
    assert folder.look(40) is None, "tried once"
    assert len(listed(door.streams)) == 2
    (folder.place / "list.csv").write_bytes(file("2", "3"))
    assert folder.look(60) is not None
    assert set(listed(door.streams)) == {"mvd:2", "mvd:3"}


def test_the_untrained_import_nothing_by_force(door: Door, database: Database) -> None:
    load(door, file("1", "2"))
    with pytest.raises(RefusedInquiry, match="training"):
        load(door_of(database, "untrained"), file(), force=WHY)
    assert len(listed(door.streams)) == 2


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
