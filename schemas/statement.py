"""Statement that a client of the built-in engine ran, without its text, which may contain plates."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

ACT = "statements"
"""The automatic act that logs the digest of a part of the log in the inquiry log."""
CAMERA_TABLES = ("detections", "images", "alert_hits", "dead_letters")
"""Tables with plates that no backup contains."""
SENSITIVE_TABLES = (*CAMERA_TABLES, "evidence_detections", "evidence_images", "evidence_answers")
"""Tables behind the views of the gate: a statement that names them bypasses the gate."""
PROTECTED_TABLES = (
    *SENSITIVE_TABLES,
    *("evidence_holds", "inquiry_log", "inquiry_seals", "inquiry_findings", "ledger", "documents"),
    *("registry", "hit_actions", "statements"),
)
"""Tables that are written only through their own views or services."""
RECORD_TABLES = (
    *("hit_facts", "deliveries", "inquiry_shown", "inquiry_salts", "gate_rules", "deployment_findings"),
    *("utilization", "tallied", "frames_counted", "expired_counts", "administrators"),
    *("recoveries", "recovery_codes", "schema_migrations", "camera_hours", "traffic"),
)
"""Other tables that checks, proofs and boards rest on. Besides jobs, only migrations write them."""
SERVICE_ACCOUNTS = (
    *("platestream_flows", "platestream_retention_job", "platestream_audit", "platestream_grafana"),
    "platestream_engine",
)
"""Accounts of the pipeline whose grants show neither plate nor picture (clickhouse/server-users.xml)."""

OTHER = "OTHER "
"""Begins the verb of a statement that changes something with the role of the owner, and is none of the
release's migrations and views. An earlier release did not write it."""
SHOWS_ALL = "platestream_owner"
"""The one role of the engine that may read plates and pictures by a table's name (clickhouse/roles.xml)."""


class EngineStatement(NamedTuple):
    """A row of `platestream.statements`: `statement` is its verb (see OTHER), `code` an error or 0."""

    number: int
    at: datetime
    account: str
    roles: list[str]
    query_id: str
    statement: str
    tables: list[str]
    inquiries: list[UUID]
    state: str
    code: int
    read_rows: int


def digest(rows: Iterable[EngineStatement]) -> str:
    """Return the SHA-256 of rows in order of their numbers, as 64 hex digits."""
    running = hashlib.sha256()
    for row in rows:
        add(running, row)
    return running.hexdigest()


def add(running: "hashlib._Hash", row: EngineStatement) -> None:
    """Add a row to a digest."""
    at = row.at.strftime("%Y-%m-%d %H:%M:%S.%f")
    text = "\t".join(
        [
            *(
                str(row.number),
                at,
                row.account,
                ",".join(row.roles),
                row.query_id,
                row.statement,
                ",".join(row.tables),
            ),
            *(",".join(map(str, row.inquiries)), row.state, str(row.code), str(row.read_rows)),
        ]
    )
    running.update(text.encode() + b"\n")
