"""What says that older releases run on it only adds: read from the text of each migration."""

import re

import pytest

from platestream.clickhouse.migrate import ADDS_ONLY, Migration, load
from platestream.clickhouse.sql_files import statements

ADDITIVE = [one for one in load() if one.adds_only]
MAKES = re.compile(r"CREATE TABLE IF NOT EXISTS platestream\.\w+\s")
ADDS = re.compile(
    r"ALTER TABLE platestream\.(\w+) ADD COLUMN IF NOT EXISTS\s+\w+ "
    r"(Map\(LowCardinality\(String\), String\)|[^,]*) DEFAULT [^,]*",
    re.DOTALL,
)
FILLS = re.compile(r"ALTER TABLE platestream\.\w+ MODIFY COLUMN \w+ DEFAULT \w+\([^()]*\)")
INDEXES = re.compile(
    r"ALTER TABLE platestream\.\w+ ADD INDEX IF NOT EXISTS \w+ \w+ TYPE minmax GRANULARITY 1"
)
HOLDS = re.compile(r"ALTER TABLE platestream\.inquiry_log ADD CONSTRAINT IF NOT EXISTS follows CHECK [^,]*")
"""The one constraint that what older releases write is known to keep."""
SEALED = "inquiry_log"
"""A seal is of all columns that are filled: a release that does not read one calls the inquiry altered."""
QUOTED = re.compile(r"'[^']*'")


def faults(migration: Migration) -> list[str]:
    found = []
    for statement in (QUOTED.sub("''", one) for one in statements(migration.sql)):
        added = ADDS.fullmatch(statement)
        of_others = added is not None and added[1] != SEALED
        known = MAKES.match(statement) or any(one.fullmatch(statement) for one in (FILLS, INDEXES, HOLDS))
        if not (of_others or known):
            found.append(statement)
    return found


@pytest.mark.parametrize("migration", ADDITIVE, ids=lambda one: one.title)
def test_what_older_releases_run_on_adds_tables_and_columns_with_a_default(migration: Migration) -> None:
    assert faults(migration) == []


def test_from_the_one_that_records_it_on_a_migration_that_older_releases_run_on_says_so() -> None:
    assert 140 in {one.version for one in ADDITIVE}
    assert all(one.version >= 140 for one in ADDITIVE), "what is not recorded cannot be known"


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE platestream.detections DROP COLUMN plate;",
        "ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS lane UInt8;",
        "ALTER TABLE platestream.detections MODIFY COLUMN plate LowCardinality(String);",
        "ALTER TABLE platestream.detections MODIFY COLUMN plate DEFAULT upper(state), DROP COLUMN state;",
        "ALTER TABLE platestream.inquiry_log ADD COLUMN IF NOT EXISTS more String DEFAULT '';",
        "ALTER TABLE platestream.detections ADD CONSTRAINT IF NOT EXISTS read CHECK plate != '';",
        "DROP VIEW platestream.hits;",
        "RENAME TABLE platestream.images TO platestream.pictures;",
    ],
)
def test_what_does_more_is_found(sql: str) -> None:
    assert faults(Migration(999, "more", f"{ADDS_ONLY}{sql}\n")) != []
