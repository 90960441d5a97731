"""A marked vehicle goes through commands: outside the data folder, no temporary or encrypted file has it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.evidence import package
from platestream.schemas.detection import Detection
from platestream.schemas.tables import DETECTIONS, IMAGES
from platestream.settings import system_account
from tests.support.age_keys import key_pair
from tests.support.clock import NOW
from tests.support.database import close_all, copied
from tests.support.door import person, staffed
from tests.support.raw_disk import raw_disk

pytestmark = pytest.mark.slow

MARK = "CNR7Y42"
ROOT = Path(__file__).parents[2]
SHARED = Path("/dev/shm")
CASE = ("--case", "26-001234")
LISTED = {
    **{"plate": MARK, "category": "stolen_vehicle", "reason": "Stolen", "by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest"},
}


@dataclass
class Machine:
    """A machine on which commands run, with its temporary files on a disk of their own."""

    folder: Path
    environment: dict[str, str]
    errors: str = ""

    def run(self, *words: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "platestream", *words],
            cwd=self.folder / "work",
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        self.errors += done.stderr
        return done.stdout


@pytest.fixture
def machine(migrated: Path, tmp_path: Path) -> Machine:
    for name in ("work", "home"):
        (tmp_path / name).mkdir()
    with copied(migrated, tmp_path / "ours") as database:
        staffed(database, person(system_account()))
        seen = msgspec.structs.replace(
            Detection.from_json(bytes(example("detection").accepted)),
            plate=MARK,
            captured_at=NOW,
            crop=MARK.encode() * 9,
            picture=b"\xff\xd8 picture of " + MARK.encode() * 9,
        )
        database.put(DETECTIONS, seen)
        database.put(IMAGES, seen)
    close_all()
    package.new_key(tmp_path / "agency.pem")
    return Machine(
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "scratch"),
            "PLATESTREAM_DATA": str(database.data),
            "PLATESTREAM_CLICKHOUSE": database.dsn,
            "PLATESTREAM_EVIDENCE_KEY_FILE": str(tmp_path / "agency.pem"),
        },
    )


def test_commands_leave_no_plate_outside_the_data_folder(machine: Machine) -> None:
    before = set(SHARED.iterdir())
    work, key = machine.folder / "work", key_pair(machine.folder / "identity.txt")
    (work / "recipients.txt").write_text(key.recipient.text)
    with raw_disk(machine.folder / "scratch") as count:
        listed = [word for name, text in LISTED.items() for word in (f"--{name}", text)]
        until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
        machine.run("hotlist", "add", "26-001234", *listed, *CASE, "--expires", until)
        machine.run("search", MARK, *CASE)
        machine.run("evidence", "hold", MARK, *CASE, "--authority", "Det. Begay", "--schedule", "felony")
        hold = json.loads(machine.run("evidence", "list", "--json"))["hold_id"]
        machine.run("evidence", "export", hold, "case.zip.age", "--encrypt-to", key.recipient.text)
        machine.run("evidence", "verify", "case.zip.age", "--identity", str(key.file))
        machine.run("backup", "kept.zip.age", "--recipients", "recipients.txt")
        bare = {"PLATESTREAM_DATA": str(machine.folder / "bare"), "PLATESTREAM_CLICKHOUSE": ""}
        machine.run("restore", "kept.zip.age", "--identity", str(key.file), **bare)
        assert MARK in machine.run("hotlist", "list", **bare), "it went through all of them"
        picture = ROOT / "platestream/demo/frames/02-stj-01-plain.jpg"
        read = re.findall(r'"plate": ?"(\w+)"', machine.run("read", str(picture), "--json"))
        assert read
        for mark in (MARK, *read):
            assert count(mark.encode()) == 0, "temporary files"
        (machine.folder / "scratch" / "control").write_bytes(b"CONTROL1")
        assert count(b"CONTROL1"), "it would be found"
    outside = [*files(work), *files(machine.folder / "home"), *(set(SHARED.iterdir()) - before)]
    assert {one.name for one in outside if one.is_file() and MARK.encode() in one.read_bytes()} == set()
    assert {"case.zip.age", "kept.zip.age"} <= {one.name for one in outside}
    assert MARK not in machine.errors


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
