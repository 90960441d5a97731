import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import AUDITOR, SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.evidence import export as exporting
from platestream.evidence import hold as holding
from platestream.evidence import package
from platestream.evidence.custody import history
from platestream.keys.hold_keys import FOLDER, HoldKey, HoldKeys
from platestream.keys.key_folder import MASTER
from platestream.ledger import store as ledger
from platestream.retention import service as retention
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from tests.support.age_keys import key_pair
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of, person, staffed
from tests.support.evidence import age, rewrite

ARIZONA = ZoneInfo("America/Phoenix")
READ = Detection.from_json(bytes(example("detection").accepted))


def read(plate: str, age: timedelta = timedelta(hours=1)) -> Detection:
    return msgspec.structs.replace(
        READ,
        detection_id=uuid4(),
        plate=plate,
        captured_at=NOW - age,
        crop=plate.encode() * 9,
        picture=b"\xff\xd8 picture of " + plate.encode(),
    )


def terms(release: timedelta | None = None, case: str = "26-001234") -> holding.Terms:
    return holding.Terms(
        case_number=case,
        authority="Det. Begay",
        schedule="felony",
        release_at=None if release is None else NOW + release,
    )


def retain(database: Database, now: datetime) -> LedgerEntry:
    return retention.run(retention.start_scheduled(door_of(database)), timedelta(days=30), now)


def put(database: Database, *reads: Detection) -> None:
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)


def hold(database: Database, pattern: str, terms: holding.Terms, *only: UUID) -> holding.Hold:
    return holding.hold(door_of(database), terms, pattern=pattern, detections=only)


@dataclass(frozen=True)
class Story:
    """A hold and two exports of it, from a database that is closed by then."""

    held: holding.Hold
    asked: list[tuple[str, int]]
    state: exporting.HoldState
    ledger: list[str]
    first: dict[str, bytes]
    second: dict[str, bytes]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "agency.pem"
    package.new_key(path)
    return path


@pytest.fixture(scope="module")
def story(migrated: Path, tmp_path_factory: pytest.TempPathFactory, key: Path) -> Story:
    with copied(migrated, tmp_path_factory.mktemp("evidence")) as database:
        put(database, read("HELD001"), read("HELD001", timedelta(hours=2)), read("OTHER01"))
        found = hold(database, "HELD001", terms())
        seal_new(database.client(SEALER))
        return Story(
            found,
            database.rows(
                "SELECT kind, count() FROM platestream.inquiry_log WHERE tool = {tool:String}"
                " AND case_number = '26-001234' AND outcome = 'allowed' GROUP BY kind ORDER BY kind",
                tool=f"evidence hold {found.hold_id}",
            ),
            exporting.holds(door_of(database))[0],
            [entry.record for entry, _hash in ledger.read(database.client(AUDITOR), "evidence")],
            export(database, found, key, "Evidence.com"),
            export(database, found, key, "County Attorney"),
        )


def export(database: Database, held: holding.Hold, key: Path, receiver: str) -> dict[str, bytes]:
    return exporting.export(door_of(database), held.hold_id, package.read_key(key), NOW, receiver=receiver)


@pytest.fixture
def made(story: Story) -> dict[str, bytes]:
    return story.first


def test_a_hold_copies_detections_with_pictures_and_documents_each_look(story: Story) -> None:
    assert len(story.held.detections) == 2
    assert len(story.held.pictures) == 4
    assert story.asked == [("search", 1)]
    assert [story.state.detections, story.state.pictures, story.state.damaged] == [2, 4, 0]


def test_no_entry_of_the_ledger_holds_a_plate(story: Story) -> None:
    assert story.ledger
    assert not any("HELD001" in record for record in story.ledger)


