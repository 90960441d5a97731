"""A backup in an empty system: what must be kept is as it was, and what cameras saw is not there."""

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from platestream.access.inquire import RefusedInquiry
from platestream.audit import integrity
from platestream.edges.changelog import newest
from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.evidence import package
from platestream.evidence.purge import purge_released
from platestream.keys.age_file import decrypted, encrypting
from platestream.operations.backup import make, signature
from platestream.operations.backup.archive import (
    COPIED,
    DECLARED,
    HOLD_KEYS,
    KEPT,
    LOCAL,
    MANIFEST,
    OFFERS,
    TIED,
    open_backup,
)
from platestream.operations.backup.restore import restore
from platestream.runtime.faults import Faults
from platestream.schemas import topics
from platestream.schemas.expiring_tables import EXPIRING_TABLES
from platestream.schemas.message import RefusedError
from platestream.settings import system_account
from tests.support.age_keys import NEEDS_AGE, KeyPair, key_pair, run, ssh_key_pair
from tests.support.database import Database, close_all
from tests.support.door import door_of, person, staffed
from tests.support.evidence import age
from tests.support.office import office

pytestmark = pytest.mark.slow

PLATE = "AST3087"


class Backup(NamedTuple):
    """The encrypted file, its key, the fingerprint of the one that signed it, the archive in it, and what
    every table and the changelogs had.
    """

    file: Path
    key: KeyPair
    signed_by: str
    archive: Path
    rows: dict[str, list[Any]]
    hot_list: dict[bytes, bytes | None]

    @property
    def age(self) -> str:
        with zipfile.ZipFile(self.archive) as file:
            at = datetime.fromisoformat(json.loads(file.read(MANIFEST))["made_at"])
        return f"made {at:%Y-%m-%d %H:%M} UTC"


def rows(database: Database, name: str) -> list[Any]:
    columns = "* EXCEPT (ingested_at)" if name in ("deliveries", "hit_facts") else "*"
    return sorted(map(repr, database.rows(f"SELECT {columns} FROM platestream.{name}")))


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """Of an agency at work: audits, evidence, hits, and an inquiry that names a plate."""
    folder = tmp_path_factory.mktemp("backup")
    with office(migrated, folder) as pages:
        pages.put(person(system_account()))  # who runs the commands below
        seal_new(pages.database.client(SEALER))
        file, key = folder / "kept.zip.age", key_pair(folder / "identity.txt")
        officer = ssh_key_pair(folder / "officer")
        recipients = [key.recipient, officer.recipient]
        before = {name: rows(pages.database, name) for name in KEPT}
        make.backup(pages.console.door("lee"), file, datetime.now(UTC), recipients)
        archive = folder / "kept.zip"
        with decrypted(file, officer.identities) as content:
            archive.write_bytes(content.read())
        hot_list = {key: one.value for key, one in newest(pages.streams, topics.HOTLIST).items()}
        assert pages.database.value("SELECT count() FROM platestream.detections") > 0
        signed_by = package.fingerprint((folder / "agency.pub").read_bytes())
        yield Backup(file, key, signed_by, archive, before, hot_list)
    close_all()


def test_every_table_is_in_backups_or_said_to_be_in_none(database: Database) -> None:
    found = database.rows(
        "SELECT name FROM system.tables WHERE database = 'platestream' AND engine LIKE '%MergeTree'"
    )
    assert {name for (name,) in found} == {*KEPT, *TIED, *DECLARED, *LOCAL}
    short = "engine LIKE '%MergeTree' AND create_table_query LIKE '%toIntervalDay(%'"
    tied = database.rows(f"SELECT name FROM system.tables WHERE database = 'platestream' AND {short}")
    by_the_job = {table.name for table in EXPIRING_TABLES}
    assert {name for (name,) in tied} | by_the_job == set(TIED), "what is kept for days is in no backup"


