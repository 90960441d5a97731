import calendar
import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.door import Door
from platestream.access.profiles import load
from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import filing
from platestream.audit.yearly import findings as judging
from platestream.audit.yearly import memo as memos
from platestream.audit.yearly.filing import pdf
from platestream.audit.yearly.memo_text import markdown
from platestream.edges.clickhouse_client import ACCESS_DENIED, AUDITOR, DOOR, SEALER, DatabaseError, run
from platestream.edges.inquiry_log import seal_new
from platestream.ledger import store as ledger
from platestream.schemas.gate_rules import of_profile
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.tables import REGISTRY
from platestream.transparency_log.log_integrity import verify
from tests.support.agency import set_rules
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person

AUDIT = "auditor"
YEAR = (NOW + timedelta(minutes=1)).year
_MARKED = "SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = 108"


ZONE = ZoneInfo("America/Phoenix")
"""Zone of the order's agency."""


def months_before(at: datetime, months: int) -> datetime:
    """Return the same day and time in the agency's zone some months earlier, or the last day."""
    local = at.astimezone(ZONE)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))


def draw(database: Database, *, after: timedelta = timedelta(minutes=1)) -> tuple[LedgerEntry, drawing.Draw]:
    at = datetime.now(UTC) + after
    drawing.draw(door_of(database, AUDIT), at.year, at, again="A rehearsal")
    return drawing.draws(database.client(AUDITOR))[-1]


def judge(database: Database, number: int, inquiry: UUID, *, meets: bool = True, **changes: str) -> None:
    found = judging.Finding(draw=number, inquiry_id=inquiry, meets=meets, **changes)
    judging.record_finding(door_of(database, AUDIT), found)


def use(database: Database, days: int) -> None:
    database.client().command(
        "INSERT INTO platestream.utilization (day, camera_id, passes, hits, verified, acted_on)"
        " SELECT today() - number - 1, 'cam', 1000 + number, 4, 3, 1 FROM numbers({days:UInt32})",
        parameters={"days": days},
    )


def test_at_least_ten_inquiries_of_six_months_are_drawn_with_a_recorded_seed(database: Database) -> None:
    asked = set(database.ask_all(30, reason="Stolen vehicle number {}".format))
    database.ask(reason="")
    use(database, 40)
    _entry, drawn = draw(database)
    assert (drawn.population, len(drawn.inquiries)) == (30, 10), "what was refused looked at nothing"
    assert set(drawn.inquiries) <= asked
    assert (drawn.use_population, len(drawn.use)) == (40, 10)
    assert len(bytes.fromhex(drawn.seed)) == 32
    assert drawn.inquiries_since == months_before(drawn.inquiries_until, 6)


def test_anyone_can_draw_again_with_a_hash_function_and_nothing_of_ours(database: Database) -> None:
    asked = database.ask_all(30, reason="Stolen vehicle number {}".format)
    _entry, drawn = draw(database)
    ranked = sorted(asked, key=lambda one: hashlib.sha256(f"{drawn.seed}:{one}".encode()).hexdigest())
    assert drawn.inquiries == ranked[:10]
    lines = "".join(f"{one}\n" for one in sorted(str(one) for one in asked))
    assert drawn.population_sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert drawing.verify_draw(database.client(AUDITOR), drawn) == []


