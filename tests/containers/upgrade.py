"""A next release in the running stack and back, as docs/how-to/operator/upgrade.md has it, while frames come.

The next release is made from this one (support/releases.py). What stands in for a ClickHouse server stays.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.containers.looks import hold
from tests.containers.stack import DOCKER, HERE, IMAGE, ROOT, compose, healthy, say, sh, state
from tests.support.releases import next_release

NEXT = f"{IMAGE}-next"
RELEASE = "PLATESTREAM_STAND_IN"
"""What deploy/stand-ins/compose.yml calls the image of the release."""

ALSO_BUILT_OF = (
    "Dockerfile",
    ".dockerignore",
    "pyproject.toml",
    "requirements.txt",
    "README.md",
    "LICENSE",
    "NOTICE",
)
EACH = 8.0
"""Seconds between two passes."""


def build() -> None:
    """The image of the next release."""
    folder = HERE / "next"
    shutil.rmtree(folder, ignore_errors=True)
    next_release(folder)
    (folder / "deploy").mkdir()
    for name in (*ALSO_BUILT_OF, "deploy/with-recovery"):
        shutil.copy(ROOT / name, folder / name)
    os.environ["DOCKER_BUILDKIT"] = "1"
    args = ("--network", "host", "--target", "platestream", "--build-arg", f"PYTHON={IMAGE}-python")
    sh(DOCKER, "build", "--quiet", *args, "--tag", NEXT, str(folder), within=900)
    shutil.rmtree(folder)


@contextmanager
def passing(send: Callable[[], None]) -> Iterator[list[float]]:
    """Sends a pass every few seconds meanwhile; when each was sent."""
    over, sent = threading.Event(), list[float]()
    failed = list[Exception]()

    def go() -> None:
        while not over.is_set():
            try:
                send()
            except Exception as error:
                failed.append(error)
                return
            sent.append(time.monotonic())
            over.wait(EACH)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def move(image: str, services: Sequence[str], names: Sequence[str]) -> None:
    """`docker compose up -d` with the image: a new container for each of `services`, and for no other
    of `names`.
    """
    before = {name: state(name)["Id"] for name in names}
    os.environ[RELEASE] = image
    began = time.monotonic()
    compose("up", "--detach", "--no-build")
    healthy(names)
    changed = {name for name in names if state(name)["Id"] != before[name]}
    hold(changed == set(services), f"made anew were {sorted(changed)}, not {sorted(services)}")
    hold(all(state(name)["Config"]["Image"] == image for name in services), "not all are of the release")
    code = state("setup")["State"]["ExitCode"]
    hold(code == 0, f"setup ended with {code}")
    say(f"        all are healthy after {time.monotonic() - began:.0f} s")
