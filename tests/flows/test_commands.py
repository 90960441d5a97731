"""The command line as its users run it, on the embedded edge, in a process of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from platestream.cli.main import app
from platestream.schemas.acts import ROLES
from platestream.settings import system_account
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flow_process import ROOT
from tests.support.flows import plate_picture

EXPIRES = (NOW + timedelta(days=20)).date().isoformat()
CSV = (
    "reference,plate,state,category,case_number,reason,requested_by,contact,instructions,expires_at\n"
    f"1,AST 3087,az,stolen_vehicle,26-0101,stolen,Vale,928-555-0114,P/C for arrest,{EXPIRES}\n"
    f"2,XYZ-9876,NM,wanted_person,26-0102,warrant,Vale,928-555-0114,Do not stop,{EXPIRES}\n"
)
SECTION_H = (
    *(
        "--case",
        "26-0101",
        "--reason",
        "Taken from 1st West",
        "--by",
        "Ofc. Vale",
        "--contact",
        "928-555-0114",
    ),
    *("--instructions", "P/C for arrest"),
)


class Cli:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.env = {name: text for name, text in os.environ.items() if not name.startswith("PLATESTREAM_")}
        self.env["PLATESTREAM_DATA"] = str(data)

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "platestream", *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == code, (done.stdout + done.stderr)[-3000:]
        return done.stdout, done.stderr


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "data")


class Office:
    """Commands in this process, on the database of the tests: each process of its own would take a second."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, (done.output + repr(done.exception))[-3000:]
        return done.stdout, f"{done.stderr}{done.exception or ''}"


@pytest.fixture
def office(database: Database, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))
    return Office(database)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "list.csv"
    file.write_text(CSV)
    return file


def entries(cli: Office) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("hotlist", "list", "--json")[0].splitlines()]


def test_an_import_sends_only_what_changed(office: Office, csv: Path) -> None:
    load = ("hotlist", "import", str(csv), "--source", "sjpd")
    assert "2 new or changed, 0 removed, 0 unchanged" in office(*load)[0]
    assert "0 new or changed, 0 removed, 2 unchanged" in office(*load)[0]
    csv.write_text("".join(CSV.splitlines(keepends=True)[:2]).replace("stolen,Vale", "stolen,Begay"))
    assert "1 new or changed, 1 removed, 0 unchanged" in office(*load)[0], "one entry may always go"
    assert [(one["entry_id"], one["plate"], one["state"]) for one in entries(office)] == [
        ("sjpd:1", "AST3087", "AZ")
    ]
    assert "sjpd: imported 0.0 h ago" in office("hotlist", "check")[0]


def test_a_bad_line_is_named_and_its_entry_stays(office: Office, csv: Path) -> None:
    office("hotlist", "import", str(csv), "--source", "sjpd")
    head, _first, second = CSV.splitlines()
    csv.write_text(f"{head}\n{second.replace('26-0102', '')}\n")
    refused = office("hotlist", "import", str(csv), "--source", "sjpd", code=1)[1]
    assert "none of its 1 lines is an entry that can be listed: nothing was changed" in refused
    assert len(entries(office)) == 2
    _out, err = office(
        "hotlist", "import", str(csv), "--source", "sjpd", "--force", "Only one of the two was right", code=1
    )
    assert "list.csv, line 2" in err
    assert "case_number" in err
    assert "XYZ" not in err, "a plate does not reach a message"
    assert [one["entry_id"] for one in entries(office)] == ["sjpd:2"], "it was not in the file, line 2 was"


def test_an_own_entry_without_its_case_is_refused_with_the_field_named(office: Office) -> None:
    result = ["--plate", "AST3087", "--category", "stolen_vehicle", "--expires", EXPIRES]
    _out, err = office("hotlist", "add", "26-1", *result, code=1)
    assert "case_number, reason, requested_by, contact, instructions" in err
    _out, err = office("hotlist", "add", "26-1", *result[:4], "--expires", "2020-01-01", *SECTION_H, code=1)
    assert "`expires_at` is past" in err
    _out, err = office("hotlist", "add", "26-1", *result, "--source", "nobody", *SECTION_H, code=1)
    assert "`source` is not designated" in err


def test_an_entry_is_added_shown_and_removed_and_each_change_is_on_record(office: Office) -> None:
    result = ["--plate", "ast-3087", "--category", "amber_alert", "--expires", EXPIRES]
    assert "order, section H" in office("hotlist", "add", "A1", *result, code=1)[1]
    out, _err = office("hotlist", "add", "A1", *result, *SECTION_H)
    assert f"on the list until {EXPIRES} 23:59 MST" in out
    assert "look-back of 1 entry over all stored reads: 0 historical hits" in out
    assert [one["plate"] for one in entries(office)] == ["AST3087"]
    assert "sjpd:A1 is removed from the list" in office("hotlist", "remove", "sjpd:A1")[0]
    assert entries(office) == []
    assert "not on the list" in office("hotlist", "remove", "sjpd:A1", code=1)[1]
    rows = office.database.rows(
        "SELECT kind, other, change FROM platestream.inquiry_log "
        "WHERE kind IN ('hotlist_add', 'hotlist_remove') AND outcome = 'allowed' ORDER BY at"
    )
    assert [row[:2] for row in rows] == [("hotlist_add", "sjpd:A1"), ("hotlist_remove", "sjpd:A1")]
    assert "added, " in rows[0][2]
    assert "removed, " in rows[1][2]
    assert "AST3087" not in str(rows)