def test_pictures_and_hits_that_are_opened_do_not_crowd_out_searches(database: Database) -> None:
    searched = set(database.ask_all(11, reason="Stolen vehicle number {}".format))
    pictures: dict[str, Any] = {"kind": "picture", "pattern": "", "other": lambda _number: str(uuid4())}
    opened = set(database.ask_all(20, **pictures, reason="Stolen vehicle number {}".format))
    entry, drawn = draw(database)
    assert (drawn.population, drawn.searches) == (31, 11)
    assert len(searched & set(drawn.inquiries)) == 10
    assert len(opened & set(drawn.inquiries)) == len(drawn.openings) == 5
    assert drawing.verify_draw(database.client(AUDITOR), drawn) == []
    swapped = msgspec.structs.replace(drawn, openings=sorted(opened - set(drawn.openings))[:5])
    assert drawing.verify_draw(database.client(AUDITOR), swapped)
    for one in drawn.inquiries:
        judge(database, entry.number, one)
    text = markdown(composed(door_of(database, "chief"), entry.number))
    assert "10 were drawn from 11 searches, 5 from 20 openings of a picture or a hit." in text
    assert f"({AUDIT})" not in text, "the name is not registered"
    assert re.search(rf"FROM.*, {AUDIT}\b", text), "not whoever reads it"
    assert not re.search(r"FROM.*chief", text)


def test_hits_that_are_looked_up_by_a_plate_are_drawn_as_searches(database: Database) -> None:
    """The auditor's role reads that a plate was named, and not which."""
    named = {
        database.ask(kind="hits", pattern=plate, reason=f"Stolen vehicle {plate}")
        for plate in ("ABC*", "8BV4417")
    }
    opened = {
        database.ask(kind="hits", pattern=none, reason=f"Alert hits of my shift {n}")
        for n, none in enumerate(("", "*", "**"))
    }
    _entry, drawn = draw(database)
    client = database.client(AUDITOR)
    assert drawn.by_plate
    assert (drawn.population, drawn.searches) == (5, 2)
    assert set(drawn.openings) == opened
    assert set(drawn.inquiries[:2]) == named
    assert drawing.verify_draw(client, drawn) == []
    with pytest.raises(DatabaseError) as refused:
        run("reading patterns", lambda: client.query("SELECT pattern FROM platestream.inquiry_log"))
    assert refused.value.code == ACCESS_DENIED
    other = msgspec.structs.replace(drawn, by_plate=False)
    assert drawing.verify_draw(client, other), "by another rule it is another draw"


def test_a_draw_before_plates_counted_is_repeated_by_its_own_rule(database: Database) -> None:
    searched = set(database.ask_all(3, reason="Stolen vehicle number {}".format))
    opened = set(database.ask_all(4, kind="hits", pattern="ABC*", reason="Stolen vehicle number {}".format))
    _entry, drawn = draw(database)
    seed = drawn.seed
    ranked = sorted(opened, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).hexdigest())
    old = msgspec.structs.replace(
        drawn,
        searches=3,
        openings=ranked,
        by_plate=False,
        inquiries=[*drawing.choose(searched, seed, 10), *ranked],
    )
    assert drawing.verify_draw(database.client(AUDITOR), old) == []
    stored = msgspec.json.decode(
        msgspec.json.encode(old).replace(b',"by_plate":false', b""), type=drawing.Draw
    )
    assert stored == old, "its record has no such field"


@given(st.sets(st.uuids(), max_size=30), st.sets(st.uuids(), max_size=30), st.integers(1, 20))
def test_as_many_are_drawn_as_there_are_up_to_the_number_asked_for(
    searches: set[UUID], openings: set[UUID], count: int
) -> None:
    chosen, opened = drawing.choose_both(searches, openings - searches, "seed", count)
    assert len(chosen) == min(count, len(searches))
    assert len(chosen) + len(opened) >= min(count, len(searches | openings))


def test_a_draw_of_an_earlier_release_is_repeated_as_it_was_made(database: Database) -> None:
    database.ask_all(12, reason="Stolen vehicle number {}".format)
    pictures: dict[str, Any] = {"kind": "picture", "pattern": "", "other": lambda _number: str(uuid4())}
    database.ask_all(12, **pictures, reason="Stolen vehicle number {}".format)
    _entry, drawn = draw(database)
    population = drawing.inquiries_between(
        database.client(AUDITOR), drawn.inquiries_since, drawn.inquiries_until
    )
    old = msgspec.structs.replace(
        drawn, searches=None, openings=[], inquiries=drawing.choose(population, drawn.seed, 10)
    )
    assert drawing.verify_draw(database.client(AUDITOR), old) == []


