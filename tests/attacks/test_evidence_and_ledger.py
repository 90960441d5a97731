"""Attempts to have an entry of the ledger, evidence, a purge or a rule without the act that allows it."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from docs.generators.catalogue import example
from platestream.access.gate import THROWN
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DOOR,
    RETENTION,
    SUPERVISOR,
)
from platestream.evidence import export as exporting
from platestream.evidence import hold as holding
from platestream.evidence import package
from platestream.ledger import store as ledger
from platestream.retention import service as retention
from platestream.schemas import tables
from platestream.schemas.acts import WRITES
from platestream.schemas.detection import Detection
from platestream.schemas.ledger import Chain, LedgerEntry
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.evidence import put

READ = Detection.from_json(bytes(example("detection").accepted))
WHO = "vale"
RECEIPT = {"period_s": 1, "cutoff": "2026-01-01T00:00:00Z"}


def act(database: Database, kind: str, entry: LedgerEntry | None = None, **changes: Any) -> UUID:
    """An act by SQL, that names the hash of an entry as its effect; allowed unless `changes` differ."""
    effect = entry.hash if entry else ""
    said = {"kind": kind, "case_number": "26-001234", "pattern": "", "on_behalf_of": WHO, "effect": effect}
    return database.ask(DOOR, **{**said, **changes})


def following(database: Database, chain: Chain, kind: str, record: Any = None, who: str = WHO) -> LedgerEntry:
    return ledger.following(database.client(AUDITOR), chain, kind, who, record or {"forged": True})


def refused(
    database: Database, allowed: UUID, entry: LedgerEntry | str, role: str = AUDITOR, **settings: Any
) -> bool:
    """Whether the database throws at an entry, written by SQL."""
    text = entry if isinstance(entry, str) else entry.to_json().decode()
    try:
        database.client(role).insert(
            "platestream.ledger_append", [[allowed, text]], column_names=["act", "entry"], settings=settings
        )
    except DatabaseError as error:
        return error.code == THROWN
    return False


def denied(database: Database, role: str, sql: str) -> bool:
    with pytest.raises(DatabaseError) as error:
        database.client(role).command(sql)
    return error.value.code == ACCESS_DENIED


def speaking_as(account: str) -> dict[str, str]:
    """Settings by which the embedded engine takes a statement for this account's."""
    return {"log_comment": json.dumps({"account": account})}


def test_an_entry_is_written_by_the_act_that_names_it_and_by_no_other_way(database: Database) -> None:
    for role in (AUDITOR, CUSTODIAN, RETENTION):
        assert denied(database, role, "INSERT INTO platestream.ledger (chain) VALUES ('audit')")
        assert denied(database, role, "ALTER TABLE platestream.ledger DELETE WHERE 1")
        assert denied(database, role, "ALTER TABLE platestream.ledger UPDATE record = '' WHERE 1")
    entry = following(database, "audit", "draw")
    assert not refused(database, act(database, "audit_draw", entry), entry)
    ((stored, hash_),) = ledger.read(database.client(AUDITOR), "audit")
    assert (stored, hash_) == (entry, entry.hash)
    assert ledger.verify(database.client(AUDITOR)) == []


def test_a_receipt_is_not_forged_by_an_auditor(database: Database) -> None:
    """Row 3: covered by an `audit_show` that names the receipt's hash."""
    entry = following(database, "retention", "run", RECEIPT, "retention")
    shown = act(database, "audit_show", other=entry.hash)
    assert refused(database, shown, entry)
    assert refused(database, act(database, "audit_show", entry), entry)
    database.entry(entry)
    assert ledger.verify(database.client(AUDITOR)) == ["retention 1: not in the inquiry log"]


def test_a_receipt_is_written_by_the_retention_jobs_account_alone(database: Database) -> None:
    entry = following(database, "retention", "run", RECEIPT)
    own = act(database, "retention", entry)
    assert refused(database, own, entry, RETENTION, **speaking_as("vale"))
    assert refused(database, own, entry, RETENTION, **speaking_as("platestream_console"))
    assert not refused(database, own, entry, RETENTION, **speaking_as("platestream_retention_job"))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("audit_draw", {"on_behalf_of": "other"}),
        ("audit_draw", {"effect": "0" * 64}),
        ("audit_draw", {"effect": ""}),
        ("audit_finding", {}),
        ("audit_show", {}),
        ("evidence_hold", {}),
        ("audit_draw", {"refuse": "a rule of the order"}),
    ],
    ids=str,
)
def test_an_act_of_another_person_kind_or_hash_or_a_refused_one_writes_no_entry(
    database: Database, kind: str, fields: dict[str, str]
) -> None:
    entry = following(database, "audit", "draw")
    assert refused(database, act(database, kind, entry, **fields), entry)
    assert database.value("SELECT count() FROM platestream.ledger") == 0