def test_wrong_usage_is_code_two(cli: Cli) -> None:
    cli("hotlist", "import", code=2)
    cli("search", "AST3087", "--since", "yesterday", code=2)


@pytest.mark.nightly
def test_migrations_apply_once(cli: Cli) -> None:
    would = cli("migrate", "--dry-run")[0]
    assert "would apply 0100" in would
    assert "would apply views/gate" in would
    assert "applied 0100" in cli("migrate")[0]
    assert "nothing to apply" in cli("migrate")[0]
    listed = cli("migrate", "--list")[0]
    assert "views/gate" in listed
    assert "pending" not in listed


@dataclass(frozen=True)
class Demo:
    cli: Cli
    told: dict[str, Any]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A folder in which the demo ran, and what it told."""
    cli = Cli(tmp_path_factory.mktemp("demo") / "data")
    return Demo(cli, json.loads(cli("demo", "--json")[0]))


def test_the_demo_reads_hits_refuses_and_seals(demo: Demo) -> None:
    result = demo.told
    assert result["frames"] == 43
    assert {"CKR4572", "HWE3958"} <= {one["plate"] for one in result["detections"]}
    assert {"exact", "look_alike"} <= {hit["match"] for hit in result["hits"]}
    assert {(hit["status"], hit["historical"]) for hit in result["hits"]} == {("unverified", False)}
    assert "sjpd:SJ-26-0102" not in {hit["entry"] for hit in result["hits"]}, "it had expired"
    assert [letter["reason"] for letter in result["dead_letters"]] == ["not_a_picture"]
    assert result["inquiry"]["found"] >= 1
    assert "neither case number nor reason" in result["refused"]
    assert result["seals"] > len(result["hits"])
    assert result["faults"] == []


def test_the_person_who_ran_the_demo_may_do_everything_by_the_rules(demo: Demo) -> None:
    (person,) = (json.loads(line) for line in demo.cli("registry", "list", "user", "--json")[0].splitlines())
    assert (person["id"], person["role"].split(",")) == (system_account(), list(ROLES))
    assert "is on shift until" in demo.cli("shift", "login")[0]
    found, _err = demo.cli("search", "CKR*", "--reason", "checking the demo", "--json")
    assert {json.loads(line)["plate"] for line in found.splitlines()} == {"CKR4572"}
    assert "neither case number nor reason" in demo.cli("search", "CKR*", code=1)[1]
    assert "never sealed" not in demo.cli("audit", "verify")[1], "young rows need no seal yet"


@pytest.mark.slow
@pytest.mark.nightly
def test_the_demo_runs_again_in_its_folder(demo: Demo) -> None:
    again = json.loads(demo.cli("demo", "--json")[0])
    assert (again["frames"], again["faults"]) == (43, [])
    assert again["seals"] > demo.told["seals"], "one log, continued"


def test_read_takes_a_video_and_a_cameras_stream_and_draws_what_it_read(
    cli: Cli, tmp_path: Path, served: str
) -> None:
    picture = cv2.imdecode(np.frombuffer(plate_picture("KTA1234"), np.uint8), cv2.IMREAD_COLOR)
    picture = cv2.copyMakeBorder(picture, 100, 100, 200, 200, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    picture = cv2.resize(picture, (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2))
    size = (picture.shape[1], picture.shape[0])
    video = cv2.VideoWriter(str(tmp_path / "street.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, size)
    for _ in range(12):
        video.write(picture)
    video.release()
    drawn = tmp_path / "drawn"
    shown, _ = cli(
        "read", "--json", "--every", "4", "--frames", "1", "--draw", str(drawn),
        str(tmp_path / "street.mp4"), f"{served}/street.mp4",
    )  # fmt: skip
    lines = [json.loads(line) for line in shown.splitlines()]
    assert [line["plates"][0]["plate"] for line in lines] == ["KTA1234"] * 4
    assert [line["file"].split("#")[-1] for line in lines[:3]] == ["0", "4", "8"]
    assert len(list(drawn.glob("*.jpg"))) == 4


def test_read_says_what_is_not_there(cli: Cli) -> None:
    assert "nowhere.jpg does not exist" in cli("read", "nowhere.jpg", code=2)[1]
    _, result = cli("read", "rtsp://user:secret@127.0.0.1:1/stream", code=1)
    assert "camera 1: the stream cannot be opened" in result
    assert "secret" not in result


@pytest.mark.parametrize(
    ("setting", "value", "result"),
    [("MODELS", "nowhere", "needs inference.onnx"), ("DEVICE", "cuda", "no CUDAExecutionProvider")],
)
def test_read_says_in_one_line_that_models_are_not_there_or_cannot_run(
    cli: Cli, tmp_path: Path, setting: str, value: str, result: str
) -> None:
    (tmp_path / "good.jpg").write_bytes(plate_picture("KTA1234"))
    cli.env[f"PLATESTREAM_{setting}"] = value
    _, err = cli("read", str(tmp_path / "good.jpg"), code=1)
    assert result in err
    assert "Traceback" not in err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """An HTTP server of the test's folder, as a camera that serves its stream."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_read_prints_a_line_a_picture_and_says_which_it_could_not_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(plate_picture("KTA1234"))
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 no")
    out, err = cli("read", "--json", str(tmp_path / "good.jpg"), str(tmp_path / "bad.jpg"), code=1)
    (line,) = out.splitlines()
    result = json.loads(line)
    assert result["plates"][0]["plate"] == "KTA1234"
    assert len(result["plates"][0]["box"]) == 4
    assert "bad.jpg" in err
