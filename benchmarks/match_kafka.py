"""The match flow on Kafka: loading the list, detections a second, read to alert, beside bare consumers.

The broker is the one that the settings name; the topics are made for this and deleted at the end. The flow
is a process of its own, started as an operator starts it: one worker, a recovery store, epochs of 1 s.
Arrivals are the broker's own times (LogAppendTime) on both topics. Rates are also given by the second of
processor time of consumer and flow alone, because broker, bench and whatever else run on the same machine.
"""

import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import msgspec
from bytewax.dataflow import Dataflow
from bytewax.recovery import init_db_dir
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks import match_data as drawn
from benchmarks.running import cpu_seconds
from platestream.clickhouse import migrate
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.edges.edge import Edge
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_write import KafkaWriter
from platestream.flows import match_flow
from platestream.schemas import topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.topics import Topic
from platestream.settings import Settings, embedded_dsn, load_settings

PREFIX = "PLATESTREAM_BENCH_PREFIX"
USED = (
    *(topics.HOTLIST, topics.REGISTRY, topics.DETECTIONS, topics.IN_VIEW),
    *(topics.ALERT_HITS, topics.DEAD_LETTERS),
)
CHUNK = 5000
PATIENCE = 900.0
CONTROL_GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 20_000
Progress = Callable[[str], None]


def flow() -> Dataflow:
    """Return the match flow on the bench's topics, for `bytewax.run`."""
    settings = load_settings()
    share, prefix = settings.partitions, os.environ[PREFIX]
    edge = Edge(
        KafkaTopics(settings.kafka, settings.kafka_properties(), prefix=prefix, share=share),
        ClickHouseTables(settings.clickhouse),
        share=share,
    )
    return match_flow.build(edge)  # with a clock that stands, each wake-up for expiry would be due at once


def run(
    entries: int, patterns: int, reads: int, picture: int, seconds: int, rounds: int, say: Progress
) -> dict[str, Any]:
    """All figures of one list and one set of reads, 1 % listed; a read has `picture` bytes of pictures."""
    settings = load_settings()
    chance = random.Random(drawn.SEED)
    say(f"drawing {entries} entries")
    plates = dict.fromkeys(drawn.plates(entries, chance))
    seen = reads_of(reads, plates, picture, chance)
    with (
        cluster(settings) as nothing,
        cluster(settings) as large_topics,
        TemporaryDirectory() as folder,
    ):
        say("writing the list")
        listed = (drawn.change(drawn.entry(number, plate)) for number, plate in enumerate(plates))
        partial = (drawn.change(drawn.pattern(number, chance)) for number in range(patterns))
        for changes in (listed, partial):
            large_topics.write(topics.HOTLIST, changes)
        say("writing reads")
        large_topics.write(topics.DETECTIONS, iter(seen))
        say("bare consumers")
        bare = [large_topics.bare(topics.HOTLIST, None) for _round in range(rounds)]
        decoding = [large_topics.bare(topics.HOTLIST, HotListEntry.from_json) for _round in range(rounds)]
        counting = [large_topics.bare(topics.DETECTIONS, Detection.from_json) for _round in range(rounds)]
        say("start without a list")
        one = drawn.read(0, "AAA1111")
        nothing.write(topics.HOTLIST, iter([drawn.change(drawn.entry(0, one.plate))]))
        nothing.write(topics.DETECTIONS, iter([one]))
        with nothing.flow(Path(folder) / "nothing") as small:
            start = min(nothing.alerts([one], small).values()) - small.began
        say("match flow: list and reads")
        wanted = [read for read in seen if read.plate in plates]
        with large_topics.flow(Path(folder) / "flow") as large:
            times = sorted(large_topics.alerts(wanted, large).values())
            # Of few reads all alerts may come in one answer of the broker.
            matched = max(times[-1] - times[0], 0.001)
            loaded, rate = times[0] - large.began - start, len(seen) / matched
            say(f"{rate:,.0f} detections/s; read to alert at half of it")
            pace = rate / 2
            latency = large_topics.pace(
                reads_of(round(pace * seconds), plates, picture, chance), plates, pace
            )
    (read, read_cpu), (decode, decode_cpu), (count, count_cpu) = map(_medians, (bare, decoding, counting))
    loaded_cpu = large.spent[0] - small.spent[0]
    # Few reads may take less than a tick of the clock.
    matched_cpu = max(large.spent[-1] - large.spent[0], 0.01)
    return {
        "entries": entries + patterns,
        "load_s": round(loaded, 1),
        "load_over_bare_read": round(loaded / read, 2),
        "load_over_bare_decode": round(loaded / decode, 2),
        "load_cpu_s": round(loaded_cpu, 1),
        "load_over_bare_read_cpu": round(loaded_cpu / read_cpu, 2),
        "load_over_bare_decode_cpu": round(loaded_cpu / decode_cpu, 2),
        "start_s": round(start, 1),
        "reads": len(seen),
        "bytes_a_read": len(seen[0].to_json()),
        "flow_detections_per_s": round(rate),
        "bare_detections_per_s": round(len(seen) / count),
        "flow_over_bare": round(rate * count / len(seen), 3),
        "flow_detections_per_cpu_s": round(len(seen) / matched_cpu),
        "bare_detections_per_cpu_s": round(len(seen) / count_cpu),
        "flow_over_bare_cpu": round(count_cpu / matched_cpu, 3),
        "paced_detections_per_s": round(pace),
        "paced_s": seconds,
        "alerts": len(latency),
        "read_to_alert_ms": {name: round(value * 1000) for name, value in quantiles(latency).items()},
    }