@given(st.sets(st.uuids(), min_size=1, max_size=60), st.binary(min_size=32, max_size=32))
def test_a_draw_is_a_sample_without_repetition_and_depends_on_the_seed_alone(
    population: set[UUID], seed: bytes
) -> None:
    drawn = drawing.choose(population, seed.hex(), 10)
    assert len(drawn) == len(set(drawn)) == min(10, len(population))
    assert drawn == drawing.choose(sorted(population, reverse=True), seed.hex(), 10)


def test_every_inquiry_is_as_likely_as_any_other() -> None:
    population = [UUID(int=n) for n in range(20)]
    counts = dict.fromkeys(population, 0)
    for seed in range(2000):
        for one in drawing.choose(population, str(seed), 10):
            counts[one] += 1
    assert 900 < min(counts.values()) <= max(counts.values()) < 1100, "1000 expected, 5 deviations are 112"


def test_another_draw_leaves_the_first_and_both_are_in_the_inquiry_log(database: Database) -> None:
    database.ask()
    first, second = draw(database), draw(database)
    assert first[1].seed != second[1].seed
    assert [entry.number for entry, _drawn in drawing.draws(database.client(AUDITOR), YEAR)] == [1, 2]
    logged = database.rows("SELECT other FROM platestream.inquiry_log WHERE kind = 'audit_draw' ORDER BY at")
    assert [row[0] for row in logged] == [first[0].hash, second[0].hash]


def test_a_draw_that_is_taken_away_is_missed(database: Database) -> None:
    database.ask()
    draw(database)
    draw(database)
    for number in (2, 1):
        database.client().command(
            f"ALTER TABLE platestream.ledger DELETE WHERE number = {number}", settings={"mutations_sync": 2}
        )
        faults = ledger.verify(database.client(AUDITOR))
        assert any("in the inquiry log, not in the ledger" in fault for fault in faults)


def test_a_log_that_lost_an_inquiry_gives_another_draw_and_that_is_said(database: Database) -> None:
    asked = database.ask_all(12, reason="Stolen vehicle number {}".format)
    _entry, drawn = draw(database)
    database.client().command(
        "ALTER TABLE platestream.inquiry_log DELETE WHERE inquiry_id = {one:UUID}",
        parameters={"one": asked[0]},
        settings={"mutations_sync": 2},
    )
    assert "11 inquiries, 12 drawn from" in drawing.verify_draw(database.client(AUDITOR), drawn)[0]


def test_there_is_no_draw_from_nothing_and_no_finding_outside_of_a_draw(database: Database) -> None:
    with pytest.raises(drawing.TooSoon, match="nothing to draw from"):
        draw(database)
    database.ask()
    draw(database)
    with pytest.raises(drawing.TooSoon, match="is not in draw 1"):
        judge(database, 1, uuid4())
    with pytest.raises(drawing.TooSoon, match="no draw 7"):
        judge(database, 7, uuid4())


def test_an_inquiry_that_fails_needs_a_reason_and_a_correction_its_error() -> None:
    with pytest.raises(ValueError, match="needs a note"):
        judging.Finding(draw=1, inquiry_id=uuid4(), meets=False)
    with pytest.raises(ValueError, match="without the data error"):
        judging.Finding(draw=1, inquiry_id=uuid4(), meets=True, correction="done")


