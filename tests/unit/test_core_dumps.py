"""Processes that hold plates leave no core dump."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RAISED = """
import resource
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
"""
TOLD = """
import ctypes
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
# How each kind of process begins, up to where it has something to hold.
BEGINS = {
    "a command, the gateway, the console": """
import sys
from platestream.cli import main
sys.argv = ["platestream", "--help"]
try:
    main.main()
except SystemExit:
    pass
""",
    "a flow": """
from platestream import flow_process
from platestream.settings import Settings
flow_process.start_process(Settings())
""",
    "the engine": """
from platestream.engine import __main__ as engine
engine._serve = lambda options: None
assert engine.main(["--data", "data", "--port", "1"]) == 0
""",
}


def run(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PLATESTREAM_")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", RAISED + code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("kind", BEGINS)
def test_each_kind_of_process_forbids_dumps(tmp_path: Path, kind: str) -> None:
    before = run(TOLD, tmp_path)
    assert before.stdout.endswith(") 1\n"), before.stderr
    after = run(BEGINS[kind] + TOLD, tmp_path)
    assert after.stdout.splitlines()[-1] == "(0, 0) 0", after.stderr


CRASH = """
import os
from platestream.runtime import core_dumps
core_dumps.disable()
plate = "CANARY7" * 99
os.abort()
"""


def test_a_process_that_crashes_with_a_plate_in_memory_writes_it_nowhere(tmp_path: Path) -> None:
    died = run(CRASH, tmp_path)
    assert died.returncode == -6, died.stderr
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
