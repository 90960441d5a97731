"""Row 13: how much one person, or one other agency, is shown, and case numbers that number nothing."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from starlette.testclient import TestClient

from platestream.access import gate, inquire, tokens
from platestream.access.inquire import RefusedInquiry
from platestream.access.profiles import load, names
from platestream.edges.clickhouse_client import ANALYST, DOOR, SEALER
from platestream.edges.inquiry_log import count_shown, read_seals, seal_new
from platestream.evidence.hold import NothingToHold, Terms, hold
from platestream.hotlist.lookback import LookBack
from platestream.inquiries.search import is_cut
from platestream.operators.inquiry_checks.reasons import is_usable_case
from platestream.partners.client import Answer
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.partner import Reads
from platestream.schemas.profile import ANYTHING_WITH_A_DIGIT
from platestream.schemas.registry import RegistryRecord
from platestream.web.app import app
from tests.support.agency import PROFILE, Agency
from tests.support.clock import NOW
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.flows import detection

CASE = "26-001234"
SEEN_AT = NOW - timedelta(hours=3)
NOW_ONLY = "ALTER TABLE platestream.inquiry_log DELETE WHERE at > now64(6) - INTERVAL 1 HOUR"
OFFICER = 200  # vehicles in 24 hours, by the profile


def fill(database: Database, vehicles: int) -> None:
    """So many vehicles, a minute's tenth apart."""
    database.put(tables.DETECTIONS, *(_pass(f"AA{number:04}", number) for number in range(vehicles)))


def _pass(plate: str, seconds: int) -> Detection:
    at = SEEN_AT - timedelta(seconds=seconds)
    return msgspec.structs.replace(
        detection(plate, 0, "cam"), captured_at=at, detection_id=uuid4(), crop=plate.encode()
    )


@pytest.fixture
def town(database: Database) -> Database:
    """260 vehicles, an officer and a supervisor."""
    staffed(
        database, person("smith", "officer"), person("vale", "supervisor"), person("ortiz", "administrator")
    )
    fill(database, 260)
    return database


def search(database: Database, who: str = "smith", **asked: Any) -> set[str]:
    """The plates that a search shows."""
    more = {"pattern": "AA*", "case_number": CASE, "who": who, "since": SEEN_AT - timedelta(days=1), **asked}
    return {row["plate"] for row in gate.search(database.client(ANALYST), **more)}


def seal(database: Database) -> None:
    """As the audit flow does after each search."""
    client = database.client(SEALER)
    seal_new(client)
    count_shown(client, [one for _seal, rows in read_seals(client, 1) for one in rows])


def test_five_searches_of_everything_show_no_more_than_the_limit(town: Database) -> None:
    seen: set[str] = set()
    since = SEEN_AT - timedelta(seconds=260)
    for part in range(5):
        begin = since + timedelta(seconds=52 * part)
        try:
            seen |= search(town, pattern="*", vehicles=100, since=begin, until=begin + timedelta(seconds=52))
        except RefusedInquiry as refused:
            assert "limit" in str(refused)  # noqa: PT017
    assert len(seen) <= OFFICER


def test_narrow_searches_are_counted_vehicle_by_vehicle(town: Database) -> None:
    """392 in 125 seconds: the 201st is refused, by the rule, and on record."""
    client = town.client(DOOR)
    rows = [[uuid4(), "smith", "search", CASE, f"AA{number:04}"] for number in range(OFFICER)]
    client.insert(
        "platestream.inquire",
        rows,
        column_names=["inquiry_id", "on_behalf_of", "kind", "case_number", "pattern"],
    )
    with pytest.raises(RefusedInquiry, match=r"supervisor may raise the limit.*F\.1"):
        search(town, pattern="AA0250")
    refused = town.rows("SELECT count() FROM platestream.inquiry_log WHERE outcome = 'refused'")
    assert refused == [(1,)]


def test_a_search_shows_fifty_vehicles_unless_it_asks_for_more(town: Database) -> None:
    assert len(search(town)) == 50
    assert len(search(town, vehicles=120)) == 120


