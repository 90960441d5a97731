"""Three brokers that keep every topic three times; the first one is the controller, too."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from platestream.edges.kafka_client import properties
from tests.support.kafka_broker import SETTINGS, KafkaBroker, KafkaStartError, wait_until

NODES = 3
COPIES = {
    "offsets.topic.replication.factor": NODES,
    "transaction.state.log.replication.factor": NODES,
    "transaction.state.log.min.isr": 2,
    "replica.lag.time.max.ms": 3000,
    "min.insync.replicas": 2,
}


class Follower(KafkaBroker):
    """A broker of the cluster whose controller is `first`, which runs."""

    def __init__(self, folder: Path, first: KafkaBroker, node: int) -> None:
        self._first = first
        super().__init__(folder, {**SETTINGS, **COPIES, "process.roles": "broker", "node.id": node})

    def _configure(self, settings: Mapping[str, object]) -> None:
        super()._configure(settings)
        result = properties(self._properties.read_text())
        listener = result["listeners"].partition(",")[0]
        result |= {"listeners": listener, "advertised.listeners": listener}
        of_first = properties((self._first.data.parent / "server.properties").read_text())
        result["controller.quorum.bootstrap.servers"] = of_first["controller.quorum.bootstrap.servers"]
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in result.items()))

    def _format(self) -> None:
        cluster = properties((self._first.data / "meta.properties").read_text())["cluster.id"]
        tool = [
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "--no-initial-controllers",
            "-c",
        ]
        with self.log.open("ab") as log:
            command = self._command("-Xmx128m", *tool)
            code = subprocess.run(command, stdout=log, stderr=log, timeout=60, check=False).returncode
        if code:
            raise KafkaStartError(self._told(f"formatting the data folder failed with {code}"))


@contextmanager
def cluster(folder: Path) -> Iterator[list[KafkaBroker]]:
    """The brokers, started; the first one is the controller and stays."""
    first = KafkaBroker(folder / "1", {**SETTINGS, **COPIES})
    nodes: list[KafkaBroker] = [first]
    try:
        first.start()
        for node in range(2, NODES + 1):
            nodes.append(Follower(folder / str(node), first, node))
            nodes[-1].start()
        wait_until(lambda: len(first.admin().list_topics(timeout=5).brokers) == NODES, 60, "three brokers")
        yield nodes
    finally:
        for one in nodes:
            one.kill()