def _medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one[0] for one in taken), statistics.median(one[1] for one in taken)


def reads_of(count: int, plates: dict[str, None], picture: int, chance: random.Random) -> list[Detection]:
    """Reads of other ids than all before; no listed plate twice on one camera, so that each alerts."""
    first, shown = chance.getrandbits(64), bytes(chance.randbytes(picture))
    return [
        msgspec.structs.replace(
            one, detection_id=UUID(int=first + number), camera_id=f"cam-{number}", picture=shown
        )
        for number, one in enumerate(drawn.reads(count, plates, 0.01, chance))
    ]


def quantiles(values: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "most": max(values)}


@contextmanager
def cluster(settings: Settings) -> Iterator["Cluster"]:
    made = Cluster(settings, f"bench-{uuid4().hex[:8]}-")
    try:
        yield made
    finally:
        made.delete()


class Cluster:
    """Topics of one part of the bench on the broker."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._config: dict[str, Any] = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
        self._env = {**os.environ, PREFIX: prefix}
        self._prefix = prefix
        self._admin = AdminClient(self._config)
        fields = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(32 * topics.MEGABYTE)}
        new = [NewTopic(prefix + one.name, one.partitions, 1, config=fields) for one in USED]
        for future in self._admin.create_topics(new).values():
            future.result(30)

    def delete(self) -> None:
        for future in self._admin.delete_topics([self._prefix + one.name for one in USED]).values():
            future.result(30)

    def write(self, topic: Topic[Any], records: Iterator[Any]) -> None:
        """Records, acknowledged."""
        writer = KafkaWriter(self._config, replace(topic, name=self._prefix + topic.name))
        chunk: list[Any] = []
        for record in records:
            chunk.append(record)
            if len(chunk) == CHUNK:
                writer.publish(chunk)
                chunk = []
        writer.publish(chunk)

    def bare(self, topic: Topic[Any], decode: Callable[[bytes], Any] | None) -> tuple[float, float]:
        """Seconds, and of them of the processor, that a consumer takes to read, and decode, a topic to its
        end."""
        began, spent = time.perf_counter(), time.process_time()
        for raw in self._consume(topic):
            if decode is not None:
                decode(raw.value())
        return time.perf_counter() - began, time.process_time() - spent

    def _consume(self, topic: Topic[Any]) -> Iterator[Any]:
        # by the client's default a consumer that is behind pauses for a second, as the flow's does not
        fields = {"group.id": "bench", "enable.partition.eof": True, "fetch.queue.backoff.ms": 10}
        consumer = Consumer({**self._config, **fields})
        parts = range(topic.partitions)
        name = self._prefix + topic.name
        consumer.assign([TopicPartition(name, part, OFFSET_BEGINNING) for part in parts])
        ended = 0
        while ended < topic.partitions:
            for raw in consumer.consume(1000, timeout=0.05):
                error = raw.error()
                if error is None:
                    yield raw
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended += 1
        consumer.close()

    @contextmanager
    def flow(self, folder: Path, processes: int = 1, shares: int = 1) -> Iterator["FlowRun"]:
        """The flow while it runs on so many processes that use one recovery store, or on so many shares,
        each with a store and tables of its own.
        """
        places = [folder / str(number) for number in range(shares)]
        for place in places:
            owner = connect(embedded_dsn(place), OWNER)
            migrate.apply(owner)
            owner.close()
            (place / "recovery").mkdir()
            init_db_dir(place / "recovery", processes)
        addresses = ";".join(f"127.0.0.1:{port}" for port in free_ports(processes))
        began = time.time()
        started = [
            self._start(place, number, shares, ("-i", str(one), "-a", addresses) if processes > 1 else ())
            for number, place in enumerate(places)
            for one in range(processes)
        ]
        try:
            yield FlowRun(began, [one.pid for one in started])
        finally:
            for one in started:
                one.kill()
            for one in started:
                one.wait(10)

    def _start(self, place: Path, number: int, shares: int, more: Sequence[str]) -> "subprocess.Popen[bytes]":
        command = [
            *(sys.executable, "-m", "bytewax.run", "benchmarks.match_kafka:flow"),
            *("-r", str(place / "recovery"), "-s", "1", "-b", "0", *more),
        ]
        named = {"PLATESTREAM_CLICKHOUSE": embedded_dsn(place), "PLATESTREAM_SHARE": f"{number + 1}/{shares}"}
        return subprocess.Popen(command, env={**self._env, **named})

    def alerts(self, reads: Sequence[Detection], flow: "FlowRun | None" = None) -> dict[UUID, float]:
        """Wait until the alert of each read is at the broker, and return its time of arrival by read."""
        wanted, until = {read.detection_id for read in reads}, time.monotonic() + PATIENCE
        found: dict[UUID, float] = {}
        consumer = Consumer({**self._config, "group.id": "bench"})
        name = self._prefix + topics.ALERT_HITS.name
        parts = range(topics.ALERT_HITS.partitions)
        consumer.assign([TopicPartition(name, part, OFFSET_BEGINNING) for part in parts])
        while wanted - found.keys():
            for raw in consumer.consume(1000, timeout=0.05):
                hit = AlertHit.from_json(raw.value())
                found.setdefault(hit.detection.detection_id, raw.timestamp()[1] / 1000)
            if flow is not None and found:
                flow.look()
            if time.monotonic() > until:
                raise TimeoutError(f"{len(wanted - found.keys())} of {len(wanted)} alerts did not come")
        consumer.close()
        return {name: at for name, at in found.items() if name in wanted}

    def pace(self, reads: Sequence[Detection], plates: dict[str, None], rate: float) -> list[float]:
        """Sends reads at `rate` a second; seconds from each listed one's arrival to that of its alert."""
        producer = Producer({**self._config, "linger.ms": 1, "acks": "all", "partitioner": "murmur2_random"})
        arrived: dict[UUID, float] = {}
        name = self._prefix + topics.DETECTIONS.name
        messages = [(read, topics.DETECTIONS.encode(read), read.plate in plates) for read in reads]
        began = time.perf_counter()
        for number, (read, message, is_listed) in enumerate(messages):
            while number > (time.perf_counter() - began) * rate:
                producer.poll(0.001)
            note = _note(arrived, read.detection_id) if is_listed else None
            producer.produce(name, key=message.key, value=message.value, on_delivery=note)
        producer.flush()
        seen = self.alerts([read for read, _message, is_listed in messages if is_listed])
        return [seen[name] - at for name, at in arrived.items()]