def test_nothing_of_what_cameras_saw_is_in_it_but_evidence(made: Backup) -> None:
    assert made.file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(made.archive) as file:
        names = set(file.namelist())
        assert names == {
            MANIFEST,
            *(f"tables/{name}.jsonl" for name in KEPT),
            *(f"topics/{one.name}.jsonl" for one in COPIED),
            *(f"partners/{one}.jsonl" for one in OFFERS),
            HOLD_KEYS,
            *signature.MEMBERS,
        }
        # Pictures are evidence's alone; an outsider reads a member with any tool.
        plated = [name for name in names if b"\xff\xd8\xff" in file.read(name)]
        entries = [json.loads(line) for line in file.read("tables/evidence_holds.jsonl").splitlines()]
        copied = [json.loads(line) for line in file.read(HOLD_KEYS).splitlines()]
    assert plated == []
    assert {one["hold_id"] for one in copied} == {one["hold_id"] for one in entries}
    assert entries


def test_what_must_be_kept_is_there_as_it_was(made: Backup, empty_database: Database) -> None:
    with door_of(empty_database, "lee") as door:
        result = restore(door, made.file, made.key.identities, made.signed_by)
        assert (result.left, result.signer) == ((), made.signed_by)
        for name in KEPT:
            found = rows(empty_database, name)
            if name == "inquiry_log":  # and the backup and the restore themselves
                assert set(made.rows[name]) <= set(found)
                assert len(found) == len(made.rows[name]) + 2
            else:
                assert found == made.rows[name], name
        assert {name: empty_database.value(f"SELECT count() FROM platestream.{name}") for name in TIED} == (
            dict.fromkeys(TIED, 0)
        )
        assert {key: one.value for key, one in newest(door.streams, topics.HOTLIST).items()} == made.hot_list
        # The log goes on behind its seals: the two acts came after the last of them.
        seal_new(empty_database.client(SEALER))
        assert integrity.check(door).faults == []
        acts = empty_database.rows("SELECT kind, who, outcome FROM platestream.inquiry_log ORDER BY at")
        assert acts[-3:-1] == [("backup", "lee", "allowed"), ("restore", "lee", "allowed")]
        change = "SELECT change FROM platestream.inquiry_log WHERE kind = '{}' AND who = 'lee'"
        to = empty_database.value(change.format("backup"))
        assert made.key.recipient.text in to, "the log names who can read the backup"
        assert to.endswith(f", signed by {made.signed_by}")
        assert empty_database.value(change.format("restore")) == f"signed by {made.signed_by}, {made.age}"


def test_what_was_past_its_time_meanwhile_goes_with_the_next_run(
    made: Backup, empty_database: Database
) -> None:
    with door_of(empty_database, "lee") as door:
        restore(door, made.archive)  # as one of an earlier release, in clear
        change = "SELECT change FROM platestream.inquiry_log WHERE kind = 'restore'"
        assert empty_database.value(change) == f"signed by {made.signed_by}, author not proven, {made.age}"
        age(empty_database, timedelta(days=365 * 20))
        purge_released(door.system_job("retention"), Faults())
    assert empty_database.value("SELECT count() FROM platestream.evidence_detections") == 0
    assert empty_database.value("SELECT count() FROM platestream.evidence_images") == 0


def test_it_goes_into_an_empty_system_alone_and_for_the_administrator(
    made: Backup, database: Database
) -> None:
    staffed(database, person("lee", "administrator"), person("ana", "analyst"))
    with door_of(database, "lee") as door, pytest.raises(RefusedError, match="registry has rows already"):
        restore(door, made.file, made.key.identities)
    with door_of(database, "ana") as door:
        with pytest.raises(RefusedInquiry):
            restore(door, made.file, made.key.identities)
        with pytest.raises(RefusedInquiry):
            make.backup(door, made.file.with_name("hers.zip"), datetime.now(UTC), ())
    assert not made.file.with_name("hers.zip").exists()
    assert database.value("SELECT count() FROM platestream.inquiry_seals") == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("changed", "tables/inquiry_log.jsonl is not what was backed up"),
        ("left out", "does not hold what its manifest.json names"),
        ("added", "does not hold what its manifest.json names"),
        ("no manifest", "is no backup"),
        ("cut off", "is no backup"),
        ("another format", "is of format 2"),
        ("strange", "which this release does not know"),
    ],
)
def test_a_file_that_is_not_whole_changes_nothing(
    made: Backup, tmp_path: Path, damage: str, said: str
) -> None:
    damaged = tmp_path / "damaged.zip"
    _damage(made.archive, damaged, damage)
    with pytest.raises(RefusedError, match=said.replace(".", r"\.")), open_backup(damaged):
        pass


