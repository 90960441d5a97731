"""Every view that an inquiry opens, found in the database itself: a new one without a scene here fails.

Two vehicles passed two cameras twice, an hour ago and 721 hours ago; a third passed a camera nobody asks for.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from docs.generators.catalogue import example
from platestream.access.gate import THROWN
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    SUPERVISOR,
)
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Detection
from tests.support.clock import NOW
from tests.support.database import ARGUMENTS, Database, copied
from tests.support.flows import READ
from tests.support.hit_actions import action

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AGES = {"young": HOUR, "old": 721 * HOUR}
SECRET = "SECRET1"
HIT = AlertHit.from_json(bytes(example("alert_hit").accepted))
IDS = {(where, plate): uuid4() for where in (*AGES, "secret") for plate in ("LEAD123", "MATE456", SECRET)}

# Of each view: the kind of inquiry that opens it, and what is asked, beside cameras and times.
SCENES: dict[str, tuple[str, dict[str, Any]]] = {
    "search": ("search", {"pattern": "LEAD*"}),
    "sightings": ("sightings", {"pattern": ""}),
    "fuzzy": ("fuzzy", {"pattern": "LEAD124"}),
    "cotravel": ("cotravel", {"pattern": "LEAD123", "other": "MATE456", "within_s": 120}),
    "companions": ("companions", {"pattern": "LEAD123", "within_s": 120}),
    "picture": ("picture", {"other": "LEAD123"}),
    "hits": ("hits", {"pattern": "LEAD*"}),
    "hit_steps": ("hits", {"pattern": "LEAD*"}),
    "hit_list": ("hits", {"pattern": "LEAD*"}),
}
LOG = {"logged", "document"}  # opened by acts of the audit (tests/attacks/test_plates_by_sql.py)
OWN = {"verdict", "received", "recovery_outcome"}  # show whoever asked what became of it, and no data
BUILDING = {"recent", "admitted", "documented"}  # what the others judge by; granted to nobody (test_roles)
EVIDENCE = {  # what is held, or would be: tests/attacks/test_evidence_by_sql.py
    *("held", "held_detections", "held_images", "held_answers", "copied", "holdable"),
}
TIMES = {
    "clock_seen",
    "completeness_of",
    "pass_groups",
}  # counts and times, for what compares the clock and the tallies
HASHES = {"disproved"}  # of pairs of plate and entry, and who found them wrong
COUNTED = {"vehicles_of", "left_out"}  # figures, for the account that seals the log and for who searched
VIEWS = sorted(SCENES)


def called(view: str, inquiry: UUID) -> str:
    return f"platestream.{view}(inquiry = '{inquiry}'{ARGUMENTS.get(view, '')})"


@dataclass(frozen=True)
class Seen:
    """The database, and ways to ask it."""

    database: Database

    def ask(self, view: str, where: str = "young", **more: Any) -> UUID:
        kind, asked = SCENES[view]
        asked = dict(asked)
        if view == "picture":
            asked["other"] = str(IDS[where, asked["other"]])
        since = NOW - AGES[where] - HOUR  # of sightings no more than 7 days are asked for
        fields = {
            "kind": kind,
            "cameras": [f"cam-{where}"],
            "since": since,
            "until": since + 2 * HOUR,
            **asked,
            **more,
        }
        return self.database.ask(**fields)

    def refuses(self, view: str, inquiry: UUID) -> bool:
        return self.code(view, inquiry) == THROWN

    def code(self, view: str, inquiry: UUID, sql: str = "SELECT * FROM {}") -> int | None:
        call = called(view, inquiry)
        try:
            self.database.client(ANALYST).query(sql.format(call))
        except DatabaseError as error:
            return error.code
        return None

    def forge(self, inquiry: UUID, changes: str) -> UUID:
        """A row of the log as only the owner could write it: another's, with something changed."""
        forged = uuid4()
        self.database.client().command(
            "INSERT INTO platestream.inquiry_log SELECT * REPLACE"
            f" (toUUID('{forged}') AS inquiry_id, generateUUIDv4() AS entry{changes})"
            " FROM (SELECT * FROM platestream.inquiry_log WHERE inquiry_id = {inquiry:UUID})",
            parameters={"inquiry": inquiry},
        )
        return forged


def passing(where: str, plate: str, age: timedelta, detection: UUID | None = None) -> Detection:
    at = NOW - age
    return msgspec.structs.replace(
        READ,
        detection_id=detection or uuid4(),
        camera_id=f"cam-{where}",
        plate=plate,
        captured_at=at,
        best_at=at,
        alternatives=(),
        crop=plate.encode(),
        picture=plate.encode(),
    )


