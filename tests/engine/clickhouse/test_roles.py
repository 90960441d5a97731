from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    INGEST,
    OWNER,
    RETENTION,
    SEALER,
    SUPERVISOR,
)
from tests.support.database import ARGUMENTS, Database, copied

FED = [
    "detections",
    "images",
    "alert_hits",
    "hit_actions",
    "hit_facts",
    "deliveries",
    "deployment_findings",
    "dead_letters",
    "frames_counted",
    "registry_followed",
    "inquiry_findings",
]
BY_RECORD = ["registry_change", "recovery_code", "recover"]
RECOVERY = ["recovery", "recovery_outcome"]
EVIDENCE = ["evidence_holds", "evidence_detections", "evidence_images", "evidence_answers"]
AUDIT = ["ledger", "documents", "utilization"]
LOG = ["inquiry_log", "inquiry_seals"]
SALTS, SHOWN = "inquiry_salts", "inquiry_shown"
BOARDS = ["traffic", "camera_hours"]
APPENDS = ["ledger_append", "document_append"]
HOLDING = ["evidence_append", "evidence_bring"]
HELD = ["held", "held_detections", "held_images", "held_answers", "copied"]
INQUIRE = ["inquire", "inquire_all", "inquire_plain", "inquire_confirm", "inquire_search", "inquire_hits"]
TABLES = [
    *FED,
    *EVIDENCE,
    *AUDIT,
    *LOG,
    SALTS,
    SHOWN,
    *BOARDS,
    *("tallied", "expired_counts"),
    *BY_RECORD,
    "registry",
    *("administrators", "recoveries", "recovery_codes"),
    *APPENDS,
    "rules_append",
    *HOLDING,
    *("evidence_allowed", "evidence_brought"),
    "gate_rules",
    "schema_migrations",
    "schema_views",
    "statements",
    *INQUIRE,
]
LOGGED = ["logged", "document"]
LOOKS = [
    *("search", "sightings", "fuzzy", "left_out", "cotravel", "companions", "picture"),
    *("hits", "hit_steps", "hit_list"),
]
GATE = ["verdict", *LOOKS, "recovery_outcome"]
BY_ACT = [*GATE, *LOGGED, *HELD, "holdable", "received"]
HITS = ["hit_states", "hit_precision", "hit_confusions", "camera_verdicts"]
PLACES = ["deployments"]
RULES = ["rules_in_force"]
# What the gate is built of; `documented` is asked with a kind besides.
BUILDING = {
    "acts": "acts",
    "caller": "caller",
    "kept": "kept",
    "recent": "recent(inquiry = '{}')",
    "admitted": "admitted(inquiry = '{}', kind = 'hits')",
    "documented": "documented(inquiry = '{}', kind = 'search')",
    "recordings": "recordings",
    "counted_lately": "counted_lately",
    "less_lately": "less_lately",
}
JUDGES = [f"inquire_{one}_to_log" for one in ("all", "plain", "confirm", "search", "hits")]
FEEDERS = [
    *JUDGES,
    *("inquire_to_all", "inquire_to_plain", "inquire_to_confirm", "inquire_to_search", "inquire_to_hits"),
    *("registry_change_to_registry", "registry_followed_to_registry", "registry_to_administrators"),
    *("recovery_code_to_codes", "recover_to_recoveries"),
    *("append_to_rules", "append_to_ledger", "append_to_documents", "append_to_evidence"),
    *("evidence_to_holds", "evidence_to_detections", "evidence_to_images", "bring_to_evidence"),
    *("brought_to_detections", "brought_to_images", "brought_to_answers"),
    *("detections_to_traffic", "detections_to_camera_hours"),
    *("detections_to_tallied", "alert_hits_to_tallied", "images_to_tallied"),
]
# What the retention job compares before it deletes, and how each is read.
TALLIES = {
    "retained_since": "retained_since",
    "tally_groups": "tally_groups(since = now(), untils = [now()])",
    "frame_groups": "frame_groups(since = now(), untils = [now()])",
    "pass_groups": "pass_groups(since = now(), untils = [now()])",
    "completeness": "completeness(since = now())",
    "completeness_of": "completeness_of(since = now(), first = now(), last = now())",
}
COMPARED = {
    "vehicles_of": f"vehicles_of(inquiry = '{UUID(int=0)}')",
    "sealed_counts": "sealed_counts(since = now(), until = now())",
    "clock_seen": "clock_seen",
    "clock_confirmed": "clock_confirmed(since = now())",
    "clock_stopped": "clock_stopped",
    **TALLIES,
}
DISPROVED = ["disproved"]  # by hashes of their pairs
BOARD_VIEWS = ["inquiry_figures", "retention_figures", "audit_figures", "hotlist_sources"]
FIGURES_OF = [
    "recovery",
    "retention_log",
    "evidence_state",
    "document_state",
    "audit_times",
    *HITS,
    *PLACES,
    *RULES,
]
ROLES = (OWNER, INGEST, SEALER, ANALYST, SUPERVISOR, AUDITOR, RETENTION, CUSTODIAN, DASHBOARD)