def test_evidence_outlives_the_thirty_days_and_its_hashes_are_those_of_the_pictures(
    database: Database,
) -> None:
    one = read("KEPT001")
    put(database, one)
    found = hold(database, "KEPT001", terms())
    retain(database, NOW + timedelta(days=31))
    assert database.value("SELECT count() FROM platestream.detections") == 0
    assert database.value("SELECT count() FROM platestream.images") == 0
    kept = database.rows(
        "SELECT kind, lower(hex(sha256)), lower(hex(SHA256(jpeg))) FROM platestream.evidence_images"
    )
    seen = {"crop": sha256(one.crop).hexdigest(), "vehicle": sha256(one.picture).hexdigest()}
    assert {picture.kind: picture.sha256 for picture in found.pictures} == seen
    assert {kind: digest for kind, digest, _again in kept} == {
        picture.kind: picture.stored for picture in found.pictures
    }
    assert all(digest == again for _kind, digest, again in kept)


def test_evidence_is_purged_on_its_release_date_and_not_before_with_a_receipt(database: Database) -> None:
    put(database, read("KEPT001"))
    found = hold(database, "KEPT001", terms())
    age(database, timedelta(days=3649))
    retain(database, NOW)
    assert database.value("SELECT count() FROM platestream.evidence_images") == 2
    assert set(HoldKeys(database.keys).ages()) == {found.hold_id}
    age(database, timedelta(days=5))  # three or four of ten years are leap years
    entry = retain(database, NOW)
    assert json.loads(entry.record)["released"] == [str(found.hold_id)]
    assert HoldKeys(database.keys).ages() == {}
    for table in ("evidence_images", "evidence_detections", "evidence_holds"):
        assert database.value(f"SELECT count() FROM platestream.{table}") == 0
    kinds = [one.kind for one, _hash in ledger.read(database.client(AUDITOR), "evidence")]
    assert kinds == ["hold", "purge"]
    assert ledger.verify(database.client(AUDITOR)) == []


@pytest.mark.parametrize("kind", ["hold", "keep"])
def test_evidence_stays_with_its_keys_while_an_entry_about_it_cannot_be_read(
    database: Database, kind: str
) -> None:
    put(database, read("KEPT001"))
    found = hold(database, "KEPT001", terms())
    if kind == "hold":
        text = "ALTER TABLE platestream.ledger UPDATE record = '{}' WHERE kind = 'hold'"
    else:
        age(database, timedelta(days=3660))
        text = (
            "INSERT INTO platestream.ledger"
            " SELECT * REPLACE (number + 1 AS number, 'keep' AS kind, '{}' AS record)"
            " FROM (SELECT * FROM platestream.ledger WHERE kind = 'hold')"
        )
    database.client().command(text, settings={"mutations_sync": 2})
    stored = database.data / "keys" / FOLDER / f"{found.hold_id}.json"
    os.utime(stored, times=(NOW.timestamp() - 7200,) * 2)
    receipt = json.loads(retain(database, NOW).record)
    assert f"the record of its {kind} cannot be read" in "".join(receipt["faults"])
    assert receipt["released"] == []
    assert set(HoldKeys(database.keys).ages()) == {found.hold_id}
    for table, count in (("evidence_images", 2), ("evidence_detections", 1), ("evidence_holds", 1)):
        assert database.value(f"SELECT count() FROM platestream.{table}") == count


def test_a_picture_whose_key_is_missing_is_not_held_and_the_attempt_is_logged(database: Database) -> None:
    put(database, read("KEPT001"))
    for one in (database.data / "keys").glob("*.key"):
        if one.name != MASTER:
            one.unlink()
    with pytest.raises(RefusedError, match=r"a picture cannot be held: .* has no key of"):
        hold(database, "KEPT001", terms())
    asked = "SELECT outcome FROM platestream.inquiry_log WHERE kind = 'evidence_hold'"
    assert database.rows(asked) == [("refused",)]
    assert database.value("SELECT count() FROM platestream.evidence_holds") == 0