def test_another_accounts_act_writes_no_entry(database: Database) -> None:
    entry = following(database, "audit", "draw")
    assert refused(database, act(database, "audit_draw", entry), entry, **speaking_as("smith"))


def test_an_act_writes_one_entry_and_an_id_that_stands_twice_none(database: Database) -> None:
    entry = following(database, "audit", "draw")
    allowed = act(database, "audit_draw", entry)
    assert not refused(database, allowed, entry)
    assert refused(database, allowed, entry), "once"
    again = following(database, "audit", "draw", {"seed": "that pleases"})
    assert refused(database, allowed, again)
    act(database, "audit_draw", again, inquiry_id=allowed)
    assert refused(database, allowed, again), "two rows have this id"


BLOCKS = {"max_block_size": 1, "min_insert_block_size_rows": 1, "min_insert_block_size_bytes": 0}


def test_two_entries_at_once_are_refused_also_in_blocks_of_one_row(database: Database) -> None:
    entry = following(database, "audit", "draw")
    other = msgspec.structs.replace(entry, record="{}")
    insert = (
        "INSERT INTO platestream.ledger_append"
        " SELECT {act:UUID}, if(number = 0, {entry:String}, {other:String}) FROM numbers(2)"
    )
    fields: dict[str, Any] = {"act": act(database, "audit_draw", entry)}
    fields |= {"entry": entry.to_json().decode(), "other": other.to_json().decode()}
    for settings in ({}, BLOCKS):
        with pytest.raises(DatabaseError):
            database.client(AUDITOR).command(insert, parameters=fields, settings=settings)
        assert database.value("SELECT count() FROM platestream.ledger") == 0


def test_an_entry_that_its_own_person_doubles_in_one_statement_is_found(database: Database) -> None:
    entry = following(database, "audit", "draw")
    fields = {"act": act(database, "audit_draw", entry), "entry": entry.to_json().decode()}
    database.client(AUDITOR).command(
        "INSERT INTO platestream.ledger_append SELECT {act:UUID}, {entry:String} FROM numbers(2)",
        parameters=fields,
        settings=BLOCKS,
    )
    assert database.rows("SELECT DISTINCT hash FROM platestream.ledger") == [(entry.hash,)]
    assert "doubled" in ledger.verify(database.client(AUDITOR))[0]


def test_an_act_of_more_than_ten_minutes_ago_writes_no_entry(database: Database) -> None:
    entry = following(database, "audit", "draw")
    long_ago = uuid4()
    old = {"inquiry_id": long_ago, "entry": uuid4(), "at": datetime.now(UTC) - timedelta(minutes=11)}
    row = {**old, "who": WHO, "account": "default", "kind": "audit_draw", "outcome": "allowed"}
    row["effect"] = entry.hash
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
    assert refused(database, long_ago, entry)


@pytest.mark.parametrize(
    "forged",
    [
        {"number": 2},
        {"previous": "1" * 64},
        {"at": datetime.now(UTC) - timedelta(hours=1)},
        {"at": datetime.now(UTC) + timedelta(hours=1)},
        {"who": "other"},
    ],
    ids=["number", "previous", "earlier", "later", "who"],
)
def test_an_entry_out_of_order_or_time_or_of_another_is_refused(
    database: Database, forged: dict[str, Any]
) -> None:
    entry = msgspec.structs.replace(following(database, "audit", "draw"), **forged)
    assert refused(database, act(database, "audit_draw", entry), entry)


def test_an_entry_in_other_words_has_no_act(database: Database) -> None:
    """Two fields of one name: the database and a program could read another one of them."""
    entry = following(database, "audit", "draw")
    text = entry.to_json().decode().replace('"who":', '"who":"other","who":')
    digest = sha256(f"{entry.previous}\n{text}".encode()).hexdigest()
    assert refused(database, act(database, "audit_draw", effect=digest, on_behalf_of="vale"), text) or any(
        "is not what was written" in fault for fault in ledger.verify(database.client(AUDITOR))
    )


