"""`platestream retention`, `audit` and `evidence` as their users run them, on the embedded edge."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from bytewax.dataflow import Dataflow
from typer.testing import CliRunner, Result

from platestream.access.inquire import RefusedInquiry
from platestream.audit.yearly.draw import TooSoon
from platestream.cli.main import app
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.evidence import package
from platestream.evidence.hold import NothingToHold
from platestream.evidence.package import PackageError
from platestream.flows import audit_flow
from platestream.keys.recipients import RecipientError
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from tests.support.age_keys import key_pair
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import READ, run

pytestmark = pytest.mark.slow

Cli = Callable[..., Result]


@pytest.fixture
def cli(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))

    def invoke(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == code, done.output + str(done.exception)
        return done

    return invoke


def read(plate: str, age: timedelta = timedelta(hours=1)) -> Detection:
    at = NOW - age
    return msgspec.structs.replace(READ, detection_id=uuid4(), plate=plate, captured_at=at, best_at=at)


def put(database: Database, *reads: Detection) -> None:
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)


def seal(database: Database, data: Path) -> None:
    """What the audit flow does: seals, and the copy on the topic."""
    edge = Edge(FileTopics(data, follow=False), ClickHouseTables(database.dsn, follow=False))
    flow: Dataflow = audit_flow.build(edge)
    run(flow)


def test_a_retention_run_says_what_went_and_its_receipts_are_listed(cli: Cli, database: Database) -> None:
    database.put(tables.DETECTIONS, read("OLD0001", timedelta(days=40)), read("NEW0001"))
    said = cli("retention", "run").stdout
    assert "receipt 2: past" in said, "the counts of what was there are sealed before"
    assert "1 of detections" in said
    result = json.loads(cli("retention", "run", "--json").stdout)
    assert (result["number"], result["deleted"]["detections"]) == (3, 0)
    lines = cli("retention", "log", "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [3, 2]
    assert result["hash"][:12] in cli("retention", "log").stdout
    database.client().command(
        "ALTER TABLE platestream.ledger DELETE WHERE number = 2", settings={"mutations_sync": 2}
    )
    assert "not in the ledger" in cli("retention", "log", code=1).stderr


def test_a_retention_run_goes_by_the_rules_in_force_and_not_by_the_profile_that_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLATESTREAM_PROFILE", "virginia")
    contradicted = CliRunner().invoke(app, ["retention", "run"])
    assert "PLATESTREAM_PROFILE=virginia contradicts the rules in force" in str(contradicted.exception)
    assert cli("registry", "rules", "--profile", "virginia", "--by", "Chief").exit_code == 0
    assert json.loads(cli("retention", "run", "--json").stdout)["period_s"] == 21 * 24 * 3600
    wrong = tmp_path / "own.toml"
    wrong.write_text("[retention\n")
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(wrong))
    refused = CliRunner().invoke(app, ["retention", "run"])
    assert re.search(r"own\.toml: .*line 1", str(refused.exception))


@pytest.mark.nightly
def test_the_yearly_audit_from_draw_to_memorandum(cli: Cli, database: Database, tmp_path: Path) -> None:
    asked = database.ask_all(12, reason="Stolen vehicle number {}".format)
    year = str(NOW.year)
    drawn = json.loads(cli("audit", "sample", "--year", year, "--json").stdout)
    assert (drawn["draw"], drawn["population"], len(drawn["inquiries"])) == (1, 12, 10)
    assert set(drawn["inquiries"]) <= {str(one) for one in asked}
    again = CliRunner().invoke(app, ["audit", "sample", "--year", year])
    assert "has a draw already (1)" in str(again.exception)
    cli("audit", "sample", "--year", year, "--again", "The first was drawn in a rehearsal")
    shown = cli("audit", "sample", "--show", "1")
    assert drawn["seed"] in shown.stdout

    early = CliRunner().invoke(app, ["audit", "memo", "1"])
    assert isinstance(early.exception, TooSoon)
    for number, inquiry in enumerate(drawn["inquiries"]):
        verdict = ["--meets"] if number else ["--fails", "--note", "No such case", "--error", "Case mistyped"]
        said = cli("audit", "finding", "1", inquiry[:8], *verdict).stdout
        assert f"{9 - number} of 10 inquiries wait" in said
    unknown = CliRunner().invoke(app, ["audit", "finding", "1", "zzz", "--meets"])
    assert "0 inquiries of draw 1 begin like this" in str(unknown.exception)

    cli("audit", "memo", "1", "--to", str(tmp_path / "audits"))
    text = (tmp_path / "audits" / f"alpr-audit-{year}-draw-1.md").read_text()
    paper = (tmp_path / "audits" / f"alpr-audit-{year}-draw-1.pdf").read_bytes()
    assert "9 of 10 inquiries meet" in text
    assert "Case mistyped" in text
    assert "| Draws for this year | 2:" in text
    assert paper.startswith(b"%PDF")
    results = json.loads(CliRunner().invoke(app, ["policy", "check", "--json"]).stdout)["checks"]
    result = {one["check"]: (one["outcome"], one["figure"]) for one in results}
    assert result["filed"] == ("held", "1 memoranda filed")
    assert result["memoranda"][1] == "2 documents; 1 data errors found"


def test_the_log_is_verified_here_and_as_an_export_anywhere(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    for _once in range(3):
        database.ask()
    seal(database, tmp_path / "data")
    assert "3 seals, each as in the copy" in cli("audit", "verify").stdout
    file = tmp_path / "inquiries.jsonl"
    refused = CliRunner().invoke(app, ["audit", "export", str(file)])
    assert isinstance(refused.exception, RefusedInquiry)
    assert not file.exists(), "an export without a reason writes nothing"
    said = cli("audit", "export", str(file), "--reason", "Yearly audit").stdout
    head = said.rsplit(": ", 1)[1].strip()
    assert (
        "the export is intact: 3 seals"
        in cli("audit", "verify", "--export", str(file), "--head", head).stdout
    )
    there = CliRunner().invoke(app, ["audit", "export", str(file), "--reason", "Yearly audit"])
    assert isinstance(there.exception, FileExistsError)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert "seal 2 is missing" in cli("audit", "verify", "--export", str(file), code=1).stderr
    database.client().command(
        "ALTER TABLE platestream.inquiry_log DELETE WHERE kind = 'search'", settings={"mutations_sync": 2}
    )
    assert "is gone from the log" in cli("audit", "verify", code=1).stderr


def test_evidence_from_hold_to_a_package_that_is_verified_without_a_database(
    cli: Cli, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, read("HELD001"), read("OTHER01"))
    result = ["--case", "26-001234", "--authority", "Det. Begay"]
    unknown = CliRunner().invoke(app, ["evidence", "hold", "HELD*", *result, "--schedule", "no such"])
    assert "misdemeanor" in str(unknown.exception)
    nothing = CliRunner().invoke(app, ["evidence", "hold", "ZZZ9*", *result, "--schedule", "felony"])
    assert isinstance(nothing.exception, NothingToHold)
    said = cli("evidence", "hold", "HELD*", *result, "--schedule", "felony").stdout
    found = re.match(r"hold (\S+): 1 detection, 2 pictures, until (\d{4})", said)
    assert found
    hold, until = found.groups()
    assert int(until) >= NOW.year + 9
    (line,) = cli("evidence", "list", "--json").stdout.splitlines()
    assert json.loads(line)["case_number"] == "26-001234"
    assert hold in cli("evidence", "list").stdout

    kept = cli(
        *("evidence", "extend", hold, "--authority", "Subpoena", "--case", "26-CV-18"),
        *("--until", f"{NOW.year + 20}-01-01"),
    )
    assert f"extended until {NOW.year + 20}-01-01" in kept.stdout

    target = tmp_path / "case.zip"
    keyless = CliRunner().invoke(app, ["evidence", "export", hold, str(target)])
    assert isinstance(keyless.exception, PackageError)
    key = tmp_path / "agency.pem"
    fingerprint = cli("evidence", "key", str(key)).stdout.split()[-1]
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(key))
    seal(database, tmp_path / "data")
    assert fingerprint in cli("evidence", "export", hold, str(target), "--receiver", "County Attorney").stdout
    there = CliRunner().invoke(app, ["evidence", "export", hold, str(target)])
    assert isinstance(there.exception, FileExistsError)

    court, sealed = key_pair(tmp_path / "court.txt"), str(tmp_path / "case.zip.age")
    to = ("--encrypt-to", court.recipient.text)
    assert "encrypted to 1 key" in cli("evidence", "export", hold, sealed, *to).stdout
    broken = CliRunner().invoke(
        app, ["evidence", "export", hold, str(tmp_path / "x"), "--encrypt-to", "age1x"]
    )
    assert isinstance(broken.exception, RecipientError)

    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", "chdb:///nowhere/at/all")
    whole = cli("evidence", "verify", str(target), "--key", str(key.with_suffix(".pub"))).stdout
    assert "intact: case 26-001234" in whole
    assert "signed by the given key" in whole
    other = tmp_path / "other.pem"
    package.new_key(other)
    closed = CliRunner().invoke(app, ["evidence", "verify", sealed])
    assert "--identity" in str(closed.exception)
    assert "intact" in cli("evidence", "verify", sealed, "--identity", str(court.file)).stdout
    assert cli("evidence", "verify", str(target), "--key", str(other.with_suffix(".pub")), code=1).stderr
    changed: dict[str, bytes] = package.read(target)
    changed["summary.html"] += b"<p>and more"
    package.write(changed, tmp_path / "changed")
    report = json.loads(cli("evidence", "verify", str(tmp_path / "changed"), "--json", code=1).stdout)
    assert report["faults"] == ["summary.html: is not what was exported"]


@pytest.mark.parametrize(
    "command",
    [
        *("retention run", "retention log", "audit sample", "audit finding", "audit memo", "audit verify"),
        *("audit export", "evidence hold", "evidence extend", "evidence list", "evidence export"),
        *("evidence verify", "evidence key", "policy check", "registry rules"),
    ],
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown: Any = CliRunner().invoke(app, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert re.search(r"Examples?:", shown.output)