def test_the_memorandum_waits_for_every_finding_and_is_stored_with_its_hashes(
    database: Database, tmp_path: Path
) -> None:
    numbered: dict[str, Any] = {
        "reason": "Stolen vehicle | number {}".format,
        "case_number": "26-{:06}".format,
    }
    database.ask_all(12, **numbered)
    use(database, 12)
    entry, drawn = draw(database)
    client = database.client(AUDITOR)
    for number, inquiry in enumerate(drawn.inquiries):
        with pytest.raises(drawing.TooSoon, match="have no finding yet"):
            composed(door_of(database, AUDIT), entry.number)
        fields = {"note": "no such case", "data_error": "Case number mistyped", "correction": "Put right"}
        judge(database, entry.number, inquiry, meets=number > 0, **({} if number else fields))
    seal_new(database.client(SEALER))
    memo = composed(door_of(database, AUDIT), entry.number)
    assert memo.whole == []
    text, paper = markdown(memo), pdf(memo)
    for told_of in (
        *("TO:** Chief of Police", "9 of 10 inquiries meet", "1 does not", drawn.seed, entry.hash),
        *(
            "Case number mistyped",
            "Put right",
            "no such case",
            "Reviewed: Chief of Police",
            "no row was changed",
        ),
    ):
        assert told_of in text
    assert all(str(inquiry)[:8] in text for inquiry in drawn.inquiries)
    assert paper.startswith(b"%PDF")
    assert paper == pdf(memo), "the same memorandum makes the same bytes"

    filed = filing.file(door_of(database, AUDIT), entry.number, NOW, tmp_path)
    record = json.loads(filed.entry.record)
    assert (record["inquiries"], record["met"], record["data_errors"]) == (10, 9, 1)
    stored = dict(database.rows("SELECT name, lower(hex(sha256)) FROM platestream.documents"))
    assert stored[f"memorandum-{YEAR}-draw-1.pdf"] == record["pdf_sha256"]
    written = (tmp_path / f"alpr-audit-{YEAR}-draw-1.pdf").read_bytes()
    assert hashlib.sha256(written).hexdigest() == record["pdf_sha256"]
    assert stored[f"memorandum-{YEAR}-draw-1.md"] == record["markdown_sha256"]
    assert ledger.verify(client) == []


def test_the_memorandum_says_how_often_was_drawn_and_what_is_wrong_with_the_records(
    database: Database,
) -> None:
    inquiry = database.ask()
    draw(database)
    entry, _drawn = draw(database)
    judge(database, entry.number, inquiry)
    seal_new(database.client(SEALER))
    database.client().command(
        "ALTER TABLE platestream.inquiry_log UPDATE reason = 'other' WHERE kind = 'search'",
        settings={"mutations_sync": 2},
    )
    memo = composed(door_of(database, AUDIT), entry.number)
    text = markdown(memo)
    assert "| Draws for this year | 2: each is in the ledger" in text
    assert "faults were found in the records" in text
    assert "The policy asks for 10 inquiries; no more were made" in text


def test_a_profile_that_asks_for_a_certification_gets_one(database: Database) -> None:
    inquiry = database.ask()
    entry, _drawn = draw(database)
    judge(database, entry.number, inquiry)
    set_rules(database, of_profile("new-jersey", load("new-jersey")))
    text = markdown(composed(door_of(database, AUDIT), entry.number))
    assert "8. Certification" in text
    assert "revealed no misuse" in text


def test_use_is_drawn_by_day_and_camera_from_the_same_seed() -> None:
    days = [
        drawing.Use(
            day=date(2026, 1, 1) + timedelta(days=n),
            camera_id="cam",
            passes=1,
            hits=0,
            verified=0,
            acted_on=0,
        )
        for n in range(100)
    ]
    one, same, other = (drawing.choose_use(days, seed, 10) for seed in ("a", "a", "b"))
    assert one == same != other
    assert one == sorted(one, key=lambda use: use.day)


def composed(door: Door, number: int) -> memos.Memo:
    return memos.compose(door, door.enter("audit_show", f"draw {number}"), number, NOW)


def judged(database: Database, count: int = 3) -> int:
    """A draw whose inquiries all have a finding."""
    database.ask_all(count, reason="Stolen vehicle number {}".format)
    entry, drawn = draw(database)
    for inquiry in drawn.inquiries:
        judge(database, entry.number, inquiry)
    return entry.number