@pytest.fixture(scope="module")
def seen(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with copied(migrated, tmp_path_factory.mktemp("views")) as database:
        reads = [
            passing(where, plate, age + later, IDS[where, plate] if not later else None)
            for where, age in AGES.items()
            for later in (timedelta(0), 20 * MINUTE)
            for plate in ("LEAD123", "MATE456")
        ]
        reads.append(passing("secret", SECRET, HOUR, IDS["secret", SECRET]))
        hits = [msgspec.structs.replace(HIT, hit_id=uuid4(), detection=one) for one in reads]
        database.put(tables.DETECTIONS, *reads)
        database.put(tables.IMAGES, *reads)
        database.put(tables.ALERT_HITS, *hits)
        steps = [
            action("plate_and_state_confirmed", at=NOW, hit=one.hit_id, note=one.detection.plate)
            for one in hits
        ]
        database.put(tables.HIT_ACTIONS, *steps)
        yield Seen(database)


@pytest.fixture(scope="module")
def asked(seen: Seen) -> dict[str, UUID]:
    """An inquiry for each view, which opens it."""
    return {view: seen.ask(view) for view in VIEWS}


@pytest.fixture(scope="module")
def refused(seen: Seen) -> dict[str, UUID]:
    """One for each view that was refused."""
    return {view: seen.ask(view, reason="", case_number="") for view in VIEWS}


def test_every_view_that_an_inquiry_opens_has_its_scene(seen: Seen) -> None:
    made = seen.database.rows(
        "SELECT name, create_table_query FROM system.tables"
        " WHERE database = 'platestream' AND engine = 'View'"
    )
    opened = {name for name, query in made if "{inquiry:UUID}" in query}
    assert opened == {*SCENES, *LOG, *OWN, *BUILDING, *EVIDENCE, *COUNTED}
    plated = re.compile(
        r"\b(detections|images|alert_hits|dead_letters|evidence_detections|evidence_images|evidence_answers)\b"
    )
    beside = {name for name, query in made if name not in opened and plated.search(query.split(" AS ", 1)[1])}
    assert beside == {"evidence_state", "recordings", *HASHES, *TIMES}, "a view that no inquiry opens"


def test_every_view_goes_by_the_period_in_force_and_by_no_other(seen: Seen) -> None:
    for view in VIEWS:
        made = seen.database.value(
            "SELECT create_table_query FROM system.tables"
            " WHERE database = 'platestream' AND name = {view:String}",
            view=view,
        )
        assert "(SELECT since FROM platestream.kept) AS kept" in made, view
        assert "captured_at > kept" in made, view
        assert "toIntervalDay(" not in made, view


@pytest.mark.parametrize("view", VIEWS)
def test_a_row_of_721_hours_is_in_no_view_though_it_is_stored(seen: Seen, view: str) -> None:
    assert len(seen.database.look(view, seen.ask(view))) > 0
    assert list(seen.database.look(view, seen.ask(view, "old"))) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM {}",
        "SELECT count() FROM {}",
        "SELECT * FROM {} LIMIT 0",
        "SELECT * FROM {} WHERE 0",
        "EXPLAIN SELECT * FROM {}",
        "DESCRIBE TABLE (SELECT * FROM {})",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM {})",
    ],
)
def test_without_an_inquiry_there_is_not_even_the_answer_that_there_is_nothing(
    seen: Seen, refused: dict[str, UUID], view: str, sql: str
) -> None:
    assert seen.code(view, uuid4(), sql) == THROWN
    assert seen.code(view, refused[view], sql) == THROWN, "one that was refused"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ("", True),
        (", 'another' AS account", False),
        (", 'audit' AS kind", False),
        (", 'refused' AS outcome, 'a rule' AS refusal", False),
        (", now64(6) - INTERVAL 9 MINUTE AS at", True),
        (", now64(6) - INTERVAL 11 MINUTE AS at", False),
    ],
)
def test_only_ones_own_allowed_inquiry_of_this_kind_and_the_last_ten_minutes_opens_a_view(
    seen: Seen, asked: dict[str, UUID], view: str, changes: str, opens: bool
) -> None:
    forged = seen.forge(asked[view], changes)
    assert seen.refuses(view, forged) is not opens


@pytest.mark.parametrize("view", VIEWS)
def test_an_inquiry_of_every_other_kind_opens_nothing(seen: Seen, asked: dict[str, UUID], view: str) -> None:
    kind = SCENES[view][0]
    assert not seen.refuses(view, asked[view])
    for other in VIEWS:
        if SCENES[other][0] != kind:
            assert seen.refuses(view, asked[other]), other


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_evaluates_its_inquiry_twice_at_most(seen: Seen, asked: dict[str, UUID], view: str) -> None:
    # For its columns and for its rows, up to 20 ms each time: beside it the period in force, and the caller.
    def evaluated() -> int:
        return int(
            seen.database.value("SELECT value FROM system.events WHERE event = 'ScalarSubqueriesCacheMiss'")
        )

    before = evaluated()
    seen.database.look(view, asked[view])
    assert evaluated() - before <= 9


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "condition",
    ["throwIf(position(toString(tuple(*)), 'SECRET1') > 0)", "position(toString(tuple(*)), 'SECRET1') > 0"],
)
def test_a_condition_sees_no_row_outside_the_inquiry(
    seen: Seen, asked: dict[str, UUID], view: str, condition: str
) -> None:
    call = called(view, asked[view])
    answer = seen.database.client(ANALYST).query(f"SELECT count() FROM {call} WHERE {condition}")
    assert answer.result_rows == [(0,)]
    if view not in ("cotravel", "companions", "picture"):
        secret: dict[str, Any] = {
            "cameras": ["cam-secret"],
            "pattern": SECRET if view != "fuzzy" else "SECRET2",
        }
        call = called(view, seen.ask(view, **secret))
        shown = seen.database.client(ANALYST).query(
            f"SELECT count() FROM {call} WHERE position(toString(tuple(*)), 'SECRET1') > 0"
        )
        assert shown.result_rows[0][0] > 0, "it is there for who asks for it"


