"""Apache Kafka for the tests: one node in KRaft mode on this machine, run from the jars that Maven copies.

Tests take the fixtures `kafka` (one broker for the run, shared by all pytest-xdist workers) or `own_kafka`
(a broker of the test's own, which it may stop and kill); `tests/conftest.py` has both. What is here needs
Java 17 or newer, and Maven with a network once: `python -m tests.support.kafka_broker` copies the jars
ahead, and from then on nothing is fetched.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.jars import KAFKA, JarsUnavailableError, fetch_jars, locked
from tests.support.waiting import wait_until as wait_until

EXISTING = "PLATESTREAM_TEST_KAFKA"
LARGEST_MESSAGE = 32 * 1024 * 1024

SETTINGS: Mapping[str, object] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "message.max.bytes": LARGEST_MESSAGE,
    "replica.fetch.max.bytes": LARGEST_MESSAGE,
    # a killed broker comes back only when its last session has run out (9 s by default)
    "broker.heartbeat.interval.ms": 300,
    "broker.session.timeout.ms": 1500,
    # internal topics on one node
    "offsets.topic.num.partitions": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    # deletion and compaction within about a second, so that a test can wait for them
    "log.initial.task.delay.ms": 100,
    "log.retention.check.interval.ms": 300,
    "log.segment.delete.delay.ms": 100,
    "log.cleaner.backoff.ms": 300,
    "log.cleaner.min.cleanable.ratio": 0.001,
    "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
    # small: the tests run beside it on two cores
    "num.network.threads": 2,
    "num.io.threads": 2,
    "background.threads": 2,
    "num.recovery.threads.per.data.dir": 2,
}


class KafkaUnavailableError(Exception):
    """Kafka cannot be run on this machine; the text says what is missing."""


class KafkaStartError(Exception):
    """Kafka was run and did not become ready; the text has the path of its log and the log's end."""


def find_java() -> str:
    """The path of a Java of version 17 or newer: that of JAVA_HOME, else that on the PATH."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise KafkaUnavailableError("Apache Kafka needs Java 17 or newer: no java found")
    more = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    version = re.search(r'version "(\d+)', more)
    if version is None or int(version[1]) < 17:
        raise KafkaUnavailableError(f"Apache Kafka needs Java 17 or newer: {java} says {more.strip()!r}")
    return java


def fetch_kafka() -> Path:
    """Return the folder of Kafka's jars. Raises KafkaUnavailableError."""
    try:
        return fetch_jars(KAFKA)
    except JarsUnavailableError as e:
        raise KafkaUnavailableError(f"Apache Kafka: {e}") from e


