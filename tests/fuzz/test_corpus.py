"""What fuzzing found once is not there any more, and the runner finds what is planted."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest

from tests.fuzz.mutations import mutations
from tests.fuzz.targets import BY_NAME, TARGETS
from tests.fuzz.watch import CORPUS, Watch
from tests.support.database import close_all

MUTATIONS = 300
SECONDS = 0.3  # for the mutations of one target at most; its corpus goes through whole
LARGEST_CORPUS = 300_000  # bytes


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without a line of the log for each input that is refused."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
    close_all()


@pytest.mark.parametrize("name", BY_NAME)
def test_no_input_crashes_hangs_or_grows(name: str, tmp_path: Path, quiet: None) -> None:
    target = BY_NAME[name]
    watch = Watch(target, tmp_path)  # the seeds go through
    try:
        for data in target.kept:
            watch(data)
        ends = perf_counter() + SECONDS
        for data in mutations([*target.seeds, *target.kept], MUTATIONS, seed=len(name)):
            watch(data)
            if perf_counter() > ends:
                break
    finally:
        watch.close()


@pytest.mark.nightly
def test_planted_faults_are_found_and_what_is_declared_is_none() -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz.planted"]
    said = subprocess.run(
        command, cwd=CORPUS.parents[2], capture_output=True, text=True, timeout=120, check=True
    )
    counts = [line for line in said.stdout.splitlines() if " inputs, slowest " in line]
    found = {line.split()[0]: "FAULT" in line for line in counts}
    assert found == {"crashes": True, "hangs": True, "grows": True, "sound": False}
    assert "KeyError: 'planted'" in said.stdout
    assert "timeout after" in said.stdout
    assert "GrowthError" in said.stdout


def test_the_corpus_is_small_and_of_targets() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST_CORPUS
    assert {path.parent.name for path in files} <= {one.name for one in TARGETS}
