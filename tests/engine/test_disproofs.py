"""Pairs of plate and entry that officers found wrong, as the database remembers them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.access.disproofs import DisproofReader, read
from platestream.edges.clickhouse_client import INGEST
from platestream.operators.disproof import REASONS, Disproof, pair_of
from platestream.schemas import tables
from platestream.schemas.hit_action import ActionKind
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.hit_actions import action
from tests.support.hits import FOUND, put_hit

pytestmark = pytest.mark.slow

ENTRY = FOUND.entry
KINDS: list[ActionKind] = ["plate_and_state_confirmed", "misread", "wrong_state", "no_action", "not_current"]
STEPS = st.tuples(st.integers(1, 4), st.sampled_from(KINDS), st.integers(0, 9))
PLATES = {1: "A8C1234", 2: "A8C1234", 3: "A8CI234", 4: "A8C1234"}
OTHERS: dict[int, dict[str, Any]] = {4: {"listed": {"plate": "ABC1234", "entry_id": "sjpd:2"}}}


def pairs(database: Database, since: timedelta = timedelta(days=30)) -> dict[str, Disproof]:
    return dict(read(database.client(INGEST), NOW - since))


def named(number: int) -> str:
    entry = OTHERS.get(number, {}).get("listed", {}).get("entry_id", ENTRY.entry_id)
    return pair_of(PLATES[number], entry, "ABC1234")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=6), order=st.randoms(use_true_random=False))
def test_the_newest_comparison_of_a_pair_decides(
    database: Database, steps: list[tuple[int, ActionKind, int]], order: Any
) -> None:
    for table in ("hit_actions", "alert_hits"):
        database.client().command(f"TRUNCATE TABLE platestream.{table}")
    for number, plate in PLATES.items():
        fields = {"listed": {"plate": "ABC1234"}, **OTHERS.get(number, {})}
        put_hit(database, number, seen={"plate": plate}, **fields)
    wanted: dict[str, Disproof | None] = {}
    made = [
        action(kind, at=NOW - timedelta(minutes=10 - minute), hit=UUID(int=number), number=place)
        for place, (number, kind, minute) in enumerate(steps)
    ]
    for one in sorted(made, key=lambda one: (one.at, str(one.action_id))):
        if one.kind in REASONS:
            wanted[named(one.hit_id.int)] = Disproof(one.kind, one.by, one.at, one.hit_id)
        elif one.kind == "plate_and_state_confirmed":
            wanted[named(one.hit_id.int)] = None
    order.shuffle(made)
    for one in [*made, *made[:2]]:  # a replay repeats
        database.put(tables.HIT_ACTIONS, one)
    assert pairs(database) == {pair: found for pair, found in wanted.items() if found}


def test_a_disproof_is_remembered_as_long_as_the_rules_say(database: Database) -> None:
    put_hit(database, 1)
    database.put(
        tables.HIT_ACTIONS, action("misread", at=NOW - timedelta(hours=3), hit=UUID(int=1), number=1)
    )
    assert len(pairs(database)) == 1
    assert pairs(database, timedelta(hours=2)) == {}


def test_the_flow_reads_them_and_withholds_nothing_while_the_database_is_away(
    database: Database, tmp_path: Any
) -> None:
    put_hit(database, 1)
    database.put(tables.HIT_ACTIONS, action("wrong_state", at=NOW, hit=UUID(int=1), number=1))
    reader = DisproofReader(Settings(clickhouse=database.dsn, data=tmp_path), timedelta(days=1))
    assert [one.kind for one in reader(NOW).values()] == ["wrong_state"]
    away = DisproofReader(
        Settings(clickhouse="https://localhost:1/platestream", data=tmp_path), timedelta(days=1)
    )
    assert away(NOW) == {}