@dataclass
class FlowRun:
    """Processes: when they were started (seconds since 1970), and the processor time used at each look."""

    began: float
    pids: Sequence[int]
    spent: list[float] = field(default_factory=list)

    def look(self) -> None:
        self.spent.append(sum(map(cpu_seconds, self.pids)))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Hold all processes, so that what is written meanwhile waits for all of them."""
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        yield
        self.look()
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def limited(self, cores: float) -> Iterator[None]:
        """Give each process at most so many cores (none: 0), by control groups of version 1."""
        groups = [CONTROL_GROUPS / f"platestream-bench-{pid}" for pid in self.pids if cores]
        for group, pid in zip(groups, self.pids, strict=False):
            group.mkdir()
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(round(cores * PERIOD_US)))
            (group / "cgroup.procs").write_text(str(pid))
        yield
        for group, pid in zip(groups, self.pids, strict=False):
            (CONTROL_GROUPS / "cgroup.procs").write_text(str(pid))
            group.rmdir()

    def memory(self) -> list[int]:
        """Return the resident bytes of each process."""
        return [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in self.pids]


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _note(arrived: dict[UUID, float], name: UUID) -> Callable[[Any, Any], None]:
    def delivered(error: KafkaError | None, message: Any) -> None:
        if error is None:
            arrived[name] = message.timestamp()[1] / 1000

    return delivered
