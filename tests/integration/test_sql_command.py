"""`platestream sql` as people use it: at a terminal, from scripts, as their own account."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from platestream.clickhouse import migrate
from tests.support.engine import Engine
from tests.support.terminal import Terminal

COMMAND = [sys.executable, "-m", "platestream", "sql"]


@pytest.fixture
def environment(engine: Engine, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
    return {**kept, "PLATESTREAM_CLICKHOUSE": engine.dsn("smith"), "XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    with Terminal(COMMAND, environment) as made:
        made.wait_for("as smith")
        made.wait_for("smith@")
        yield made


def run(
    environment: dict[str, str], *options: str, script: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], env=environment, input=script or "", capture_output=True, text=True, timeout=60
    )


def ask(terminal: Terminal, typed: str, shown: str) -> str:
    """Type it, wait until `shown` comes and then the next prompt."""
    terminal.press(f"{typed}\r")
    return terminal.wait_for(shown) + terminal.wait_for("smith@")


def running(engine: Engine, mark: str) -> bool:
    ours = f"query LIKE '%{mark}%' AND query NOT LIKE '%processes%'"
    return bool(engine.rows(f"SELECT count() FROM system.processes WHERE {ours}")[0][0])


def inquiry(made: str, **columns: str) -> str:
    names, values = ", ".join(columns), "', '".join(columns.values())
    return f"INSERT INTO platestream.inquire (inquiry_id, {names}) VALUES ('{made}', '{values}')"


def test_a_statement_of_several_lines_is_answered_as_a_table(terminal: Terminal) -> None:
    terminal.press("SELECT 6 * 7\r")
    assert "42" in ask(terminal, "AS answer;", "1 row")
    terminal.press("\x04")
    assert terminal.ended() == 0


def test_ctrl_c_cancels_the_query_in_the_engine_and_leaves_the_prompt(
    terminal: Terminal, engine: Engine
) -> None:
    mark = f"n{uuid4().hex}"
    terminal.press(
        f"SELECT sum(sleepEachRow(0.1)) AS {mark} FROM numbers(250) SETTINGS max_block_size = 1;\r"
    )
    while not running(engine, mark):
        time.sleep(0.05)
    terminal.press("\x03")
    terminal.wait_for("canceled")
    while running(engine, mark):
        time.sleep(0.05)
    terminal.wait_for("smith@")
    assert "42" in ask(terminal, "SELECT 6 * 7;", "1 row")
    terminal.press("SELECT 'half a statement\x03")
    terminal.wait_for("smith@")
    assert "48" in ask(terminal, "SELECT 6 * 8;", "1 row")
    terminal.press("exit\r")
    assert terminal.ended() == 0


@pytest.mark.nightly
def test_an_engine_that_was_started_again_is_asked_on_and_no_setting_is_forgotten_in_silence(
    own_engine: Engine, environment: dict[str, str]
) -> None:
    own_engine.start()
    migrate.apply(own_engine.client("owner"))
    environment["PLATESTREAM_CLICKHOUSE"] = own_engine.dsn("smith")
    with Terminal(COMMAND, environment) as terminal:
        terminal.wait_for("smith@")
        ask(terminal, "SELECT 6 * 7;", "1 row")
        own_engine.kill()
        ask(terminal, "SELECT 6 * 7;", "gave no answer")
        own_engine.start()
        ask(terminal, "SELECT 6 * 7;", "1 row")
        ask(terminal, "SET max_block_size = 77;", "done")
        own_engine.kill()
        own_engine.start()
        ask(terminal, "SELECT 6 * 7;", "is forgotten")
        ask(terminal, "SELECT 6 * 7;", "1 row")


def test_tab_completes_the_names_of_views(terminal: Terminal) -> None:
    terminal.press("SHOW TABLES FROM platestr\t")
    terminal.wait_for("eam")  # the rest of the name
    assert "sightings" in ask(terminal, ";", "rows")


def test_the_history_on_disk_is_its_owners_and_has_no_plate(
    terminal: Terminal, environment: dict[str, str], tmp_path: Path
) -> None:
    made = str(uuid4())
    asked = inquiry(made, case_number="26-00123", reason="of Ms Canary", pattern="CANARY7")
    ask(terminal, f"{asked}; -- for CANARY8", f"inquiry {made}: allowed")
    ask(terminal, 'SELECT CANARY9, "CANARY10";', "code 47")
    terminal.press("\x1b[A")  # in this session it comes back whole
    terminal.wait_for("CANARY10")
    terminal.press("\x03")
    terminal.wait_for("smith@")
    terminal.press("\x04")
    assert terminal.ended() == 0
    history = tmp_path / "platestream" / "sql_history"
    assert history.stat().st_mode & 0o777 == 0o600
    kept = history.read_text()
    assert "CANARY" not in kept.upper()
    assert "26-00123" not in kept
    assert "INSERT INTO platestream.inquire (inquiry_id, case_number, reason, pattern) VALUES ('…'" in kept
    with Terminal(COMMAND, environment) as later:
        later.wait_for("smith@")
        later.press("\x1b[A\x1b[A")
        later.wait_for("'…'")


def test_a_history_that_is_a_link_is_not_followed(environment: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "platestream").mkdir()
    (tmp_path / "platestream" / "sql_history").symlink_to(target)
    with Terminal(COMMAND, environment) as made:
        made.wait_for("sql_history")
        assert made.ended() == 1
    assert target.read_text() == "mine"


def test_a_script_runs_to_its_first_error(environment: dict[str, str]) -> None:
    done = run(environment, "--format", "csv", script="SELECT 1 AS a, ';' AS b; SELECT nothing; SELECT 3;")
    assert done.stdout == "a,b\n1,;\n"
    assert done.stderr.startswith("code 47: ")
    assert done.returncode == 1


def test_settings_of_a_script_hold_for_what_follows(environment: dict[str, str]) -> None:
    done = run(
        environment,
        "--format",
        "csv",
        "-c",
        "SET max_block_size = 77; SELECT getSetting('max_block_size') AS s",
    )
    assert done.stdout == "s\n77\n"


TIMES = (
    "SELECT toDateTime64('2026-07-01 12:00:00.5', 3, 'UTC') AS at, [at] AS list, NULL AS none,"
    " 0.97::Float32 AS sure"
)


def test_times_are_those_of_the_agency_whose_rules_are_in_force(environment: dict[str, str]) -> None:
    shown = run(environment, "-c", TIMES).stdout
    assert shown.count("2026-07-01 05:00:00.500 MST") == 2
    assert "0.97 " in shown
    assert "NULL" in shown


def test_csv_and_json_have_the_offset_and_the_databases_own_formats_are_utc(
    environment: dict[str, str],
) -> None:
    local = "2026-07-01T05:00:00.500000-07:00"
    (row,) = [
        json.loads(line) for line in run(environment, "--format", "json", "-c", TIMES).stdout.splitlines()
    ]
    assert row == {"at": local, "list": [local], "none": None, "sure": 0.97}
    assert run(environment, "--format", "csv", "-c", TIMES).stdout.splitlines()[1].startswith(local)
    stored = "2026-07-01 12:00:00.500"
    assert run(environment, "--format", "TSV", "-c", TIMES).stdout.startswith(stored)
    assert run(environment, "-c", f"{TIMES} FORMAT TSV").stdout.startswith(stored)


def test_what_the_gate_refuses_is_said_with_its_rule_and_fails_a_script(
    environment: dict[str, str],
) -> None:
    made = str(uuid4())
    done = run(environment, "-c", inquiry(made, kind="search", pattern="ABC*"))
    assert f"inquiry {made}: refused: neither case number nor reason" in done.stderr
    assert done.returncode == 1


def test_nothing_that_is_stored_moves_the_terminal(environment: dict[str, str]) -> None:
    shown = run(environment, "-c", r"SELECT '\x1b[2J[red]x\n\u202e' AS `\x1b[2J[b]`").stdout
    assert "\x1b" not in shown
    assert r"\x1b[2J[red]x\n\u202e" in shown
    assert r"\x1b[2J[b]" in shown


def test_a_large_table_ends_and_says_so(environment: dict[str, str]) -> None:
    done = run(environment, "-c", "SELECT number FROM numbers(5000)")
    assert "the first 1000 rows" in done.stderr
    assert done.returncode == 0
    assert (
        run(environment, "--format", "csv", "-c", "SELECT number FROM numbers(5000)").stdout.count("\n")
        == 5001
    )


def test_without_an_engine_it_says_what_to_do(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["PLATESTREAM_CLICKHOUSE"]
    environment["PLATESTREAM_DATA"] = str(tmp_path / "data")
    done = run(environment, "-c", "SELECT 1")
    assert "platestream up" in done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "data").exists()
    environment["PLATESTREAM_CLICKHOUSE"] = "http://smith:secret@127.0.0.1:1/platestream"
    done = run(environment, "-c", "SELECT 1")
    assert (
        done.stderr == "platestream: no answer from 127.0.0.1:1\n  does the engine or the server run there?\n"
    )


def test_a_wrong_password_is_said_and_not_shown(environment: dict[str, str], engine: Engine) -> None:
    environment["PLATESTREAM_CLICKHOUSE"] = f"http://smith:secret77@127.0.0.1:{engine.port}/platestream"
    done = run(environment, "-c", "SELECT 1")
    assert "code 516" in done.stderr
    assert "secret77" not in done.stderr + done.stdout
    assert done.returncode == 1
