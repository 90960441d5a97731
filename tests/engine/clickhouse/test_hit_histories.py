"""Views of what came of hits: the same as in Python, and figures with their intervals."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.edges.clickhouse_client import ANALYST
from platestream.operators.hit_history import following, history, is_local
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hit_action import ActionKind, Confusion, HitAction
from tests.support.database import Database, copied
from tests.support.hit_actions import KINDS, action, actions

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
STATE = """
SELECT hit_id, status, visual, current, steps_counted, beside, disputed
FROM platestream.hit_states WHERE hit_id IN {hits:Array(UUID)}
"""


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("histories")) as made:
        yield made


def hit(number: int, source: str = "ncic", **changes: object) -> AlertHit:
    entry = msgspec.structs.replace(FOUND.entry, source=source)
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), entry=entry, **changes)


def expected(done: list[HitAction], source: str) -> tuple[object, ...]:
    found = history(done, source=source)
    counted, beside = len(found.applied), len(found.ignored)
    return (found.status, found.visual, found.current, counted, beside, found.disputed)


def test_the_database_folds_actions_as_python_does(database: Database) -> None:
    sources = st.sampled_from(["ncic", "acic", "mvd", "sjpd"])
    histories = st.lists(st.tuples(sources, st.lists(actions(), max_size=8)))
    first = 1 << 40

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(histories)
    def same(result: list[tuple[str, list[HitAction]]]) -> None:
        nonlocal first
        wanted = {}
        for source, done in result:
            first += 1
            ours = [
                msgspec.structs.replace(
                    one, hit_id=UUID(int=first), action_id=UUID(int=one.action_id.int + (first << 40))
                )
                for one in {one.action_id: one for one in done}.values()
            ]
            database.put(tables.HIT_FACTS, hit(first, source))
            if ours:
                database.put(tables.HIT_ACTIONS, *ours, ours[0])
            wanted[UUID(int=first)] = expected(ours, source)
        rows = database.rows(STATE, hits=list(wanted))
        assert {row[0]: tuple(row[1:]) for row in rows} == wanted

    same()


def test_every_step_of_the_table_is_the_database_s_too(database: Database) -> None:
    """All ways of three steps, for a list that is checked and one that is not."""
    number, wanted = 1 << 60, {}
    facts, done = [], []
    for source in ("ncic", "sjpd"):
        for one in KINDS:
            for two in following(history([action(one)], source=source).status, local=is_local(source)):
                for three in KINDS:
                    number += 1
                    steps = [
                        action(kind, minute, number=number * 8 + minute, hit=UUID(int=number))
                        for minute, kind in enumerate((one, two, three))
                    ]
                    facts.append(hit(number, source))
                    done += steps
                    wanted[UUID(int=number)] = expected(steps, source)
    database.put(tables.HIT_FACTS, *facts)
    database.put(tables.HIT_ACTIONS, *done)
    rows = database.rows(STATE, hits=list(wanted))
    assert {row[0]: tuple(row[1:]) for row in rows} == wanted


@pytest.mark.parametrize("keeper", ["ncic", "acic", "mvd"])
@pytest.mark.parametrize("source", ["ncic", "acic", "mvd", "sjpd"])
def test_a_confirmation_by_the_wrong_keeper_is_not_counted(
    database: Database, source: str, keeper: str
) -> None:
    number = uuid4().int
    one = hit(number, source)
    done = [
        action("plate_and_state_confirmed", 1, hit=one.hit_id),
        action("confirmed_current", 2, hit=one.hit_id, checked_with=keeper),
    ]
    database.put(tables.HIT_FACTS, one)
    database.put(tables.HIT_ACTIONS, *done)
    ((_id, *stands),) = database.rows(STATE, hits=[one.hit_id])
    assert tuple(stands) == expected(done, source)
    wrong = (source in ("ncic", "acic") and keeper == "mvd") or (source == "mvd" and keeper != "mvd")
    assert stands[0] == ("plate_confirmed" if wrong else "confirmed")


def test_precision_is_of_those_that_were_looked_at_with_wilsons_interval(database: Database) -> None:
    first = 9 << 50
    for number in range(12):
        one = hit(first + number, "acic", match="look_alike")
        database.put(tables.HIT_FACTS, one, one)
        if number < 10:
            kind: ActionKind = "misread" if number < 2 else "plate_and_state_confirmed"
            database.put(tables.HIT_ACTIONS, action(kind, number=first + number, hit=one.hit_id))
    (row,) = database.rows(
        "SELECT hits, verified, confirmed, misread, wrong_state, precision, round(low, 4), round(high, 4)"
        " FROM platestream.hit_precision WHERE source = 'acic' AND match = 'look_alike'"
    )
    assert row == (12, 10, 8, 2, 0, 0.8, 0.4902, 0.9433)  # Wilson, 8 of 10, as published tables have it


def test_confusions_that_officers_saw_are_counted_by_character(database: Database) -> None:
    seen = (Confusion("Q", "0"),)
    for number in (1, 2):
        hit_id = UUID(int=(7 << 50) + number)
        database.put(
            tables.HIT_ACTIONS, action("misread", number=(7 << 50) + number, hit=hit_id, confused=seen)
        )
    assert database.rows("SELECT actual, read, hits FROM platestream.hit_confusions") == [("Q", "0", 2)]


def test_steps_are_seen_through_the_gate_and_only_of_the_hits_that_were_asked_for(
    database: Database,
) -> None:
    recent = msgspec.structs.replace(FOUND.detection, captured_at=database.value("SELECT now64(3)"))
    for number, plate in ((3, "AST3087"), (4, "XYZ9876")):
        seen = msgspec.structs.replace(recent, plate=plate)
        database.put(tables.ALERT_HITS, hit(number, detection=seen))
        database.put(tables.HIT_ACTIONS, action("misread", number=number, hit=UUID(int=number), note="seen"))
    inquiry = database.ask(kind="hits", pattern="AST*", reason="verification of an alert hit")
    assert [row[1] for row in database.look("hit_steps", inquiry)] == [UUID(int=3)]
    one = database.ask(kind="hits", pattern="", other=str(UUID(int=4)), reason="verification of a hit")
    assert [row[1] for row in database.look("hit_steps", one)] == [UUID(int=4)]
    assert database.refuses("hit_steps", database.ask(ANALYST, kind="search"))
