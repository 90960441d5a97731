"""The wheel as a stranger installs it: in an environment of its own, run in an empty folder."""

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from platestream.edges.files import FileTopics
from platestream.schemas import topics
from tests.support.kafka_broker import free_port
from tests.support.tree import ROOT

UV = str(Path(sys.executable).with_name("uv"))


class Installed:
    """The installed package: its command, with nothing of this process's environment."""

    def __init__(self, environment: Path) -> None:
        self.environment = environment

    @property
    def packages(self) -> Path:
        return next(self.environment.glob("lib/python3*/site-packages"))

    def run(self, folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        given = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **settings}
        command = [str(self.environment / "bin" / "platestream"), *words]
        return subprocess.run(
            command, cwd=folder, env=given, capture_output=True, text=True, timeout=240, check=False
        )


@pytest.fixture(
    scope="module",
    params=["--constraint=requirements.txt", pytest.param("--upgrade", marks=pytest.mark.nightly)],
    ids=["the locked versions", "the newest versions"],
)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    python = folder / "environment" / "bin" / "python"
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    for command in (
        [*build, "--out-dir", str(folder), str(ROOT)],
        [UV, "venv", "--quiet", "--python", sys.executable, str(folder / "environment")],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    wheel = next(folder.glob("*.whl"))
    install = [UV, "pip", "install", "--quiet", "--python", str(python), request.param, str(wheel)]
    subprocess.run(install, cwd=ROOT, check=True)
    return Installed(folder / "environment")


def test_it_puts_one_package_into_site_packages(installed: Installed) -> None:
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"platestream"}
    there = {path.name for path in installed.packages.iterdir()}
    assert ours & there == {"platestream"}
    assert (installed.packages / "platestream" / "py.typed").exists()


def test_it_says_its_version_and_offers_no_benchmarks(installed: Installed, tmp_path: Path) -> None:
    assert installed.run(tmp_path, "--version").stdout == f"platestream {version('platestream')}\n"
    shown = installed.run(tmp_path, "--help").stdout
    assert "  demo " in shown
    assert "  bench " not in shown


@pytest.mark.nightly
def test_the_demo_runs_in_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(tmp_path, "demo", "--json")
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(done.stdout)
    assert len(found["hits"]) == 8


@pytest.fixture
def running(installed: Installed, tmp_path: Path) -> Iterator[tuple[Installed, Path]]:
    options = ["--port", str(free_port()), "--console", str(free_port()), "--boards", "0"]
    begun = installed.run(tmp_path, "up", "--sample", *options)
    try:
        assert "console" in begun.stdout, begun.stderr
        yield installed, tmp_path
    finally:
        assert installed.run(tmp_path, "down").returncode == 0


@pytest.mark.nightly
def test_the_sample_system_reads_plates(running: tuple[Installed, Path]) -> None:
    installed, folder = running
    until = time.monotonic() + 180
    while not list(FileTopics(folder / "data", follow=False).read_to_end(topics.DETECTIONS)):
        assert time.monotonic() < until, installed.run(folder, "status").stdout
        time.sleep(1)
    shown = installed.run(folder, "status", "--json").stdout
    states = {one["name"]: one["state"] for one in msgspec.json.decode(shown)["processes"]}
    assert {name for name, state in states.items() if state == "running"} == set(states), states
    assert states.keys() >= {"engine", "match", "audit", "console"}