def refusals(database: Database, act: str) -> list[str]:
    sql = "SELECT refusal FROM platestream.inquiry_log WHERE kind = {act:String} AND outcome = 'refused'"
    return [row[0] for row in database.rows(sql, act=act)]


def test_only_browsing_inquiries_by_employees_are_drawn(database: Database) -> None:
    before = uuid4()
    old = {"inquiry_id": before, "at": database.value(_MARKED) - timedelta(seconds=1), "who": "vale"}
    old |= {"kind": "search", "outcome": "allowed", "tool": "platestream look-back"}
    database.client().insert("platestream.inquiry_log", [list(old.values())], column_names=list(old))
    employee = {database.ask(DOOR, on_behalf_of="vale"), database.ask(DOOR, kind="hits", on_behalf_of="vale")}
    database.ask_all(30, DOOR, automatic=True, on_behalf_of="look-back", set_off_by="vale")
    database.ask(DOOR, kind="hotlist_add", on_behalf_of="vale")
    after = database.ask(DOOR, tool="platestream look-back", on_behalf_of="vale")
    _entry, drawn = draw(database)
    assert set(drawn.inquiries) == {*employee, after}, (
        "a tool's name hides nobody once the log marks the machine"
    )
    assert drawing.verify_draw(database.client(AUDITOR), drawn) == []


def test_a_draw_is_of_the_year_that_was_asked_for(database: Database) -> None:
    database.ask()
    door = door_of(database, AUDIT)
    with pytest.raises(RefusedError, match="section K"):
        drawing.draw(door, YEAR + 4, NOW + timedelta(minutes=1))
    assert "K.3" in refusals(database, "audit_draw")[0]
    with pytest.raises(drawing.TooSoon, match=f"to {YEAR}-01-01"):
        drawing.draw(door, YEAR - 1, NOW + timedelta(minutes=1))
    later = datetime(YEAR + 1, 3, 1, tzinfo=UTC)
    drawing.draw(door, YEAR, later)
    ((_entry, drawn),) = drawing.draws(database.client(AUDITOR))
    end = datetime(YEAR + 1, 1, 1, tzinfo=ZONE)
    assert (drawn.inquiries_since, drawn.inquiries_until) == (datetime(YEAR, 7, 1, tzinfo=ZONE), end)
    assert (drawn.use_since, drawn.use_until) == (date(YEAR, 1, 1), date(YEAR + 1, 1, 1))


def test_an_auditor_does_not_judge_an_inquiry_of_their_own(database: Database) -> None:
    own = database.ask(DOOR, on_behalf_of=AUDIT)
    entry, _drawn = draw(database)
    with pytest.raises(RefusedError, match="of their own"):
        judge(database, entry.number, own)
    assert "K.4" in refusals(database, "audit_finding")[0]
    found = judging.Finding(draw=entry.number, inquiry_id=own, meets=True)
    assert judging.record_finding(door_of(database, "other"), found).waiting == 0


def test_a_memorandum_with_a_finding_on_an_own_inquiry_is_not_filed(
    database: Database, tmp_path: Path
) -> None:
    own = database.ask(DOOR, on_behalf_of=AUDIT)
    entry, _drawn = draw(database)
    client, found = database.client(AUDITOR), judging.Finding(draw=entry.number, inquiry_id=own, meets=True)
    database.entry(ledger.following(client, "audit", "finding", AUDIT, found))
    with pytest.raises(RefusedError, match="judged by whoever made it"):
        filing.file(door_of(database, "other"), entry.number, NOW, tmp_path)
    assert list(tmp_path.glob("*.pdf")) == []