def test_keys_of_a_hold_that_never_came_into_force_are_destroyed_after_an_hour(database: Database) -> None:
    put(database, read("KEPT001"))
    found = hold(database, "KEPT001", terms())
    kept, failed = HoldKeys(database.keys), uuid4()
    kept.put(failed, HoldKey.new({"one": bytes(32)}))
    retain(database, NOW)
    assert set(kept.ages()) == {found.hold_id, failed}
    stored = database.data / "keys" / FOLDER / f"{failed}.json"
    os.utime(stored, times=(NOW.timestamp() - 7200,) * 2)
    (stored.parent / "notes.json").write_text("stops no deletion")
    retain(database, NOW)
    assert set(kept.ages()) == {found.hold_id}
    assert kept.strays() == ["notes.json"]


def test_a_hold_of_an_earlier_release_is_exported_as_it_was(database: Database, key: Path) -> None:
    """Pictures that are not encrypted, and an entry without `stored` and `key`."""
    one = read("KEPT001")
    database.put(tables.DETECTIONS, one)
    plain = tables.IMAGES.rows(one)
    database.client().insert("platestream.images", plain, column_names=list(tables.IMAGES.columns))
    found = hold(database, "KEPT001", terms())
    assert (found.key, {picture.stored for picture in found.pictures}) == ("", {""})
    rewrite(database, without=("key", "stored"))
    state = database.rows("SELECT damaged, altered FROM platestream.evidence_state")
    assert state == [(0, 0)]
    made = export(database, found, key, "court")
    assert one.picture in made.values()


@pytest.mark.parametrize("name", ["court.zip", "court"])
def test_a_package_is_for_its_owner_only(made: dict[str, bytes], tmp_path: Path, name: str) -> None:
    package.write(made, tmp_path / name)
    written = [tmp_path / name, *(tmp_path / name).rglob("*")]
    assert {one.stat().st_mode & 0o077 for one in written if one.is_file()} == {0}
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert package.read(tmp_path / name) == made
    with pytest.raises(FileExistsError):
        package.write(made, tmp_path / name)


def test_a_lawful_action_keeps_evidence_longer(database: Database) -> None:
    put(database, read("KEPT001"))
    found = hold(database, "KEPT001", terms())
    holding.extend(door_of(database), found.hold_id, terms(timedelta(days=4000), case="26-CV-18"))
    age(database, timedelta(days=3999))
    retain(database, NOW)
    assert database.value("SELECT count() FROM platestream.evidence_images") == 2
    with pytest.raises(holding.NothingToHold):
        holding.extend(door_of(database), uuid4(), terms(timedelta(days=4000)))


def test_nothing_is_held_undocumented_unfound_or_for_a_release_that_is_past(database: Database) -> None:
    put(database, read("KEPT001"))
    with pytest.raises(RefusedInquiry, match="case number"):
        hold(database, "KEPT001", terms(case=" "))
    with pytest.raises(ValueError, match="first release date"):
        hold(database, "KEPT001", terms(timedelta(days=-1)))
    with pytest.raises(holding.NothingToHold, match="no detection fits"):
        hold(database, "ZZZ9999", terms())
    with pytest.raises(holding.NothingToHold, match="not found"):
        hold(database, "KEPT001", terms(), uuid4())
    with pytest.raises(RefusedInquiry):
        hold(database, "K'; --", terms())
    assert database.value("SELECT count() FROM platestream.evidence_holds") == 0


def test_only_chosen_detections_are_held(database: Database) -> None:
    one, other = read("KEPT001"), read("KEPT001", timedelta(hours=5))
    put(database, one, other)
    assert hold(database, "KEPT001", terms(), other.detection_id).detections == [other.detection_id]


def test_a_package_holds_originals_custody_inquiries_and_a_page_and_verifies_alone(
    made: dict[str, bytes], story: Story, key: Path
) -> None:
    manifest, faults = package.verify(made, key.with_suffix(".pub").read_bytes())
    assert faults == []
    assert manifest is not None
    assert (manifest.case_number, manifest.exported_by) == ("26-001234", "vale")
    originals = {path: content for path, content in made.items() if path.startswith("originals/")}
    assert {sha256(one).hexdigest() for one in originals.values()} == {
        one.sha256 for one in story.held.pictures
    }
    assert next(one["entry"]["kind"] for one in json.loads(made["custody.json"])) == "hold"
    asked = [one["inquiry"]["kind"] for one in json.loads(made["inquiries.json"])]
    assert asked.count("search") == 1
    assert asked.count("evidence_hold") == 1
    assert {one["plate"] for one in json.loads(made["detections.json"])} == {"HELD001"}
    page = made["summary.html"].decode()
    assert "26-001234" in page
    assert all(path in page for path in originals)


