"""The table of policy checks."""

import os
import subprocess
import sys

from platestream.policy.table import CHECKS


def test_each_check_names_its_requirement() -> None:
    assert all(one.what for one in CHECKS)


def test_a_process_without_docstrings_reports_no_checks_without_requirements() -> None:
    environment = {**os.environ, "PYTHONOPTIMIZE": "2"}
    command = [sys.executable, "-c", "import platestream.policy.table"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert "unset PYTHONOPTIMIZE" in ran.stderr
