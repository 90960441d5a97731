"""Fixtures of all tests. `kafka` is shared, `own_kafka` the test's own: support/kafka_broker.py says more."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.support.database import database, empty_database, migrated, own_database, shared
from tests.support.kafka_broker import (
    EXISTING,
    SETTINGS,
    Kafka,
    KafkaBroker,
    KafkaUnavailableError,
    SharedBroker,
)

__all__ = ["database", "empty_database", "migrated", "own_database", "shared"]

# How long an example takes says how busy the machine is, nothing else.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

RUN = "PLATESTREAM_TEST_KAFKA_RUN"
OWNER = "PLATESTREAM_TEST_KAFKA_OWNER"
LONGEST = ("chaos", "integration", "browser", "flows", "engine")
SHARED = pytest.StashKey[SharedBroker]()


def pytest_configure(config: pytest.Config) -> None:
    """The run's main process makes the folder; pytest-xdist's workers inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = tempfile.mkdtemp(prefix="platestream-kafka-")
        os.environ[OWNER] = str(os.getpid())
    config.stash[SHARED] = SharedBroker(Path(os.environ[RUN]))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[SHARED].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders with the longest files first: at the end of a run by several processes none waits for long."""
    items.sort(
        key=lambda item: min((LONGEST.index(one) for one in item.path.parts if one in LONGEST), default=9)
    )
    for item in items:
        if {"kafka", "own_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


def skip_unless_ci(reason: str) -> NoReturn:
    """In CI (the variable CI is set) nothing that a test needs may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI this is not skipped")
    pytest.skip(reason)


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
