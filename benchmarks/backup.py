"""Encrypted backup of very many inquiries, and its restore on a bare machine: times and size."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.published_log import fill_sealed
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.schemas.inquiry import FIRST
from platestream.settings import embedded_dsn


def run(inquiries: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of each step; all in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as name:
        folder = Path(name)
        say(f"{inquiries} sealed inquiries")
        owner = connect(embedded_dsn(folder / "ours"), OWNER)
        migrate.apply(owner)
        fill_sealed(owner, 0, inquiries, FIRST)
        owner.close()
        found: dict[str, Any] = {"inquiries": inquiries}
        for step, data, words in (
            ("key", "ours", ("backup-key", "identity.txt")),
            ("backup", "ours", ("backup", "kept.age", "--recipients", "recipients.txt")),
            ("restore", "bare", ("restore", "kept.age", "--identity", "identity.txt")),
            ("verify", "bare", ("audit", "verify")),
        ):
            say(step)
            output, seconds = _timed(folder, data, words)
            if step == "key":
                (folder / "recipients.txt").write_text(output)
            else:
                found[f"{step}_s"] = seconds
        found["bytes"] = (folder / "kept.age").stat().st_size
    return found


def _timed(folder: Path, data: str, words: tuple[str, ...]) -> tuple[str, float]:
    """Run a command to its end; return its output and its seconds."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PLATESTREAM_DATA": str(folder / data)}
    output = folder / "output"
    began = time.monotonic()
    with output.open("wb") as file:
        command = [sys.executable, "-m", "platestream", *(_path(folder, word) for word in words)]
        subprocess.run(command, env=environment, stdout=file, check=True)
    return output.read_text(), round(time.monotonic() - began, 1)


def _path(folder: Path, word: str) -> str:
    return str(folder / word) if "." in word else word