def test_settings_of_the_caller_leave_no_judgement_out(database: Database) -> None:
    entry = following(database, "audit", "draw")
    for settings in (
        {"materialized_views_ignore_errors": 1},
        {"limit": 1, "offset": 0},
        {"max_rows_to_read": 1, "read_overflow_mode": "break"},
        {"enable_analyzer": 0},
        {"short_circuit_function_evaluation": "force_enable"},
    ):
        refused(database, uuid4(), entry, **settings)
        assert database.value("SELECT count() FROM platestream.ledger") == 0, settings


def test_a_document_is_stored_by_the_act_whose_entry_names_it(database: Database) -> None:
    assert denied(database, AUDITOR, "INSERT INTO platestream.documents (name) VALUES ('memo.md')")
    content = b"memorandum"
    record = {"markdown_sha256": sha256(content).hexdigest()}
    entry = following(database, "audit", "memorandum", record)
    allowed = act(database, "audit_memo", entry)
    assert not stored(database, allowed, content), "the entry is not there yet"
    assert not refused(database, allowed, entry)
    assert not stored(database, allowed, b"another memorandum")
    assert not stored(
        database, act(database, "audit_show", entry, effect=sha256(content).hexdigest()), content
    )
    assert not stored(database, allowed, content, **speaking_as("smith"))
    assert stored(database, allowed, content)
    two = (
        "INSERT INTO platestream.document_append"
        " SELECT {act:UUID}, '', if(number = 0, {content:String}, 'another') FROM numbers(2)"
    )
    with pytest.raises(DatabaseError):
        database.client(AUDITOR).command(
            two, parameters={"act": allowed, "content": content.decode()}, settings=BLOCKS
        )
    assert database.rows("SELECT DISTINCT content FROM platestream.documents") == [(content.decode(),)]


def stored(database: Database, allowed: UUID, content: bytes, **settings: Any) -> bool:
    rows, names = [[allowed, "memo.md", content]], ["act", "name", "content"]
    try:
        database.client(AUDITOR).insert(
            "platestream.document_append", rows, column_names=names, settings=settings
        )
    except DatabaseError as error:
        return error.code != THROWN
    return True


def test_an_entry_counts_by_one_act_of_its_kind_by_its_person(database: Database) -> None:
    """As the owner of the database does it, past all grants."""
    staffed(database, person())
    said = {"outcome": "allowed", "at": datetime.now(UTC), "account": "default"}
    entry = following(database, "audit", "draw")
    database.entry(entry)

    def faults(**changes: Any) -> list[str]:
        database.client().command("TRUNCATE TABLE platestream.inquiry_log")
        for one in changes.pop("rows", [{}]):
            row = {"entry": uuid4(), "inquiry_id": uuid4(), **said, "who": WHO, "kind": "audit_draw"}
            row |= {"effect": entry.hash, **changes, **one}
            database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
        return ledger.verify(database.client(AUDITOR))

    assert faults() == []
    assert faults(who="other") == ["audit 1: not in the inquiry log"]
    assert faults(kind="audit_finding") == ["audit 1: not in the inquiry log"]
    assert faults(outcome="refused", refusal="a rule") == ["audit 1: not in the inquiry log"]
    assert faults(rows=[{}, {}]) == ["audit 1: 2 acts in the inquiry log name it"]
    assert faults(effect="", other=entry.hash) == ["audit 1: not in the inquiry log"]
    before = datetime.now(UTC) - timedelta(days=100)
    assert faults(effect="", other=entry.hash, at=before) == [], "as it was up to the migration"
    assert faults(effect="", other=entry.hash, at=before, kind="audit_show") == [
        "audit 1: not in the inquiry log"
    ]


# Evidence, and its time (rows 1 and 2).
TABLES = ("evidence_holds", "evidence_detections", "evidence_images", "evidence_answers")
CHECKS = ("evidence", "custody", "scheduled", "released", "records")
TERMS = holding.Terms(case_number="26-001234", authority="Det. Begay", schedule="felony")


def read(plate: str) -> Detection:
    at = NOW - timedelta(hours=1)
    return msgspec.structs.replace(
        READ,
        detection_id=uuid4(),
        plate=plate,
        captured_at=at,
        crop=plate.encode() * 9,
        picture=b"\xff\xd8" + plate.encode(),
    )


def held(database: Database, *plates: str) -> holding.Hold:
    reads = [read(plate) for plate in plates or ("GHN5162", "GHN5163")]
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)
    return holding.hold(door_of(database), TERMS, pattern="GHN*")