READS = {
    OWNER: {*TABLES, *BY_ACT, *FIGURES_OF, *BOARD_VIEWS, *DISPROVED, *COMPARED},
    INGEST: {*RULES, *DISPROVED},
    SEALER: {
        *LOG,
        *(SALTS, SHOWN, "vehicles_of", "gate_rules", "statements", "schema_migrations", "sealed_counts"),
        *RULES,
    },
    ANALYST: {*GATE, "holdable", *RECOVERY, *RULES, *DISPROVED},
    SUPERVISOR: {
        *GATE,
        *DISPROVED,
        *RECOVERY,
        *HITS,
        *RULES,
        *("hit_facts", "deliveries", "deployment_findings", "deployments"),
        *("inquiry_findings", "hit_actions", "registry", "gate_rules"),
    },
    AUDITOR: {
        *LOGGED,
        *("inquiry_seals", SALTS, SHOWN, "statements"),
        *("ledger", "utilization"),
        *FIGURES_OF,
        *("inquiry_findings", "hit_actions", "hit_facts", "deliveries", "registry", "gate_rules"),
        "deployment_findings",
        *("schema_migrations", "schema_views", "verdict", "recovery_outcome"),
        *("administrators", "recoveries"),
        *TALLIES,
        *("clock_stopped", "expired_counts", "sealed_counts"),
    },
    RETENTION: {
        *("evidence_holds", "ledger", "utilization", "verdict", "hit_states", "audit_times"),
        *("clock_seen", "clock_confirmed", "expired_counts"),
        *TALLIES,
        *RULES,
    },
    CUSTODIAN: {
        *RULES,
        *HELD,
        "inquiry_seals",
        "logged",
        "ledger",
        "evidence_state",
        "verdict",
        *RECOVERY,
    },
    DASHBOARD: {*RULES, *HITS, *BOARDS, *BOARD_VIEWS, "hit_facts", "deliveries", "deployment_findings"},
}
WRITES = {
    OWNER: set(TABLES),
    INGEST: set(FED),
    SEALER: {"inquiry_seals", SALTS, SHOWN},
    ANALYST: {*INQUIRE, *BY_RECORD},
    SUPERVISOR: {*INQUIRE, *BY_RECORD},
    AUDITOR: {*BY_RECORD, *INQUIRE, *APPENDS},
    RETENTION: {*INQUIRE, "ledger_append", "utilization", "expired_counts"},
    CUSTODIAN: {*BY_RECORD, *INQUIRE, "ledger_append", *HOLDING},
    DASHBOARD: set(),
}
FIGURES = {
    "detections": "detection_id, captured_at, camera_id, opinion",
    "alert_hits": "captured_at",
    "hit_actions": "hit_id, at, kind, actionable",
    "dead_letters": "topic, reason, received_at",
    "inquiry_log": "at, kind, outcome, automatic",
    "inquiry_seals": "seal, sealed_at",
    "inquiry_findings": "at, kind, rule, grade",
    "registry": "kind, id, trained_at, mou_until",
}
WORDS = {
    "detections": [
        "plate",
        "plate_zero",
        "plate_fold",
        "alternatives",
        "box",
        "vehicle_other",
        "state",
        "latitude",
    ],
    "alert_hits": [
        "state",
        "category",
        "camera_id",
        "plate",
        "listed_plate",
        "case_number",
        "reason",
        "entry_id",
        "differences",
    ],
    "hit_actions": ["by", "note", "case_number"],
    "dead_letters": ["key", "value", "headers", "detail"],
    "inquiry_log": ["who", "pattern", "reason", "case_number", "other", "requester", "legal_basis"],
    "inquiry_findings": ["who", "detail", "inquiry_id"],
    "registry": ["record", "approved_by"],
    "images": ["jpeg"],
}
CHANGES = (
    "ALTER TABLE platestream.inquiry_log DELETE WHERE 1",
    "ALTER TABLE platestream.inquiry_log UPDATE who = '' WHERE 1",
    "ALTER TABLE platestream.detections MODIFY TTL toDateTime(captured_at) + INTERVAL 1 YEAR",
    "DELETE FROM platestream.inquiry_seals WHERE 1",
    "TRUNCATE TABLE platestream.inquiry_log",
    "DROP VIEW platestream.search",
    "CREATE TABLE platestream.other (a UInt8) ENGINE = Memory",
    "CREATE VIEW platestream.around AS SELECT * FROM platestream.detections",
)


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: what they may do leaves nothing that another looks at."""
    with copied(migrated, tmp_path_factory.mktemp("roles")) as made:
        yield made


def code(database: Database, role: str, sql: str) -> int | None:
    """ClickHouse's code for what it refuses, None for what it does."""
    try:
        database.client(role).command(sql)
    except DatabaseError as error:
        return error.code
    return None


