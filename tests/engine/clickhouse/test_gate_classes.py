"""Rows that the gate judges by fewer rules are judged as by all of them."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from platestream.access.profiles import load
from platestream.access.rules_in_force import put
from platestream.clickhouse import migrate, view_files
from platestream.clickhouse.sql_files import statements
from platestream.schemas.acts import ACTS
from platestream.schemas.gate_class import (
    CONFIRM,
    DOCUMENTATION,
    OF_PEOPLE,
    PLAIN,
    SEARCHES,
    gate_class,
    gate_table,
)
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.tables import REGISTRY
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of, shift
from tests.support.nightly import nightly
from tests.support.people import PARTNER, PEOPLE, agency, furnish, record

COUNTED = "counted out"
HERE = ("", "chief", COUNTED, *PEOPLE)
WRONG = "inserted into a table that does not judge it: insert into platestream.inquire"
LONG = "Stolen truck of last night"
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OF_SEARCHES = ("counted_for", "limit_a_day", "declaration")
"""Columns that acts about people alone leave empty: they show nothing that would count."""


def mostly(usual: Any, *other: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the usual value in four of five cases."""
    return st.sampled_from([*[usual] * 4 * len(other), *other])


TEXTS = (" ", "x", "test", LONG, "ex-girlfriend", "1mm1gr4ti0n", "\u0405tolen", "qwertz", "\x00", "a" * 2000)
FIELDS = st.fixed_dictionaries(
    {
        "on_behalf_of": mostly("trained, with every role", *HERE) | st.sampled_from(HERE),
        "agency": mostly("", "sjpd", PARTNER, "nowhere-pd"),
        "case_number": mostly("", "26-001234", "0-0", "'; DROP", " 26-0001 "),
        "reason": mostly(LONG, "", *TEXTS),
        "purpose": mostly("", "law enforcement", "Stalking", "stolen vehicle"),
        "violation": mostly("", *TEXTS),
        "requester": mostly("", *TEXTS),
        "legal_basis": mostly("", *TEXTS),
        "pattern": mostly(
            "ABC1*", "", "*", "ABC*", "ABC123", "A?", "abc-123", "AB%", "ABCDEFGHIJKLMNOPQ", "ABC1"
        ),
        "other": mostly("", "XYZ789", "no id", str(UUID(int=7)), "user/chief", "colour=white", "b" * 300),
        "cameras": mostly([], ["main-st-n"], ["c"] * 21, ["c"] * 1001),
        "since": mostly(NOW - 2 * DAY, EPOCH, NOW - 400 * DAY, NOW - 9 * DAY, NOW + DAY),
        "until": mostly(NOW, NOW - 3 * DAY, NOW - 40 * DAY),
        "within_s": mostly(60, 0, 4000),
        "automatic": mostly(False, True),
        "set_off_by": mostly("", *HERE, "agency:nowhere-pd"),
        "refuse": mostly("", "the clock may be wrong", "a rule of the service"),
        "change": mostly("", *TEXTS),
        "effect": mostly("", "a" * 64, "zz"),
        "partner": mostly("", PARTNER, "sjpd"),
        "trained_on": mostly("", "2026-10-01", "soon"),
        "fields": mostly({}, {"reason": LONG}),
        "vehicles": mostly(0, 3, 60_000),
    }
)


UNDOCUMENTED: dict[str, Any] = {
    **dict.fromkeys(DOCUMENTATION, ""),
    "cameras": [],
    "partner": "",
    "fields": {},
}