def broken(database: Database) -> dict[str, str]:
    """The checks that say *not held*, and what they say."""
    found = Agency(database, database.data).results(*CHECKS)
    return {name: "; ".join(one.faults) for name, one in found.items() if one.outcome == "not_held"}


def change(database: Database, sql: str) -> None:
    """As the owner of the database does it."""
    database.client().command(sql, settings={"mutations_sync": 2})


def exported(database: Database, hold: holding.Hold) -> dict[str, bytes]:
    key = Ed25519PrivateKey.generate()
    return exporting.export(door_of(database), hold.hold_id, key, NOW, receiver="court")


def test_people_neither_write_nor_read_nor_delete_evidence_by_sql(database: Database) -> None:
    for role in (CUSTODIAN, ANALYST, AUDITOR, SUPERVISOR):
        for table in (*TABLES, "evidence_allowed", "evidence_brought"):
            column = "act" if table == "evidence_brought" else "hold_id"
            assert denied(database, role, f"INSERT INTO platestream.{table} ({column}) VALUES (DEFAULT)")
            assert denied(database, role, f"SELECT * FROM platestream.{table}")
            assert denied(database, role, f"ALTER TABLE platestream.{table} DELETE WHERE 1")
    for role in (ANALYST, AUDITOR, SUPERVISOR, RETENTION):
        assert denied(database, role, f"SELECT * FROM platestream.held(inquiry = '{uuid4()}')")


def test_what_is_held_is_what_was_detected_and_every_hash_is_in_the_ledger(database: Database) -> None:
    hold = held(database)
    assert len(hold.records) == 2
    assert len(hold.pictures) == 4
    assert {json.loads(text)["plate"] for text in texts(database)} == {"GHN5162", "GHN5163"}
    assert broken(database) == {}
    package_ = exported(database, hold)
    assert package.verify(package_)[1] == []
    assert b"GHN5162" in package_["records.jsonl"]


def texts(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT record FROM platestream.evidence_detections")]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("evidence_detections UPDATE record = replaceAll(record, 'GHN5162', 'GHN5182') WHERE 1", "records"),
        ("evidence_detections DELETE WHERE record LIKE '%GHN5162%'", "records"),
        ("evidence_images DELETE WHERE kind = 'crop'", "pictures"),
    ],
    ids=str,
)
def test_a_record_or_picture_that_the_owner_changes_is_found_and_not_signed(
    database: Database, sql: str, what: str
) -> None:
    """Row 1: plate GHN5162 became GHN5182, exported as intact and signed."""
    hold = held(database)
    change(database, f"ALTER TABLE platestream.{sql}")
    assert {"evidence", "custody"} <= set(broken(database))
    with pytest.raises(holding.NothingToHold, match=f"{what} are not those|detections are not those"):
        exported(database, hold)


def test_a_newer_row_or_swapped_pictures_of_the_owner_are_found(database: Database) -> None:
    hold = held(database)
    database.client().command(
        "INSERT INTO platestream.evidence_detections (hold_id, detection_id, captured_at, record, held_at)"
        " SELECT hold_id, detection_id, captured_at, replaceAll(record, 'GHN516', 'GHN518'), now64(3) + 60"
        " FROM platestream.evidence_detections"
    )
    assert {"evidence", "custody"} <= set(broken(database))
    with pytest.raises(holding.NothingToHold):
        exported(database, hold)


def test_pictures_that_the_owner_swaps_between_detections_are_found(database: Database) -> None:
    hold = held(database)
    database.client().command(
        "INSERT INTO platestream.evidence_images (hold_id, detection_id, kind, sha256, jpeg, held_at)"
        " SELECT one.hold_id, other.detection_id, one.kind, one.sha256, one.jpeg, now64(3) + 60"
        " FROM platestream.evidence_images AS one INNER JOIN platestream.evidence_images AS other"
        " ON one.kind = other.kind WHERE one.detection_id != other.detection_id"
    )
    assert {"evidence", "custody"} <= set(broken(database))
    with pytest.raises(holding.NothingToHold, match="altered, or is another one"):
        exported(database, hold)