def free_port() -> int:
    """A free port below the ephemeral ones, which this run of the tests was not given before.

    A client that keeps trying an ephemeral port of its own machine can connect to itself, and then
    the broker that it waits for cannot take the port back. Processes that run tests side by side have shares
    of their own, as nobody listens yet on a port that another has just been given.
    """
    for port in islice(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise KafkaStartError("no free port between 20000 and 32000")


def _share() -> list[int]:
    """This process's ports, in an order of its own."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = range(20_000 + number, 32_000, count)
    return random.sample(ports, len(ports))


_PORTS = cycle(_share())


class Kafka:
    """A broker that can be reached at `bootstrap`."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def admin(self) -> AdminClient:
        """Keep it until its futures are done: when it is collected before, they never are."""
        return AdminClient(
            {"bootstrap.servers": self.bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200}
        )

    def ready(self, within: float = 1) -> bool:
        """Whether the broker answers and leads every partition."""
        try:
            found = self.admin().list_topics(timeout=within)
        except KafkaException:
            return False
        return bool(found.brokers) and all(
            partition.leader >= 0
            for topic in found.topics.values()
            for partition in topic.partitions.values()
        )

    @staticmethod
    def unique(stem: str) -> str:
        """A name for a topic, a group or a transaction that no other test has."""
        return f"{stem}-{uuid.uuid4().hex[:12]}"

    def topic(self, stem: str, partitions: int = 1, **settings: object) -> str:
        """Creates a topic, `topic("hotlist", cleanup_policy="compact")`, and returns its unique name."""
        name = self.unique(stem)
        self.create(name, partitions, **settings)
        return name

    def create(self, name: str, partitions: int = 1, **settings: object) -> None:
        """Creates a topic and waits until its partitions are led."""
        config = {key.replace("_", "."): str(value) for key, value in settings.items()}
        admin = self.admin()
        admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(timeout=10)

        def led() -> bool:
            found = admin.list_topics(name, timeout=5).topics[name].partitions.values()
            return len(found) == partitions and all(partition.leader >= 0 for partition in found)

        wait_until(led, 10, f"topic {name} led")


class KafkaBroker(Kafka):
    """A broker that this process starts and stops.

    It keeps its port and its data from one start to the next. `stop` lets it shut down, `kill` does not.
    It is killed when the process `owner` (this one, unless told otherwise) is gone without a word.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        super().__init__(f"127.0.0.1:{self.port}")
        self.data = folder / "data"
        self.log = folder / "kafka.log"
        self._properties = folder / "server.properties"
        self._java = find_java()
        self._jars = fetch_kafka()
        self._process: subprocess.Popen[bytes] | None = None
        self._configure({**SETTINGS, **(settings or {})})

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the broker is not running")
        return self._process.pid

    def start(self, within: float = 60, owner: int | None = None) -> None:
        """Starts the broker, for the first time or again, and returns when it is ready."""
        if self._process is not None:
            raise RuntimeError("the broker is running")
        if not self.data.exists():
            self._format()
        command = self._command("-Xmx512m", "kafka.Kafka")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        _kill_when_gone(owner or os.getpid(), self._process.pid)
        self._await_ready(within)

    def stop(self, within: float = 30) -> None:
        """SIGTERM: a clean shutdown; SIGKILL when that has not ended `within` seconds."""
        self._end(signal.SIGTERM, within)

    def kill(self) -> None:
        """SIGKILL: what a crash leaves behind."""
        self._end(signal.SIGKILL, 10)

    def _end(self, by: signal.Signals, within: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def _configure(self, settings: Mapping[str, object]) -> None:
        controller = free_port()
        edges = {
            "listeners": f"CLIENT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "log.dirs": str(self.data),
        }
        lines = [f"{key}={value}\n" for key, value in {**settings, **edges}.items()]
        self._properties.write_text("".join(lines))

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an id that begins with a minus would be taken for an option, one time in 64.
        tool = ["kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}", "-c"]
        command = self._command("-Xmx128m", *tool)
        with self.log.open("ab") as log:
            code = subprocess.run(command, stdout=log, stderr=log, timeout=60, check=False).returncode
        if code:
            raise KafkaStartError(self._told(f"formatting the data folder failed with {code}"))

    def _command(self, *rest: str) -> list[str]:
        dated = "-Dorg.slf4j.simpleLogger.showDateTime=true"
        return [
            self._java,
            dated,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{self._jars}/*",
            *rest,
            str(self._properties),
        ]

    def _await_ready(self, within: float) -> None:
        process = self._process
        assert process is not None
        try:
            wait_until(lambda: process.poll() is not None or self.ready(), within, "Kafka ready")
        except TimeoutError as e:
            self.kill()
            raise KafkaStartError(self._told(str(e))) from e
        if process.poll() is not None:
            self._process = None
            raise KafkaStartError(self._told(f"Kafka ended with {process.returncode}"))

    def _told(self, what: str) -> str:
        end = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        return f"{what}; its log is {self.log} and ends with\n{end}"


def _kill_when_gone(owner: int, pid: int) -> None:
    """A test run that is killed stops nothing itself: this shell notices within a second and does."""
    watch = '(while kill -0 "$1"; do kill -0 "$0" || kill -9 "$1"; sleep 1; done) >/dev/null 2>&1 &'
    subprocess.run(["/bin/sh", "-c", watch, str(owner), str(pid)], start_new_session=True, check=True)


class SharedBroker:
    """The one broker of a test run, whichever of its processes needs it first.

    The run's folder is known to all of them. The first to ask starts the broker and writes down where it is;
    the run's main process, which may never have needed it, stops it at the end.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._found = run / "broker.json"
        self._started: KafkaBroker | None = None

    def reach(self, owner: int) -> Kafka:
        with locked(self._run / "lock"):
            if not self._found.exists():
                self._started = KafkaBroker(self._run / "broker")
                self._started.start(owner=owner)
                where = {"bootstrap": self._started.bootstrap, "pid": self._started.pid}
                self._found.write_text(json.dumps(where))
        return Kafka(json.loads(self._found.read_text())["bootstrap"])

    def stop(self) -> None:
        """Kills the broker and removes the folder; of one that did not start, the log stays."""
        if self._started is not None:
            self._started.kill()
        elif self._found.exists():
            with suppress(ProcessLookupError):
                os.kill(json.loads(self._found.read_text())["pid"], signal.SIGKILL)
        if self._found.exists() or not (self._run / "broker").exists():
            shutil.rmtree(self._run, ignore_errors=True)


if __name__ == "__main__":
    try:
        find_java()
        print(f"the jars of Apache Kafka are in {fetch_kafka()}")
    except KafkaUnavailableError as problem:
        sys.exit(str(problem))
