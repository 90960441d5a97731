"""Attempts to change, read, copy, shorten or purge evidence without the act that allows it."""

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
    ANALYST,
    AUDITOR,
    CUSTODIAN,
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
from platestream.schemas.ledger import LedgerEntry
from tests.support.acts_by_sql import WHO, act, denied, following, refused, speaking_as
from tests.support.agency import Agency
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.evidence import put

READ = Detection.from_json(bytes(example("detection").accepted))
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