def _damage(there: Path, here: Path, how: str) -> None:
    if how == "cut off":
        here.write_bytes(there.read_bytes()[:-2000])
        return
    with zipfile.ZipFile(there) as file:
        members = {name: file.read(name) for name in file.namelist()}
    result = json.loads(members[MANIFEST])
    match how:
        case "changed":
            members["tables/inquiry_log.jsonl"] = members["tables/inquiry_log.jsonl"].replace(
                b"vale", b"kim "
            )
        case "left out":
            del members["topics/hotlist.jsonl"]
        case "added":
            members["tables/detections.jsonl"] = b""
        case "no manifest":
            del members[MANIFEST]
        case "another format":
            members[MANIFEST] = json.dumps({**result, "format": 2}).encode()
        case "strange":
            for one in result["members"]:
                one["name"] = one["name"].replace("tables/ledger", "tables/../ledger")
            members["tables/../ledger.jsonl"] = members.pop("tables/ledger.jsonl")
            members[MANIFEST] = json.dumps(result).encode()
    with zipfile.ZipFile(here, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no key", "is encrypted: name the file of its identity with --identity"),
        ("another key", "is not encrypted to this identity"),
        ("cut off", "is damaged or not complete"),
        ("changed", "is damaged or not complete"),
        ("another archive", "is no backup"),
    ],
)
def test_an_encrypted_file_that_does_not_open_changes_nothing(
    made: Backup, tmp_path: Path, empty_database: Database, damage: str, said: str
) -> None:
    file, key, content = tmp_path / "damaged.zip.age", made.key, made.file.read_bytes()
    match damage:
        case "another key":
            key = key_pair(tmp_path / "another")
        case "cut off":
            content = content[: len(content) // 2]
        case "changed":
            content = content[:-100] + bytes(100)
    file.write_bytes(content)
    if damage == "another archive":
        with file.open("wb") as raw, encrypting(raw, [key.recipient]) as stream:
            stream.write(b"no archive")
    with door_of(empty_database, "lee") as door, pytest.raises(RefusedError, match=said):
        restore(door, file, () if damage == "no key" else key.identities)
    made_here = "SELECT count() FROM system.tables WHERE database = 'platestream'"
    assert empty_database.value(made_here) == 0


def test_a_bare_machine_has_all_of_it_from_the_file_and_its_key_alone(made: Backup, tmp_path: Path) -> None:
    for one in (made.file, made.key.file):
        shutil.copy(one, tmp_path)
    for name in ("home", "scratch"):
        (tmp_path / name).mkdir()

    def command(*words: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "scratch"),
            "PLATESTREAM_DATA": str(tmp_path / "data"),
        }
        return run(sys.executable, "-m", "platestream", *words, cwd=tmp_path, env=environment)

    command("restore", made.file.name, "--identity", made.key.file.name, "--signed-by", made.signed_by)
    command("audit", "verify")
    command("backup", "again.zip", "--plain")
    before, after = members(made.archive), members(tmp_path / "again.zip")
    log = "tables/inquiry_log.jsonl"
    acts = [json.loads(line) for line in after.pop(log) if line not in before[log]]
    assert {act["kind"] for act in acts} == {"restore", "audit_show", "backup"}
    assert before.pop(log)
    assert {name for name in before if before[name] != after[name]} == set()