def test_what_was_really_shown_counts_once_the_log_is_sealed(town: Database) -> None:
    for _time in range(4):
        assert search(town, pattern="AA000*") == {f"AA000{number}" for number in range(10)}
        seal(town)
    assert len(search(town, vehicles=150)) == 150


def test_a_description_that_nothing_has_counts_nothing_for_free(town: Database) -> None:
    """The number that is left out says how many passed, so these vehicles count as shown."""
    for _search in range(OFFICER // 50):
        assert search(town, other="direction=nowhere") == set()
        seal(town)
    with pytest.raises(RefusedInquiry, match="limit"):
        search(town)


def test_settling_twice_counts_once(town: Database) -> None:
    search(town, pattern="AA000*")
    for _time in range(6):
        seal(town)
    assert len(search(town, vehicles=10_000)) == OFFICER - 10


@pytest.mark.parametrize("most", [0, 4_294_967_295])
def test_how_many_are_asked_for_by_sql_changes_no_limit(town: Database, most: int) -> None:
    one = town.ask(on_behalf_of="smith", case_number=CASE, pattern="AA*", vehicles=most)
    assert len({row[6] for row in town.look("search", one)}) <= OFFICER


def test_inquiries_of_one_statement_share_the_limit(town: Database) -> None:
    """The gate judges all of them before any is in the log."""
    ids = [uuid4() for _one in range(6)]
    rows = [[one, "smith", "search", CASE, f"AA0{number}*", 100] for number, one in enumerate(ids)]
    town.client(DOOR).insert(
        "platestream.inquire",
        rows,
        column_names=["inquiry_id", "on_behalf_of", "kind", "case_number", "pattern", "vehicles"],
    )
    assert all(town.refuses("search", one) for one in ids)


def test_nothing_beyond_what_is_shown_is_learned_around_the_view(town: Database) -> None:
    """The oldest vehicle is not among the newest fifty: no count, filter or order says that it is there."""
    one = town.ask(on_behalf_of="smith", case_number=CASE, pattern="AA*")
    client = town.client(ANALYST)

    def ask(sql: str) -> Any:
        return client.query(sql.replace("VIEW", f"platestream.search(inquiry = '{one}')")).result_rows[0][0]

    assert ask("SELECT uniqExact(plate) FROM VIEW") == 50
    assert ask("SELECT count() FROM VIEW") == 50
    assert ask("SELECT count() FROM VIEW WHERE plate = 'AA0259'") == 0
    assert ask("SELECT count() FROM VIEW WHERE plate LIKE 'AA02%'") == 0
    assert ask("SELECT max(plate) FROM (SELECT * FROM VIEW ORDER BY captured_at LIMIT 1)") == "AA0049"
    assert ask("SELECT min(captured_at) FROM VIEW") > SEEN_AT - timedelta(seconds=51)


def test_one_id_shows_the_same_however_often_it_is_used(town: Database) -> None:
    one = town.ask(
        on_behalf_of="smith", case_number=CASE, pattern="A*0*", until=datetime.now(UTC) + timedelta(hours=1)
    )
    first = town.look("search", one)
    fill_later = [_pass(f"AB{number:04}", -60 - number) for number in range(60)]
    town.put(tables.DETECTIONS, *fill_later)
    assert town.look("search", one) == first


def test_other_views_are_no_side_doors(town: Database) -> None:
    more: dict[str, Any] = {"who": "smith", "case_number": CASE}
    client = town.client(ANALYST)
    day = SEEN_AT - timedelta(days=1)
    seen = {
        row["plate"]
        for row in gate.search(client, "sightings", cameras=["cam"], since=day, vehicles=300, **more)
    }
    assert len(seen) == OFFICER
    for refused in (
        lambda: gate.search(client, "companions", pattern="AA0001", since=day, **more),
        lambda: gate.search(client, "fuzzy", pattern="AA0001", since=day, **more),
        lambda: gate.search(client, "cotravel", pattern="AA0001", other="AA0002", since=day, **more),
    ):
        with pytest.raises(RefusedInquiry, match="supervisor"):
            refused()  # type: ignore[no-untyped-call]


def test_companions_show_no_more_than_was_reserved(town: Database) -> None:
    for plate in ("AA0001", *(f"CC{number:04}" for number in range(60))):
        town.put(tables.DETECTIONS, _pass(plate, 400), _pass(plate, 800))
    found = gate.search(
        town.client(ANALYST),
        "companions",
        pattern="AA0001",
        since=SEEN_AT - timedelta(days=1),
        who="smith",
        case_number=CASE,
    )
    assert len(found) == 50


def test_another_tool_account_or_spelling_of_the_day_is_the_same_person(town: Database) -> None:
    assert len(search(town, vehicles=200, tool="console")) == OFFICER
    for tool in ("api", "cli", "sql"):
        with pytest.raises(RefusedInquiry, match="supervisor"):
            search(town, tool=tool)


def test_there_is_no_midnight(town: Database) -> None:
    """The limit is of any 24 hours, of no zone's day."""
    search(town, vehicles=200)
    moved = (
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE("
        "generateUUIDv4() AS entry, at - toIntervalMinute({m:Int32}) AS at) FROM platestream.inquiry_log"
    )
    town.client().command(moved, parameters={"m": 23 * 60})
    town.client().command(
        NOW_ONLY,
        settings={"mutations_sync": 2},
    )
    with pytest.raises(RefusedInquiry, match="supervisor"):
        search(town)


def test_a_supervisor_raises_the_limit_of_another_person_only(town: Database) -> None:
    search(town, vehicles=200)
    client = town.client(DOOR)
    more: dict[str, Any] = {"kind": "limit_raise", "vehicles": 60, "reason": "Abducted child of this morning"}
    for who, other in (("smith", "smith"), ("vale", "vale"), ("vale", "nobody"), ("ortiz", "smith")):
        with pytest.raises(RefusedInquiry):
            inquire.record(client, who=who, other=other, **more)
    with pytest.raises(RefusedInquiry, match="neither case number nor reason"):
        inquire.record(client, who="vale", other="smith", **{**more, "reason": ""})
    with pytest.raises(RefusedInquiry):
        search(town)
    inquire.record(client, who="vale", other="smith", **more)
    assert len(search(town, vehicles=10_000)) == 60


def test_pictures_are_counted_too(town: Database) -> None:
    """Ids of detections can be had without a search, by an auditor."""
    rows = [[uuid4(), "smith", "picture", CASE, str(uuid4())] for _one in range(10 * OFFICER)]
    town.client(DOOR).insert(
        "platestream.inquire",
        rows,
        column_names=["inquiry_id", "on_behalf_of", "kind", "case_number", "other"],
    )
    with pytest.raises(RefusedInquiry, match="supervisor"):
        gate.picture(
            town.client(ANALYST),
            detection_id=uuid4(),
            captured_at=SEEN_AT,
            keys=town.keys,
            who="smith",
            case_number=CASE,
        )


def test_names_that_a_partner_invents_share_one_limit(town: Database) -> None:
    sheriff = RegistryRecord(
        kind="agency", id="sheriff", name="Sheriff", mou_from=datetime.now(UTC) - timedelta(days=9)
    )
    town.put(tables.REGISTRY, sheriff)
    fill(town, 700)
    seen: set[str] = set()
    for number in range(9):
        partner: inquire.Partner = {
            "who": f"deputy {number}",
            "partner": "sheriff",
            "agency": "sheriff",
            "trained_on": datetime.now(UTC).date().isoformat(),
        }
        asked = {"pattern": f"AA0{number % 7}*", "since": SEEN_AT - timedelta(days=1), "vehicles": 100}
        try:
            rows = gate.search_for_partner(
                town.client(ANALYST), uuid4(), "search", partner, asked, town.keys, case_number=CASE
            )
        except RefusedInquiry as refused:
            assert "one other agency" in str(refused)  # noqa: PT017
        else:
            seen |= {row["plate"] for row in rows}
    assert len(seen) == 500


@pytest.mark.parametrize(
    "case", ["00", "0-0", "1111", "1", "--", "\uff12\uff16-\uff10\uff10\uff11\uff12\uff13\uff14", "0 0 0 0"]
)
def test_a_number_that_numbers_no_case_is_none(town: Database, case: str) -> None:
    assert not is_usable_case(case)
    with pytest.raises(RefusedInquiry, match="case number"):
        search(town, case_number=case)


def test_an_id_of_somebody_else_opens_nothing(town: Database) -> None:
    one = town.ask(DOOR, on_behalf_of="smith", case_number=CASE)
    town.client().command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE('another' AS account, "
        "generateUUIDv4() AS entry) "
        f"FROM platestream.inquiry_log WHERE inquiry_id = '{UUID(str(one))}'"
    )
    assert town.refuses("search", one)


def test_evidence_is_never_held_in_part_because_of_the_limit(town: Database) -> None:
    door = door_of(town)
    terms = Terms(case_number=CASE, authority="Det. Begay", schedule="felony")
    with pytest.raises(NothingToHold, match="more vehicles may fit"):
        hold(door, terms, pattern="AA00*")
    more = msgspec.structs.replace(terms, vehicles=150)
    assert len(hold(door, more, pattern="AA00*").detections) == 100
    assert len(hold(door, terms, pattern="AA0001").detections) == 1


@pytest.mark.parametrize(
    ("asked", "exact"), [("AA000*", False), ("AA00*", False), ("AA0001", False), ("AA0*", True)]
)
@pytest.mark.parametrize("way", ["search", "sightings"])
def test_an_answer_says_whether_it_was_cut_and_one_that_is_just_full_was_not(
    town: Database, way: str, asked: str, exact: bool
) -> None:
    fields: dict[str, Any] = {"pattern": asked, "cameras": ["cam"], "since": SEEN_AT - timedelta(days=1)}
    fields |= {"who": "smith", "case_number": CASE, "vehicles": 100}
    rows = gate.search(town.client(ANALYST), way, **fields)
    assert {row["cut"] for row in rows} == {exact}
    assert is_cut(rows) == exact


def test_a_cut_answer_says_so_in_sql_whatever_is_asked_of_the_view(town: Database) -> None:
    """Also the row that is asked for alone, and the count."""
    one = town.ask(on_behalf_of="smith", case_number=CASE, pattern="AA*")
    view = f"platestream.search(inquiry = '{one}')"

    def ask(sql: str) -> Any:
        return town.client(ANALYST).query(sql).result_rows[0][0]

    assert ask(f"SELECT cut FROM {view} WHERE plate = 'AA0007'")
    assert ask(f"SELECT cut FROM {view} ORDER BY captured_at LIMIT 1")
    assert ask(f"SELECT uniqExact(plate) FROM {view}") == 50
    assert ask(f"SELECT count() FROM {view} WHERE NOT cut") == 0


def test_the_vehicle_too_many_is_not_shown_by_any_filter(town: Database) -> None:
    one = town.ask(on_behalf_of="smith", case_number=CASE, pattern="AA*")
    view = f"platestream.search(inquiry = '{one}')"
    for asked in (
        "plate = 'AA0050'",
        "captured_at <= now() AND plate > 'AA0049'",
        "NOT cut",
        "plate LIKE '%50'",
    ):
        assert town.client(ANALYST).query(f"SELECT count() FROM {view} WHERE {asked}").result_rows == [(0,)]


def test_companions_and_look_alikes_say_that_they_were_cut(town: Database) -> None:
    fields: dict[str, Any] = {"who": "smith", "case_number": CASE, "since": SEEN_AT - timedelta(days=1)}
    for plate in ("AA0001", *(f"CC{number:04}" for number in range(5))):
        town.put(tables.DETECTIONS, _pass(plate, 400), _pass(plate, 800))
    client = town.client(ANALYST)
    assert not is_cut(gate.search(client, "companions", pattern="AA0001", vehicles=5, **fields))
    assert is_cut(gate.search(client, "companions", pattern="AA0001", vehicles=4, **fields))
    assert is_cut(gate.search(client, "fuzzy", pattern="AA0001", vehicles=2, **fields))
    assert not is_cut(gate.search(client, "fuzzy", pattern="AA0001", vehicles=100, **fields))


def test_exactly_fifty_vehicles_are_held_as_evidence_and_fifty_one_are_not(town: Database) -> None:
    door = door_of(town)
    terms = Terms(case_number=CASE, authority="Det. Begay", schedule="felony")
    town.put(tables.DETECTIONS, *(_pass(f"BB{number:04}", number) for number in range(50)))
    assert len(hold(door, terms, pattern="BB*").detections) == 50
    town.put(tables.DETECTIONS, _pass("BB0050", 50))
    with pytest.raises(NothingToHold, match="more vehicles may fit"):
        hold(door, terms, pattern="BB*")


@pytest.mark.nightly
def test_a_look_back_goes_on_until_nothing_is_cut(town: Database) -> None:
    """100 vehicles by a pattern of one's own entry, of which an inquiry shows 50."""
    words = {"case_number": CASE, "reason": "Stolen from the fair", "requested_by": "Ofc. Lee"}
    words |= {"contact": "928-555-0101", "instructions": "P/C for arrest"}
    fields: dict[str, Any] = {"category": "stolen_vehicle", "expires_at": NOW + timedelta(days=9), **words}
    entry = HotListEntry(entry_id="sjpd:1", source="sjpd", plate="AA00*", listed_at=NOW, **fields)
    found = LookBack(door_of(town, "smith"), datetime.now(UTC)).find([entry])
    assert len({hit.detection.plate for hit in found}) == 100


@pytest.fixture
def pages(town: Database) -> Pages:
    made = Pages(town, town.data)
    made.staff(person("smith", "analyst"), person("vale", "supervisor"))
    return made


def test_the_console_asks_for_more_vehicles_and_says_when_there_were_more(pages: Pages) -> None:
    browser = pages.browser("smith")
    browser.get("/search")
    fields = {"way": "search", "plate": "AA*", "case_number": CASE}
    assert (
        "More different vehicles were found than the 50 that are shown"
        in browser.send("/search", **fields).text
    )
    assert "than the 120 that are shown" in browser.send("/search", **fields, vehicles="120").text
    assert "More different vehicles" not in browser.send("/search", **fields, vehicles="260").text
    for wrong in ("-1", "10001", "many"):
        assert browser.send("/search", **fields, vehicles=wrong).status_code == 400


def test_the_console_holds_rows_of_more_than_fifty_vehicles(pages: Pages) -> None:
    browser = pages.browser("smith")
    browser.get("/search")
    page = browser.send("/search", way="search", plate="AA00*", case_number=CASE, vehicles="100").text
    values = [unescape(one) for one in re.findall(r'name="pass" value="([^"]+)"', page)]
    assert len(values) == 100
    terms = {"case_number": CASE, "authority": "Det. Begay", "schedule": "felony", "pass": values}
    assert browser.send("/evidence", **terms).status_code == 400
    browser.page = page
    assert browser.send("/evidence", **terms, vehicles="100").status_code == 200
    assert pages.database.value("SELECT count() FROM platestream.evidence_detections") == 100


def test_the_api_asks_for_more_vehicles_and_says_when_there_were_more(pages: Pages) -> None:
    _made, text = tokens.stored_tokens(pages.settings).make(
        "smith", "CAD", ["inquiries"], NOW + timedelta(days=9)
    )
    program = TestClient(app(pages.console), "https://localhost", headers={"Authorization": f"Bearer {text}"})
    asked: dict[str, Any] = {"plate": "AA*", "case_number": CASE}
    for more, found, was_cut in ((0, 50, True), (120, 120, True), (260, 260, False)):
        answer = program.post("/api/inquiries/search", json={**asked, "vehicles": more}).json()
        assert (answer["found"], answer["cut"]) == (found, was_cut)
    assert program.post("/api/inquiries/search", json={**asked, "vehicles": 10_001}).status_code == 422


def test_a_supervisor_raises_a_limit_in_the_console_and_others_do_not(pages: Pages) -> None:
    search(pages.database, pattern="AA*", vehicles=1000)
    with pytest.raises(RefusedInquiry):
        search(pages.database)
    fields = {"id": "smith", "vehicles": "60", "reason": "Abducted child of this morning"}
    for who in ("smith", "vale"):
        browser = pages.browser(who)
        page = browser.get("/administration/people/smith").text
        assert ("Vehicle limit" in page) == (who == "vale")
        answer = browser.send("/administration/people/limit", **fields)
        assert (answer.status_code == 200) == (who == "vale")
    assert len(search(pages.database, vehicles=1000)) == 60
    browser.get("/administration/people/smith")
    assert browser.send("/administration/people/limit", **{**fields, "vehicles": ""}).status_code == 400


def rules_check(database: Database, pattern: str) -> Any:
    agency = Agency(database, database.data)
    inquiries = msgspec.structs.replace(PROFILE.inquiries, case_number=pattern)
    return agency.results("case_pattern", profile=msgspec.structs.replace(PROFILE, inquiries=inquiries))[
        "case_pattern"
    ]


@pytest.mark.parametrize(
    "pattern", [".", "", "[0-9]", "^[0-9]+$", "^.-.$", "(?i)^[a-z]+$", ANYTHING_WITH_A_DIGIT]
)
def test_a_pattern_that_accepts_anything_is_found_in_any_profile(database: Database, pattern: str) -> None:
    result = rules_check(database, pattern)
    assert result.outcome == "not_held"
    assert "--case-number" in result.faults[0]


@pytest.mark.parametrize("name", names())
def test_the_profiles_that_come_with_it_accept_case_numbers_only(database: Database, name: str) -> None:
    pattern = load(name).inquiries.case_number
    assert rules_check(database, pattern).outcome == "held"
    assert all(is_usable_case(one, pattern) for one in ("26-001234", "SJ26-004502", "26-CV-18"))
    assert not any(
        is_usable_case(one, pattern) for one in ("0-1", "123", "1-2", "26-1", "26-", "case 12", "26-CV")
    )


def test_an_installation_of_yesterday_keeps_its_pattern_starts_with_the_profile_and_is_told() -> None:
    inquiries = msgspec.structs.replace(PROFILE.inquiries, case_number=ANYTHING_WITH_A_DIGIT)
    former = AgencyRules(name="st-johns", profile=msgspec.structs.replace(PROFILE, inquiries=inquiries))
    assert former.contradictions(PROFILE) == []
    longer = msgspec.structs.replace(PROFILE.retention, data="20 days")
    assert len(former.contradictions(msgspec.structs.replace(PROFILE, retention=longer))) == 1
    own = AgencyRules(name="st-johns", profile=PROFILE)
    assert len(own.contradictions(former.profile)) == 1, "nobody goes back by a setting"


def test_a_case_of_one_digit_documents_no_search(town: Database) -> None:
    for case in ("0-1", "123", "1-2", "x1y"):
        with pytest.raises(RefusedInquiry, match="case number"):
            search(town, case_number=case)


def test_an_answer_to_another_agency_says_in_words_that_it_was_cut_and_else_is_as_before() -> None:
    assert msgspec.json.encode(Reads(reads=(), found=0)) == b'{"reads":[],"found":0}'
    said = msgspec.json.decode(msgspec.json.encode(Reads(reads=(), found=50, cut=True)), type=Reads)
    assert Answer("county", "answered", "", 0.1, said.reads, said.found, said.cut).sentence.endswith(
        "more vehicles fit than it shows at once"
    )