def test_a_package_whose_record_was_changed_and_signed_again_by_the_agency_does_not_verify(
    database: Database,
) -> None:
    hold = held(database)
    made = exported(database, hold)
    manifest = msgspec.json.decode(made["manifest.json"], type=package.Manifest)
    key = Ed25519PrivateKey.generate()
    manifest = msgspec.structs.replace(manifest, signed_by=package.key_fingerprint(key))
    rest = {path: made[path] for path in made if path not in ("manifest.json", "manifest.sig")}
    for forged in (
        {path: one.replace(b"GHN5162", b"GHN5182") for path, one in rest.items()},
        {**rest, "detections.json": rest["detections.json"].replace(b"GHN5162", b"GHN5182")},
        {path: one for path, one in rest.items() if not path.endswith("crop.jpg")},
        {**rest, "custody.json": b"[]"},
        {path: one for path, one in rest.items() if path != "custody.json"},
    ):
        assert package.verify(package.seal(forged, manifest, key))[1]


def test_who_exports_a_hold_reads_the_log_of_its_case_and_no_other_search(database: Database) -> None:
    hold = held(database)
    database.ask(pattern="KTA1234", case_number="26-009999")
    reads = "SELECT DISTINCT case_number FROM platestream.logged(inquiry = {act:UUID})"
    for about, cases in ((str(hold.hold_id), [("26-001234",)]), ("all holds", []), (str(uuid4()), [])):
        shown = act(database, "evidence_show", other=about, case_number="")
        rows = database.client(CUSTODIAN).query(reads, parameters={"act": shown}).result_rows
        assert list(rows) == cases, about
    audit = act(database, "audit_show", case_number="")
    assert len(database.client(AUDITOR).query(reads, parameters={"act": audit}).result_rows) > 1


def test_a_package_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb, texts = tmp_path / "bomb.zip", tmp_path / "texts.zip"
    for file, count in ((bomb, 11), (texts, 9)):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(count):
                archive.writestr(f"{number}", bytes(10_000_000))
    with pytest.raises(package.PackageError, match="unpacks to over 10 times its size"):
        package.read(bomb)
    assert len(package.read(texts)) == 9


def test_evidence_of_ones_own_making_is_not_copied_by_an_own_act(database: Database) -> None:
    """The database copies what it has stored with that hash, and takes nothing that is brought."""
    one = read("GHN5162")
    database.put(tables.DETECTIONS, one)
    false = json.dumps({"plate": "GHN5182"})
    named = {"detection_id": one.detection_id, "sha256": sha256(false.encode()).hexdigest()}
    entry = hold_entry(database, detections=[one.detection_id], records=[named])
    allowed = act(database, "evidence_hold", entry)
    assert not refused(database, allowed, entry, CUSTODIAN)
    assert append(database, allowed, [], [])
    assert append(database, allowed, [one.detection_id], [one.captured_at])
    assert texts(database) == []
    piece = [allowed, "record", one.detection_id, one.captured_at, false]
    assert not bring(database, piece), "it is of this agency"
    assert {"evidence", "custody"} <= set(broken(database))


def test_what_another_agency_signed_is_taken_by_its_hash_alone(database: Database) -> None:
    name, text = uuid4(), '{"plate":"GHN5162"}'
    named = {"detection_id": name, "sha256": sha256(text.encode()).hexdigest()}
    entry = hold_entry(database, detections=[name], records=[named], origin="county")
    allowed = act(database, "evidence_hold", entry)
    assert not bring(database, [allowed, "record", name, NOW, text]), "the entry is not there yet"
    assert not refused(database, allowed, entry, CUSTODIAN)
    assert not bring(database, [allowed, "record", name, NOW, text.replace("5162", "5182")])
    assert not bring(database, [allowed, "record", uuid4(), NOW, text])
    assert not bring(database, [allowed, "picture", name, NOW, text])
    assert not bring(database, [allowed, "record", name, NOW, text], **speaking_as("smith"))
    assert bring(database, [allowed, "record", name, NOW, text])
    assert texts(database) == [text]


def hold_entry(database: Database, **changes: Any) -> LedgerEntry:
    now = datetime.now(UTC)
    record = {"hold_id": uuid4(), "case_number": "26-001234", "schedule": "felony", "held_at": now}
    record |= {"release_at": now + timedelta(days=3651), "schedule_ends": now + timedelta(days=3650)}
    return following(database, "evidence", "hold", {"detections": [], **record, **changes})


def append(database: Database, allowed: UUID, names: list[UUID], times: list[datetime]) -> bool:
    return taken(database, "evidence_append", ["act", "detections", "times"], [allowed, names, times])


def bring(database: Database, piece: list[Any], **settings: Any) -> bool:
    names = ["act", "what", "detection_id", "captured_at", "content"]
    return taken(database, "evidence_bring", names, piece, **settings)


