"""Fixtures and markers of tests. `kafka` is shared, `own_kafka` a test's own (support/kafka_broker.py)."""

import gc
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from platestream.keys import in_use
from tests.support.database import database, empty_database, migrated, own_database, shared
from tests.support.kafka_broker import (
    EXISTING,
    SETTINGS,
    Kafka,
    KafkaBroker,
    KafkaUnavailableError,
    SharedBroker,
)
from tests.support.temporary import memory_folder

__all__ = ["database", "empty_database", "migrated", "own_database", "shared"]

# How long an example takes says how busy the machine is, nothing else.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

RUN = "PLATESTREAM_TEST_KAFKA_RUN"
OWNER = "PLATESTREAM_TEST_KAFKA_OWNER"
FIXTURES = {
    "kafka": ("kafka", "own_kafka"),
    "clickhouse": ("migrated", "empty_database", "engine", "own_engine"),
    "browser": ("browser",),
    "go": ("go",),
}
"""Fixtures that need something from outside of Python, by marker."""
FOLDERS = {
    "attacks": "slow",
    "browser": "browser",
    "chaos": "chaos",
    "drawing": "slow",
    "fuzz": "slow",
    "integration": "integration",
    "package": "slow",
}
SMOKE = frozenset(
    (
        "test_commands",
        "test_console_hits",
        "test_gate",
        "test_hits_commands",
        "test_retention",
        "test_search_command",
        "test_tables",
    )
)
"""Files that pass once over the embedded engine, from a search to deletion; in `make quick`."""
DURATIONS = Path(__file__).with_name("durations.tsv")
SHARED = pytest.StashKey[SharedBroker]()
MEMORY = pytest.StashKey[Path | None]()
PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)  # before pytest decides where its temporary folders are
def pytest_configure(config: pytest.Config) -> None:
    """The run's main process makes the folders; pytest-xdist's workers inherit their names."""
    if not hasattr(config, "workerinput"):
        config.stash[MEMORY] = None if config.option.basetemp else memory_folder()
        if folder := config.stash[MEMORY]:
            config.option.basetemp = str(folder / "t")
            (folder / "tmp").mkdir()
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
        os.environ[RUN] = tempfile.mkdtemp(prefix="platestream-kafka-")
        os.environ[OWNER] = str(os.getpid())
    config.stash[SHARED] = SharedBroker(Path(os.environ[RUN]))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[SHARED].stop()
        if (folder := config.stash[MEMORY]) and PASSED in config.stash:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without garbage collection, which would go through all that was imported again and again.

    What is there afterwards stays until the end, so it is left out of collections from then on.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "write the seconds of each file of tests into tests/durations.tsv"
    parser.addoption("--record-durations", action="store_true", help=text)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their needs, and put the longest files first.

    At the end of a run by several processes none of them then works alone for long.
    """
    seconds = read_durations()
    items.sort(key=lambda item: -seconds.get(item.path.stem, 0))
    for item in items:
        for mark, names in FIXTURES.items():
            if not set(names).isdisjoint(getattr(item, "fixturenames", ())):
                item.add_marker(mark)
        for folder, mark in FOLDERS.items():
            if folder in item.path.parts:
                item.add_marker(mark)
        if item.path.stem in SMOKE:
            item.add_marker("smoke")


def read_durations() -> dict[str, float]:
    """Return how many seconds each file of tests took when it was last measured, by its stem."""
    lines = DURATIONS.read_text().splitlines() if DURATIONS.exists() else []
    return {name: float(seconds) for name, seconds in (line.split("\t") for line in lines)}


_measured: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _measured[Path(report.location[0]).stem] += report.duration


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the figures of files that did not run, and leave out those that take no time worth a line."""
    if exitstatus == pytest.ExitCode.OK:
        session.config.stash[PASSED] = True
    if session.config.getoption("--record-durations") and not hasattr(session.config, "workerinput"):
        found = {**read_durations(), **_measured}
        lines = [f"{name}\t{round(found[name])}\n" for name in sorted(found) if found[name] >= 2]
        DURATIONS.write_text("".join(lines))


def skip_unless_ci(reason: str) -> NoReturn:
    """In CI (the variable CI is set) nothing that a test needs may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI this is not skipped")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def keys_released() -> Iterator[None]:
    """A process holds a lock for each folder of keys that it used; tests use thousands."""
    yield
    in_use.forget()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stays until the end of the run.

    Fixtures make folders of their own in it with `mkdtemp`: pytest makes one for each file that imports it.
    """
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module", autouse=True)
def folders_removed(
    request: pytest.FixtureRequest, run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Remove what a file's fixtures left when it has passed; each test's own folder goes with the test."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        for folder in tmp_path_factory.getbasetemp().iterdir():
            if folder != run_folder and folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Kafka:
    """One broker for the run, or the one that PLATESTREAM_TEST_KAFKA names: use topics of your own."""
    existing = os.environ.get(EXISTING)
    if existing:
        found = Kafka(existing)
        if not found.ready(within=10):
            pytest.fail(f"{EXISTING}={existing}: no answer, or partitions without a leader")
        return found
    try:
        return pytestconfig.stash[SHARED].reach(owner=int(os.environ[OWNER]))
    except KafkaUnavailableError as e:
        skip_unless_ci(str(e))


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker, started, that the test may stop, kill and start again; its settings may be a parameter."""
    try:
        broker = KafkaBroker(tmp_path / "kafka", getattr(request, "param", SETTINGS))
    except KafkaUnavailableError as e:
        skip_unless_ci(str(e))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(broker.data, ignore_errors=True)