def test_each_export_is_in_the_custody_of_the_next(story: Story) -> None:
    exports = [one for one in json.loads(story.second["custody.json"]) if one["entry"]["kind"] == "export"]
    result = [json.loads(one["entry"]["record"]) for one in exports]
    assert [one["manifest_sha256"] for one in result] == [sha256(story.first["manifest.json"]).hexdigest()]


@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.sig", "summary.html", "custody.json", "public-key.pem"]
)
def test_a_changed_file_is_found(made: dict[str, bytes], name: str) -> None:
    changed = {**made, name: made[name][:-10] + bytes([made[name][-10] ^ 1]) + made[name][-9:]}
    assert package.verify(changed)[1]


def test_a_file_that_is_gone_or_added_is_named(made: dict[str, bytes]) -> None:
    original = next(path for path in made if path.startswith("originals/"))
    assert package.verify({path: made[path] for path in made if path != original})[1] == [
        f"{original}: missing"
    ]
    assert package.verify({**made, "extra.txt": b""})[1] == ["extra.txt: not in the manifest"]


def test_a_package_signed_anew_by_another_is_refused_by_the_agencys_key(
    made: dict[str, bytes], key: Path, tmp_path: Path
) -> None:
    package.new_key(tmp_path / "other.pem")
    other = package.read_key(tmp_path / "other.pem")
    manifest = msgspec.structs.replace(
        msgspec.json.decode(made["manifest.json"], type=package.Manifest),
        signed_by=package.key_fingerprint(other),
    )
    files = {
        path: made[path] for path in made if path not in ("manifest.json", "manifest.sig", "public-key.pem")
    }
    forged = package.seal({**files, "summary.html": b"other"}, manifest, other)
    assert package.verify(forged)[1] == []
    _manifest, faults = package.verify(forged, key.with_suffix(".pub").read_bytes())
    assert "another key signed it" in faults[0]