def rows_of(kinds: Iterable[str], **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for rows of these kinds, with these columns."""
    return st.builds(lambda row, kind: {**row, "kind": kind, **fixed}, FIELDS, st.sampled_from(sorted(kinds)))


OF_CLASS = {
    "plain": rows_of(PLAIN, **UNDOCUMENTED, reason=""),
    "confirm": rows_of(CONFIRM, **UNDOCUMENTED)
    | rows_of(PLAIN, **UNDOCUMENTED).filter(lambda row: row["reason"] != ""),
    "search": rows_of(SEARCHES, partner="", fields={}),
    "hits": rows_of(["hits"], partner="", fields={}),
}
ROW = st.one_of(
    *OF_CLASS.values(),
    # Without a raise of the limit: it is in the log before other classes of the statement are judged.
    rows_of({*(act.name for act in ACTS), "download", ""} - {"limit_raise"}),
)


def strict(profile: Any) -> Any:
    """Return a profile that asks for all that one can ask for."""
    replaced = msgspec.structs.replace
    return replaced(
        profile,
        sharing=replaced(profile.sharing, declaration_holds="1 year", declaration_of="all"),
    )


@pytest.fixture(scope="module", params=["st-johns", *nightly("none", "new-jersey")])
def office(
    request: pytest.FixtureRequest, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Databases with people of all sorts, by rules in force."""
    with copied(migrated, tmp_path_factory.mktemp("classes")) as made:
        if request.param != "none":
            profile = load(request.param)
            profile = strict(profile) if request.param == "new-jersey" else profile
            put(door_of(made), AgencyRules(name=request.param, profile=profile), "Chief Yazzie")
        furnish(made)
        now = datetime.now(UTC)
        made.put(REGISTRY, agency("declared-pd", mou_from=NOW - 9 * DAY, declared_at=NOW))
        made.put(REGISTRY, *(record(who, one, now) for who, one in PEOPLE.items() if one.registered))
        made.put(REGISTRY, record(COUNTED, PEOPLE["only officer"], now))
        made.put(REGISTRY, *(shift(who) for who in ("only officer", COUNTED)))
        yield made


def judged(database: Database, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert rows into a table of the gate; return what the log then has of each, but for ids and times.

    One person has seen as many vehicles before as are shown in a day.
    """
    client = database.client()
    client.command("TRUNCATE TABLE platestream.inquiry_log")
    database.ask_all(3, on_behalf_of=COUNTED, vehicles=10_000)
    ids = [uuid4() for _row in rows]
    names = sorted(rows[0])
    values = [[one, *(row[name] for name in names)] for one, row in zip(ids, rows, strict=True)]
    client.insert(f"platestream.{table}", values, column_names=["inquiry_id", *names])
    found = client.query(
        f"SELECT * FROM platestream.inquiry_log WHERE inquiry_id IN {[str(one) for one in ids]}"
    )
    logged: dict[UUID, dict[str, Any]] = {}
    for row in found.named_results():
        one = row.pop("inquiry_id")
        assert one not in logged
        logged[one] = {name: value for name, value in row.items() if name not in ("entry", "at", "query_id")}
    return [logged[one] for one in ids]


# One example has many rows, since a statement costs more than its rows; shrinking would take an hour.
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(rows=st.lists(ROW, min_size=100, max_size=100))
def test_a_row_is_judged_the_same_by_its_class_and_by_all_rules(
    office: Database, rows: list[dict[str, Any]]
) -> None:
    by_class = judged(office, "inquire", rows)
    by_all = judged(office, "inquire_all", rows)
    for row, one, other in zip(rows, by_class, by_all, strict=True):
        if row["since"] == EPOCH:  # the time of the insert
            del one["since"], other["since"]
        if row["kind"] in OF_PEOPLE:
            for name in OF_SEARCHES:
                one[name] = other[name] = None
        assert one == other, row


@pytest.mark.parametrize("named", sorted(OF_CLASS))
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_a_row_in_the_table_of_another_class_is_refused(
    office: Database, named: str, data: st.DataObject
) -> None:
    right = data.draw(st.lists(OF_CLASS[named], min_size=30, max_size=30))
    rows = [*right, *data.draw(st.lists(ROW, min_size=50, max_size=50))]
    assert gate_table(right) == f"platestream.inquire_{named}"
    at_once = judged(office, f"inquire_{named}", rows)
    by_all = judged(office, "inquire_all", rows)
    for row, one, other in zip(rows, at_once, by_all, strict=True):
        if gate_class(row) == named:
            assert one["refusal"] == other["refusal"], row
        else:
            assert (one["outcome"], one["refusal"]) == ("refused", WRONG), row


def test_an_upgrade_that_ends_amid_the_gate_leaves_no_act_without_a_row(own_database: Database) -> None:
    """From a release that judged confirmed acts by all rules, statement by statement."""
    client = own_database.client()
    gate = next(file for file in view_files.load(migrate.ROOT / "views") if file.name == "gate")
    for view in ("inquire_to_confirm", "inquire_confirm_to_log"):
        client.command(f"DROP VIEW platestream.{view}")
    client.command("ALTER TABLE platestream.inquire_to_all MODIFY QUERY SELECT * FROM platestream.inquire")
    for statement in statements(gate.sql):
        view_files.apply(client, view_files.ViewFile(gate.name, f"{statement};\n"))
        act = {"inquiry_id": uuid4(), "kind": "rules", "on_behalf_of": "chief"}
        client.insert("platestream.inquire", [list(act.values())], column_names=list(act))
        found = own_database.value(
            "SELECT count() FROM platestream.inquiry_log WHERE inquiry_id = {id:UUID}", id=act["inquiry_id"]
        )
        assert found >= 1, statement.splitlines()[0]


def test_every_row_has_one_class(office: Database) -> None:
    gate = next(file for file in migrate.load_views() if file.name == "gate")
    named = re.findall(r"FROM platestream\.inquire WHERE multiIf\(.*?\)\s* = '(\w+)'", gate.sql, re.DOTALL)
    assert sorted(named) == ["all", "confirm", "hits", "plain", "search"]