def may(database: Database, role: str, sql: str) -> bool:
    return code(database, role, sql) != ACCESS_DENIED


def test_the_matrix_names_every_object_there_is(database: Database) -> None:
    objects = database.rows("SELECT name FROM system.tables WHERE database = 'platestream'")
    assert {name for (name,) in objects} == {
        *(*TABLES, *BY_ACT, *FIGURES_OF, *BOARD_VIEWS, *DISPROVED, *FEEDERS, *BUILDING, *COMPARED)
    }


@pytest.mark.parametrize("role", [role for role in ROLES if role != OWNER])
def test_nobody_reads_what_the_gate_moves_on_or_is_built_of(database: Database, role: str) -> None:
    for name in (*JUDGES, *(call.format(UUID(int=0)) for call in BUILDING.values())):
        assert not may(database, role, f"SELECT * FROM platestream.{name} LIMIT 0"), name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_what_it_is_granted_and_nothing_else(database: Database, role: str) -> None:
    nobody = UUID(int=0)
    asked = {table: f"SELECT * FROM platestream.{table} LIMIT 0" for table in TABLES}
    asked |= {
        view: f"SELECT * FROM platestream.{view}(inquiry = '{nobody}'{ARGUMENTS.get(view, '')}) LIMIT 0"
        for view in BY_ACT
    }
    asked |= {
        view: f"SELECT * FROM platestream.{view} LIMIT 0" for view in [*FIGURES_OF, *BOARD_VIEWS, *DISPROVED]
    }
    asked |= {view: f"SELECT * FROM platestream.{call} LIMIT 0" for view, call in COMPARED.items()}
    assert {name for name, sql in asked.items() if may(database, role, sql)} == READS[role]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_writes_what_it_is_granted_and_nothing_else(database: Database, role: str) -> None:
    columns = database.rows(
        "SELECT table, any(name) FROM system.columns WHERE database = 'platestream'"
        " AND default_kind = '' AND table IN {tables:Array(String)} GROUP BY table",
        tables=TABLES,
    )
    asked = {
        table: f"INSERT INTO platestream.{table} ({column}) VALUES (DEFAULT)" for table, column in columns
    }
    assert set(asked) == set(TABLES)
    assert {name for name, sql in asked.items() if may(database, role, sql)} == WRITES[role]


@pytest.mark.parametrize("role", [role for role in ROLES if role != OWNER])
def test_nobody_but_the_owner_changes_tables_or_what_was_logged(database: Database, role: str) -> None:
    assert {code(database, role, sql) for sql in CHANGES} == {ACCESS_DENIED}


def test_dashboards_see_figures_and_no_plate_state_picture_or_word(database: Database) -> None:
    for table, columns in FIGURES.items():
        assert may(database, DASHBOARD, f"SELECT {columns} FROM platestream.{table} LIMIT 0"), table
    for table, columns_ in WORDS.items():
        for column in columns_:
            assert not may(database, DASHBOARD, f"SELECT {column} FROM platestream.{table} LIMIT 0"), column