@pytest.mark.parametrize("name", ["case.zip", "case"])
def test_a_package_is_written_once_and_read_as_folder_or_zip(
    made: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    package.write(made, tmp_path / name)
    assert package.verify(package.read(tmp_path / name))[1] == []
    with pytest.raises(FileExistsError):
        package.write(made, tmp_path / name)


def test_an_encrypted_package_is_read_by_its_recipients_only(made: dict[str, bytes], tmp_path: Path) -> None:
    court, stranger, file = key_pair(tmp_path / "court"), key_pair(tmp_path / "other"), tmp_path / "a.zip.age"
    package.write(made, file, [court.recipient])
    assert file.stat().st_mode & 0o077 == 0
    assert package.read(file, court.identities) == made
    for keys, fault in (((), "is encrypted"), (stranger.identities, "not encrypted to this identity")):
        with pytest.raises(package.PackageError, match=fault):
            package.read(file, keys)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(package.PackageError, match="damaged"):
        package.read(file, court.identities)


def test_a_file_that_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no")
    with pytest.raises(package.PackageError):
        package.read(tmp_path / "no.zip")
    (tmp_path / "empty").mkdir()
    assert package.verify(package.read(tmp_path / "empty"))[1] == ["manifest, signature or key is missing"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")
def test_the_signature_can_be_checked_with_openssl_alone(made: dict[str, bytes], tmp_path: Path) -> None:
    package.write(made, tmp_path / "case")
    done = subprocess.run(
        [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "public-key.pem",
            "-rawin",
            "-in",
            "manifest.json",
            "-sigfile",
            "manifest.sig",
        ],
        cwd=tmp_path / "case",
        capture_output=True,
        text=True,
    )
    assert "Verified Successfully" in done.stdout


def test_a_private_key_is_for_its_owner_alone_and_never_replaced(key: Path) -> None:
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        package.new_key(key)
    with pytest.raises(package.PackageError):
        package.read_key(key.with_suffix(".pub"))


def refusals(database: Database, act: str) -> list[str]:
    sql = "SELECT refusal FROM platestream.inquiry_log WHERE kind = {act:String} AND outcome = 'refused'"
    return [row[0] for row in database.rows(f"{sql} ORDER BY at", act=act)]


def test_a_hold_is_never_shortened_and_the_attempt_is_on_record(database: Database) -> None:
    put(database, read("KEPT001"))
    found = hold(database, "KEPT001", terms(timedelta(days=5000)))
    for days in (2, 3649, 3655, 4999):
        with pytest.raises(RefusedError, match="never shortened"):
            holding.extend(door_of(database), found.hold_id, terms(timedelta(days=days)))
    assert exporting.holds(door_of(database))[0].release_at == NOW + timedelta(days=5000)
    result = refusals(database, "evidence_keep")
    assert len(result) == 4
    assert all("section J.2" in one for one in result)


def test_a_release_before_the_schedule_ends_is_refused_and_on_record(database: Database) -> None:
    put(database, read("KEPT001"))
    with pytest.raises(RefusedError, match="first release date"):
        hold(database, "KEPT001", terms(timedelta(days=3649)))
    (result,) = refusals(database, "evidence_hold")
    assert "section J.2" in result
    assert database.value("SELECT count() FROM platestream.evidence_holds") == 0
    later = timedelta(days=3653, hours=1)
    assert hold(database, "KEPT001", terms(later)).release_at == NOW + later


def test_a_hold_records_when_its_schedule_ends(database: Database) -> None:
    put(database, read("KEPT001"))
    held = hold(database, "KEPT001", terms(timedelta(days=5000)))
    assert held.held_at is not None
    assert held.schedule_ends is not None
    began, ends = (one.astimezone(ARIZONA) for one in (held.held_at, held.schedule_ends))
    assert ends == began.replace(
        year=began.year + 10, day=min(began.day, 28) if began.month == 2 else began.day
    )
    assert timedelta(0) <= datetime.now(UTC) - held.held_at < timedelta(minutes=1)
    ((entry, _hash),) = ledger.read(database.client(AUDITOR), "evidence", "hold")
    assert msgspec.json.decode(entry.record, type=holding.Hold) == held


def test_a_hold_of_365_day_years_retains_its_dates_and_is_purged_after_ten_calendar_years(
    database: Database,
) -> None:
    put(database, read("KEPT001"))
    held = hold(database, "KEPT001", terms())
    assert held.held_at is not None
    rewrite(database, ends=held.held_at + timedelta(days=3650))
    age(database, timedelta(days=3651))
    found = history(database.client(AUDITOR), door_of(database).rules.profile)
    assert not found.early
    (one,) = found.present
    assert one.release_at == one.held_at + timedelta(days=3650)
    assert one.due >= one.held_at + timedelta(days=3652)
    retain(database, NOW)
    assert database.value("SELECT count() FROM platestream.evidence_detections") == 1


def test_only_a_custodian_exports_and_the_attempt_is_on_record(database: Database, key: Path) -> None:
    put(database, read("KEPT001"))
    held = hold(database, "KEPT001", terms())
    staffed(database, person("vale", "officer"))
    with pytest.raises(RefusedInquiry, match="custodian"):
        export(database, held, key, "Evidence.com")
    assert len(refusals(database, "evidence_show")) == 1, "the hold is not even seen"
    staffed(database, person("vale", "auditor"))
    with pytest.raises(RefusedInquiry, match="custodian"):
        export(database, held, key, "Evidence.com")
    assert len(refusals(database, "evidence_export")) == 1