def members(archive: Path) -> dict[str, list[str]]:
    """The lines of each member in an order of their own, without the time at which a row was inserted."""
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist()) - {*signature.MEMBERS}
        read = {name: file.read(name).decode("utf-8", "surrogateescape") for name in names}
    inserted = re.compile(r',?"ingested_at":"[^"]*"')
    return {
        name: sorted(inserted.sub("", line) for line in text.splitlines())
        for name, text in read.items()
        if name != MANIFEST
    }


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("a stranger", "it is signed by {stranger}, and not signed by {agency}"),
        ("nobody", "it is not signed, and not signed by {agency}"),
        ("the agency, then changed", "its signature is not that of its manifest"),
    ],
)
def test_who_knows_the_public_keys_of_backups_alone_makes_none_of_the_agency(
    made: Backup, tmp_path: Path, empty_database: Database, by: str, said: str
) -> None:
    stranger = package.new_key(tmp_path / "stranger.pem")
    forged, file = tmp_path / "forged.zip", tmp_path / "forged.zip.age"
    with zipfile.ZipFile(made.archive) as genuine, zipfile.ZipFile(forged, "w") as other:
        for name in set(genuine.namelist()) - {MANIFEST, *signature.MEMBERS}:
            other.writestr(name, genuine.read(name))
        manifest = genuine.read(MANIFEST).replace(b'"profile": "', b'"profile": "another-')
        other.writestr(MANIFEST, manifest)
        if by == "a stranger":
            signature.sign(other, manifest, package.read_key(tmp_path / "stranger.pem"))
        elif by != "nobody":
            for name in signature.MEMBERS:
                other.writestr(name, genuine.read(name))
    with file.open("wb") as raw, encrypting(raw, [made.key.recipient]) as stream:
        stream.write(forged.read_bytes())
    said = said.format(stranger=stranger, agency=made.signed_by)
    with door_of(empty_database, "lee") as door:
        with pytest.raises(RefusedError, match=said):
            restore(door, file, made.key.identities, made.signed_by)
        refused = (
            "SELECT outcome, count() FROM platestream.inquiry_log WHERE kind = 'restore' GROUP BY outcome"
        )
        assert empty_database.rows(refused) == [("refused", 1)]
        assert empty_database.value("SELECT count() FROM platestream.registry") == 0


@NEEDS_AGE
def test_age_itself_opens_a_backup_and_what_it_encrypts_is_restored(
    made: Backup, tmp_path: Path, empty_database: Database
) -> None:
    archive, again = tmp_path / "kept.zip", tmp_path / "again.age"
    run("age", "--decrypt", "--identity", str(made.key.file), "--output", str(archive), str(made.file))
    assert archive.read_bytes() == made.archive.read_bytes()
    run("age", "--recipient", made.key.recipient.text, "--output", str(again), str(archive))
    with door_of(empty_database, "lee") as door:
        restore(door, again, made.key.identities)
        for name in ("evidence_images", "registry"):
            assert rows(empty_database, name) == made.rows[name]


def test_a_backup_of_a_later_release_says_so(made: Backup, tmp_path: Path, empty_database: Database) -> None:
    later = tmp_path / "later.zip"
    with zipfile.ZipFile(made.archive) as file, zipfile.ZipFile(later, "w") as changed:
        for name in set(file.namelist()) - {*signature.MEMBERS}:
            content = file.read(name)
            if name == MANIFEST:
                result = json.loads(content)
                content = json.dumps({**result, "migrations": [*result["migrations"], "9999 later"]}).encode()
            changed.writestr(name, content)
    with door_of(empty_database, "lee") as door, pytest.raises(RefusedError, match="later release"):
        restore(door, later)


def test_nothing_is_written_over_and_nothing_half_is_left(made: Backup, database: Database) -> None:
    with door_of(database, "lee") as door:
        with pytest.raises(FileExistsError):
            make.backup(door, made.file, datetime.now(UTC), ())
        with pytest.raises(FileNotFoundError):
            make.backup(door, made.file.parent / "nowhere" / "kept.zip", datetime.now(UTC), ())
    assert not [one for one in made.file.parent.iterdir() if one.name.startswith(".kept")]