@pytest.mark.parametrize("role", [ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, DASHBOARD])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM merge('platestream', '.*')",
        "SELECT * FROM remote('127.0.0.1', 'platestream', 'detections')",
        "SELECT * FROM cluster('default', 'platestream', 'detections')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM loop('platestream', 'detections')",
        "SELECT plate FROM platestream.detections",
        "SELECT jpeg FROM platestream.images",
        "SELECT plate FROM platestream.alert_hits",
        "SELECT value FROM platestream.dead_letters",
        "CREATE TEMPORARY TABLE t AS SELECT plate FROM platestream.detections",
    ],
)
def test_nobody_finds_a_way_around_the_views(seen: Seen, role: str, sql: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        seen.database.client(role).command(sql)
    assert refused.value.code in (ACCESS_DENIED, 701), "701: there is no such cluster"


@pytest.mark.parametrize("role", [ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, DASHBOARD])
def test_the_index_of_a_table_shows_no_plate(seen: Seen, role: str) -> None:
    sql = "SELECT * FROM mergeTreeIndex('platestream', 'detections')"
    if role in (ANALYST, SUPERVISOR, CUSTODIAN):
        with pytest.raises(DatabaseError):
            seen.database.client(role).query(sql)
    else:
        shown = seen.database.client(role).query(sql).column_names
        assert not {name for name in shown if "plate" in name}


def test_no_file_is_written_of_what_no_inquiry_opens(seen: Seen, tmp_path: Path) -> None:
    for result in ("platestream.detections", f"platestream.search(inquiry = '{uuid4()}')"):
        with pytest.raises(DatabaseError):
            seen.database.client(ANALYST).command(
                f"SELECT * FROM {result} INTO OUTFILE '{tmp_path / 'out.csv'}'"
            )
    assert not (tmp_path / "out.csv").exists()


CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def given(chance: random.Random) -> str:
    """A pattern as people write them: any case, blanks, dashes, wildcards."""
    known = "".join(chance.choices(CHARACTERS + "*?", k=chance.randint(2, 8)))
    return "".join(
        f"{chance.choice(('', '', '', ' ', '-', '.'))}{chance.choice((one, one.lower()))}"
        for one in chance.choice(("AB", "Q1")) + known
    )


def wanted(pattern: str) -> str:
    return re.sub(r"[ .-]", "", pattern).upper()


def test_of_10_000_documented_searches_what_is_logged_is_what_is_searched(
    migrated: Path, tmp_path: Path
) -> None:
    chance = random.Random(20261124)
    with copied(migrated, tmp_path) as database:
        plates = {
            "".join(chance.choices("ABQ01", k=3)) + "".join(chance.choices("01", k=3)) for _ in range(300)
        }
        reads = [passing("any", plate, HOUR) for plate in sorted(plates)]
        database.put(tables.DETECTIONS, *reads)
        asked = {uuid4(): given(chance) for _ in range(9_900)}
        asked |= {uuid4(): "".join(chance.choices("ABQ01*?", k=5)) + "01" for _ in range(100)}
        client = database.client(ANALYST)
        client.insert(
            "platestream.inquire",
            [[inquiry, "26-001234", pattern, 1000] for inquiry, pattern in asked.items()],
            column_names=["inquiry_id", "case_number", "pattern", "vehicles"],
        )
        logged = dict(
            database.rows("SELECT inquiry_id, pattern FROM platestream.inquiry_log WHERE outcome = 'allowed'")
        )
        assert logged == {inquiry: wanted(pattern) for inquiry, pattern in asked.items()}
        found_some = 0
        for inquiry in [*list(asked)[:40], *list(asked)[-40:]]:
            like = logged[inquiry].replace("O", "0").replace("*", ".*").replace("?", ".")
            fits = {plate for plate in plates if re.fullmatch(like, plate.replace("O", "0"))}
            assert {row[6] for row in database.look("search", inquiry)} == fits, logged[inquiry]
            found_some += bool(fits)
        assert found_some > 5, "else this would prove little"
