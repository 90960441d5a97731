import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from platestream.schemas import plates
from platestream.schemas.expiring_tables import EXPIRING_TABLES
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.tables import TABLES, Table
from tests.support.database import Database

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
AGING = tuple(table.name for table in EXPIRING_TABLES)
RECORDS = (
    *("hit_actions", "deployment_findings", "deliveries", "hit_facts", "utilization", "documents"),
    *("inquiry_log", "inquiry_seals", "inquiry_salts", "inquiry_shown", "inquiry_findings", "statements"),
    "ledger",
)
KEPT_FOR_EVER = {
    "schema_migrations": "a row a release, about the schema only",
    "schema_views": "a row a file of views, about the schema only",
    "inquire": "keeps nothing (Null)",
    "inquire_all": "keeps nothing (Null)",
    "inquire_plain": "keeps nothing (Null)",
    "inquire_search": "keeps nothing (Null)",
    "inquire_confirm": "keeps nothing (Null)",
    "inquire_hits": "keeps nothing (Null)",
    "ledger_append": "keeps nothing (Null)",
    "rules_append": "keeps nothing (Null)",
    "document_append": "keeps nothing (Null)",
    "evidence_append": "keeps nothing (Null)",
    "evidence_allowed": "keeps nothing (Null)",
    "evidence_bring": "keeps nothing (Null)",
    "evidence_brought": "keeps nothing (Null)",
    "registry": "the newest record of each agency, user and camera: who was allowed to look",
    "registry_change": "keeps nothing (Null)",
    "registry_followed": "keeps nothing (Null)",
    "recover": "keeps nothing (Null)",
    "recovery_code": "keeps nothing (Null)",
    "administrators": "who ever was one: nobody founds an agency twice",
    "recoveries": "every attempt to bring an administrator back, a few rows",
    "recovery_codes": "hashes of the recovery codes, a few rows",
    "gate_rules": "one row for each change of the rules, no data",
    "evidence_holds": "purged on its release date, with a receipt; the date may move",
    "evidence_detections": "goes with its hold",
    "evidence_images": "goes with its hold",
    "evidence_answers": "goes with its hold",
    **dict.fromkeys(AGING, "goes by the retention job alone, which compares the clock first"),
    **dict.fromkeys(RECORDS, "a clock that is years ahead must not delete it"),
}
# Figures for boards alone, no record and no data; a power cut may take their last seconds (0107_boards.sql).
TTL = {
    "traffic": "TTL step + toIntervalDay(30)",
    "camera_hours": "TTL hour + toIntervalDay(30)",
}


def created(database: Database) -> dict[str, str]:
    """Tables that hold rows, with the statement that made them."""
    return dict(
        database.rows(
            "SELECT name, create_table_query FROM system.tables"
            " WHERE database = 'platestream' AND engine NOT IN ('View', 'MaterializedView')"
        )
    )


def test_every_table_has_its_ttl_or_a_reason_to_have_none(database: Database) -> None:
    declared = created(database)
    assert set(declared) == set(TTL) | set(KEPT_FOR_EVER)
    for name, ttl in TTL.items():
        assert ttl in declared[name], name
    for name in KEPT_FOR_EVER:
        assert "TTL" not in declared[name]


def test_plates_and_pictures_lie_in_partitions_of_time_and_every_write_reaches_the_disk(
    database: Database,
) -> None:
    declared = created(database)
    for name in ("detections", "alert_hits"):
        assert "PARTITION BY toYYYYMMDD(captured_at)" in declared[name]
    assert "PARTITION BY toStartOfHour(captured_at)" in declared["images"]
    for name in {*RECORDS, *AGING}:
        assert "fsync_after_insert = 1" in declared[name], name
    assert "PARTITION BY" not in declared["inquiry_seals"], "a block of seals must be one part"


def test_no_merge_takes_what_outlived_its_30_days_which_is_the_jobs_to_delete(database: Database) -> None:
    database.client().command(
        "INSERT INTO platestream.detections (detection_id, captured_at, ingested_at, plate) VALUES"
        " (generateUUIDv4(), now64(3) - INTERVAL 29 DAY, now64(3), 'KEPT'),"
        " (generateUUIDv4(), now64(3) - INTERVAL 31 DAY, now64(3), 'OLD')"
    )
    database.client().command("OPTIMIZE TABLE platestream.detections FINAL")
    assert database.value("SELECT count() FROM platestream.detections") == 2


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_declared_columns_are_the_tables_columns(database: Database, table: Table[object]) -> None:
    columns = database.rows(
        "SELECT name, default_kind FROM system.columns"
        " WHERE database = 'platestream' AND table = {table:String} ORDER BY position",
        table=table.name,
    )
    # A column that a migration adds has a default, for older releases that do not write it.
    added = {name for name, kind in columns if kind == "DEFAULT"} & set(table.columns)
    written = tuple(name for name, kind in columns if not kind or name in added)
    assert written == table.columns
    assert set(table.identity) <= set(written)


def test_the_log_has_all_that_an_inquiry_has(database: Database) -> None:
    columns = database.rows(
        "SELECT name FROM system.columns WHERE database = 'platestream' AND table = 'inquiry_log'"
    )
    assert set(Inquiry.__struct_fields__) <= {name for (name,) in columns}


def test_plates_fold_in_sql_as_in_python(database: Database) -> None:
    database.client().command("CREATE TABLE platestream.fold AS platestream.detections ENGINE = Memory")

    @settings(max_examples=8, deadline=None)
    @given(st.lists(st.text(CHARACTERS, min_size=1, max_size=10), min_size=1))
    @example([CHARACTERS])
    def same(texts: list[str]) -> None:
        database.client().command("TRUNCATE TABLE platestream.fold")
        database.client().insert("platestream.fold", [[text] for text in texts], column_names=["plate"])
        for plate, zero, fold in database.rows("SELECT plate, plate_zero, plate_fold FROM platestream.fold"):
            assert (zero, fold) == (plates.equate(plate), plates.fold(plate))

    same()