def taken(database: Database, table: str, names: list[str], row: list[Any], **settings: Any) -> bool:
    try:
        database.client(CUSTODIAN).insert(
            f"platestream.{table}", [row], column_names=names, settings=settings
        )
    except DatabaseError as error:
        return error.code != THROWN
    return True


def test_evidence_is_copied_by_an_act_that_holds_and_by_no_other(database: Database) -> None:
    hold = held(database)
    shown = act(database, "evidence_show", other=str(hold.hold_id))
    assert not append(database, shown, [], [])
    assert not append(database, uuid4(), [], [])
    for kind in ("search", "evidence_export"):
        other = act(database, kind, other=str(hold.hold_id), pattern="GHN*", reason="stolen vehicle")
        with pytest.raises(DatabaseError):
            database.look("held_detections", other, CUSTODIAN)
    assert len(database.look("held_detections", shown, CUSTODIAN)) == 2
    elsewhere = act(database, "evidence_show", other=str(uuid4()))
    assert len(database.look("held_detections", elsewhere, CUSTODIAN)) == 0
    with pytest.raises(DatabaseError):
        database.client(CUSTODIAN).query(
            f"SELECT * FROM platestream.held_detections(inquiry = '{shown}')", settings=speaking_as("smith")
        )


def test_a_release_date_in_the_past_purges_nothing_and_is_found(database: Database) -> None:
    """Row 2: `release_at` set into the past by SQL; the machine purged ten-year evidence."""
    hold = held(database)
    change(database, "ALTER TABLE platestream.evidence_holds UPDATE release_at = '2020-01-01' WHERE 1")
    assert "custody" in broken(database)
    retention.run(
        retention.start_scheduled(door_of(database)), timedelta(days=30), NOW + timedelta(days=4000)
    )
    assert len(texts(database)) == len(hold.records)
    assert [one.kind for one, _hash in ledger.read(database.client(AUDITOR), "evidence")] == ["hold"]


def test_the_ledger_takes_no_entry_that_shortens_a_hold(database: Database) -> None:
    hold = held(database)
    early = {"hold_id": hold.hold_id, "release_at": NOW}
    past = NOW - timedelta(days=1100)
    for kind, record in (
        ("keep", early),
        ("keep", {"hold_id": uuid4(), "release_at": NOW + timedelta(days=9999)}),
        ("purge", early),
        ("purge", {"hold_id": uuid4(), "release_at": past}),
        ("hold", {**msgspec.to_builtins(hold), "release_at": past}),
        ("hold", {"hold_id": uuid4(), "held_at": past, "release_at": NOW + timedelta(days=9999)}),
        ("hold", {"hold_id": uuid4(), "held_at": NOW, "release_at": past}),
        ("export", {"hold_id": uuid4()}),
    ):
        entry = following(database, "evidence", kind, record)
        automatic = {"automatic": True, "set_off_by": WHO} if kind == "purge" else {}
        allowed = act(database, WRITES[f"evidence/{kind}"], entry, **automatic)
        assert database.logged(allowed)["outcome"] == "allowed", kind
        assert refused(database, allowed, entry, RETENTION if kind == "purge" else CUSTODIAN), record


def test_a_purge_that_came_too_early_is_not_held_for_good(database: Database) -> None:
    """As the owner of the database forges it, with an act that names it."""
    hold = held(database)
    purge = {"hold_id": hold.hold_id, "case_number": "26-001234", "detections": 2, "release_at": NOW}
    put(database, following(database, "evidence", "purge", purge, "retention"))
    for table in TABLES:
        change(database, f"TRUNCATE TABLE platestream.{table}")
    assert "scheduled" in broken(database)
    put(database, following(database, "evidence", "purge", purge, "retention"))
    assert "without a hold" in broken(database)["custody"]


def test_records_of_a_hold_of_before_are_not_checked_and_its_pictures_are(database: Database) -> None:
    hold = held(database)
    old = msgspec.structs.replace(hold, records=[], inquiry_id=None)
    for table in ("ledger", "inquiry_log"):
        change(database, f"TRUNCATE TABLE platestream.{table}")
    put(database, following(database, "evidence", "hold", old))
    agency = Agency(database, database.data)
    found = agency.results("evidence", "custody")
    assert found["custody"].outcome == "held"
    assert found["evidence"].outcome == "not_checked"
    assert "have no hash in the ledger" in found["evidence"].gaps[0].why
    assert package.verify(exported(database, hold))[1] == []
    change(database, "ALTER TABLE platestream.evidence_images DELETE WHERE kind = 'crop'")
    assert "custody" in broken(database)