def test_filed_is_filed(database: Database, tmp_path: Path) -> None:
    number = judged(database)
    door = door_of(database, AUDIT)
    files = filing.file(door, number, NOW, tmp_path / "one").files
    before = [one.read_bytes() for one in files]
    with pytest.raises(RefusedError, match="filed is filed"):
        filing.file(door, number, NOW + timedelta(days=1), tmp_path / "two")
    (_entry, drawn), *_more = drawing.draws(database.client(AUDITOR))
    with pytest.raises(RefusedError, match="filed is filed"):
        judge(database, number, drawn.inquiries[0])
    assert [one.read_bytes() for one in files] == before
    assert not (tmp_path / "two").exists()
    assert database.value("SELECT count() FROM platestream.documents FINAL") == 2
    assert len(refusals(database, "audit_memo")) == len(refusals(database, "audit_finding")) == 1


def test_no_file_is_written_over_and_then_nothing_is_filed(database: Database, tmp_path: Path) -> None:
    number = judged(database)
    there = tmp_path / f"alpr-audit-{YEAR}-draw-{number}.pdf"
    there.write_bytes(b"another")
    with pytest.raises(RefusedError, match="not written over"):
        filing.file(door_of(database, AUDIT), number, NOW, tmp_path)
    assert there.read_bytes() == b"another"
    assert judging.filed_memoranda(database.client(AUDITOR)) == []


def test_a_finding_can_be_corrected_before_it_is_filed_and_both_stay(database: Database) -> None:
    number = judged(database, 1)
    (_entry, drawn), *_more = drawing.draws(database.client(AUDITOR))
    judge(database, number, drawn.inquiries[0], meets=False, note="no such case")
    client = database.client(AUDITOR)
    assert len(ledger.read(client, "audit", "finding")) == 2
    assert not judging.findings(client, number)[drawn.inquiries[0]][1].meets


def test_rows_that_wait_for_the_audit_flow_are_no_fault_and_are_counted(database: Database) -> None:
    old = datetime.now(UTC) + timedelta(hours=1)
    database.ask()
    client = database.client(SEALER)
    assert verify(client, now=old) == ([], 1, ""), "no audit flow has run yet"
    seal_new(database.client(SEALER))
    database.ask()
    found = verify(client)
    assert (found.faults, found.waiting) == ([], 1)
    sealed = client.query("SELECT seal, hash FROM platestream.inquiry_seals ORDER BY seal").result_rows
    assert found.head == f"{sealed[-1][0]}:{sealed[-1][1]}"
    (fault,) = verify(client, now=old).faults
    assert "never sealed" in fault
    number = judged(database)
    memo = composed(door_of(database, AUDIT), number)
    assert memo.whole == []
    assert "rows wait to be sealed" in markdown(memo)


def test_a_busy_neighbor_does_not_crowd_employees_out_of_the_draw(database: Database) -> None:
    database.put(REGISTRY, OWN, person("vale", "officer"), person(AUDIT, "auditor"))
    employees = set(database.ask_all(12, on_behalf_of="vale", reason="Stolen vehicle number {}".format))
    row: dict[str, Any] = {
        "at": datetime.now(UTC),
        "outcome": "allowed",
        "kind": "search",
        "agency": "county",
    }
    row |= {"who": "county/jones", "partner": "county", "case_number": "26-77"}
    rows = [[*row.values(), uuid4(), uuid4()] for _ in range(200)]
    names = [*row, "entry", "inquiry_id"]
    database.client().insert("platestream.inquiry_log", rows, column_names=names)
    entry, drawn = draw(database)
    assert (drawn.population, drawn.searches) == (12, 12)
    assert len(employees & set(drawn.inquiries)) == 10
    assert len(drawn.inquiries) - 10 == len(drawn.of_others) == 5
    assert drawing.verify_draw(database.client(AUDITOR), drawn) == []
    swapped = msgspec.structs.replace(drawn, employer=[])
    assert drawing.verify_draw(database.client(AUDITOR), swapped), "of another population it is another draw"
    for one in drawn.inquiries:
        judge(database, entry.number, one)
    text = markdown(composed(door_of(database, AUDIT), entry.number))
    assert "5 from inquiries of other agencies" in text
