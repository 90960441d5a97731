"""The stack on this machine's Docker engine: Compose, what its containers say, and the log of the run."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = ROOT / "build" / "containers"
RUN = HERE / "run"
"""A copy of what Compose reads, with secrets of its own."""

PROJECT = "platestream-stand-ins"
IMAGE = "platestream-stand-in"
OUTSIDE = f"{IMAGE}-outside"
DOCKER = "/usr/bin/docker"
PARTNERS = "partners"
"""The service that answers other agencies, its profile, its network, and its name there."""

BEGAN = time.monotonic()


class WrongError(AssertionError):
    """What the run was to see is not so."""


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {time.monotonic() - BEGAN:6.0f} s  {text}", flush=True)  # noqa: DTZ005


@contextmanager
def step(name: str) -> Iterator[None]:
    """Says how long it took; a failure is the run's."""
    began = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"FAILED  {name}, after {time.monotonic() - began:.1f} s")
        raise
    say(f"ok      {name} ({time.monotonic() - began:.1f} s)")


def sh(*command: str, check: bool = True, within: float = 300, given: str | None = None) -> str:
    """What a command says, on standard output, `given` its input. Raises WrongError with all it says when it
    fails.
    """
    ran = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False, input=given)
    if check and ran.returncode:
        raise WrongError(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def docker(*arguments: str, check: bool = True) -> str:
    return sh(DOCKER, *arguments, check=check)


def compose(*arguments: str, within: float = 600, given: str | None = None) -> str:
    files = ("-f", str(RUN / "docker-compose.yml"), "-f", str(ROOT / "deploy" / "stand-ins" / "compose.yml"))
    project = ("--project-directory", str(RUN), "--project-name", PROJECT)
    return sh(str(HERE / "docker-compose"), *project, *files, *arguments, within=within, given=given)


def until(what: str, holds: Callable[[], bool], within: float) -> None:
    """Returns as soon as it holds. Raises WrongError after so many seconds."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise WrongError(f"not within {within:.0f} s: {what}")
        time.sleep(0.5)


def lay_out(files: dict[str, str]) -> None:
    """What Compose reads, copied to RUN, with fresh secrets and `files`."""
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    for name in ("deploy", "clickhouse", "grafana"):
        shutil.copytree(ROOT / name, RUN / name, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
    shutil.copy(ROOT / "docker-compose.yml", RUN)
    # The certificate is for localhost, too, where the pages are opened.
    sh("python3", str(RUN / "deploy" / "make_secrets.py"), "--name", PARTNERS)
    put(files)


def put(files: dict[str, str]) -> None:
    """Files that containers read: text by path below RUN."""
    for name, text in files.items():
        path = RUN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o444)


def declared(*profiles: str) -> dict[str, Any]:
    """The services as Compose understands them, with those of profiles; those that are kept running only."""
    asked = [word for profile in profiles for word in ("--profile", profile)]
    services: dict[str, Any] = json.loads(compose(*asked, "config", "--format", "json"))["services"]
    return {name: result for name, result in services.items() if result["restart"] == "always"}


def container(service: str) -> str:
    return f"{PROJECT}-{service}-1"


def state(service: str) -> dict[str, Any]:
    """What the engine says of a service's container."""
    found: dict[str, Any] = json.loads(docker("inspect", container(service)))[0]
    return found


def healthy(services: Sequence[str], within: float = 300) -> None:
    """Returns when all of them are. Raises WrongError that names those that are not."""

    def ill() -> list[str]:
        states = {name: state(name)["State"] for name in services}
        return [
            name
            for name, one in states.items()
            if not one["Running"] or one.get("Health", {}).get("Status") != "healthy"
        ]

    try:
        until("all healthy", lambda: not ill(), within)
    except WrongError:
        raise WrongError(f"not healthy within {within:.0f} s: {', '.join(ill())}") from None


def inside(service: str, *command: str) -> str:
    return docker("exec", container(service), *command)


def kill(service: str) -> None:
    """SIGKILL to the container's first process: `docker kill` would count as a wish to stop it."""
    os.kill(state(service)["State"]["Pid"], 9)


def came_back(service: str, restarts: int) -> None:
    """Returns when the engine has started it again."""
    until(f"{service} is started again", lambda: state(service)["RestartCount"] > restarts, 60)


def tools(account: str, *arguments: str, mount: str = "", given: str | None = None) -> str:
    """The command line as a person uses it, with the DSN in RUN/`account`, and `given` as its input."""
    signed = ["-v", f"{RUN / account}:/run/me:ro", "-e", "PLATESTREAM_CLICKHOUSE_FILE=/run/me"]
    more = ["-v", f"{RUN / mount}:/{mount}:ro"] if mount else []
    return compose("run", "--rm", "-T", "--no-deps", *signed, *more, "tools", *arguments, given=given)


def outside(
    name: str,
    network: str,
    *command: str,
    mounts: Sequence[str] = (),
    image: str = OUTSIDE,
    more: Sequence[str] = (),
) -> None:
    """A container that is no part of the stack, on one of its networks, known there by its name; `more` are
    options of `docker run`.
    """
    docker("rm", "-f", f"{PROJECT}-{name}", check=False)
    joined = ["--network", f"{PROJECT}_{network}", "--network-alias", name]
    given = [word for mount in mounts for word in ("-v", mount)]
    docker("run", "-d", "--name", f"{PROJECT}-{name}", *joined, *given, *more, image, *command)


def gone(*names: str) -> None:
    docker("rm", "-f", *(f"{PROJECT}-{name}" for name in names), check=False)
