"""The match flow on several processes or shares beside one: reads a second, read to alert, memory, disks.

All figures of one call are of the same list and reads on one broker, each layout in turn, in several rounds:
one process, several that exchange data and use one store, or shares with a store each. Reads are written
while the loaded processes are stopped, so that all begin at the same time. On a machine of few cores the
processes take the processor from each other and the broker, so the processor time that a detection takes is
given besides: it says what a further core would bring. With `cores` each process has at most so much of a
core while it works off the reads, so that several, and the broker, have what they ask for.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import msgspec

from benchmarks import match_data as drawn
from benchmarks import match_kafka
from benchmarks.recall import measured
from platestream.clickhouse import migrate
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.schemas import tables, topics
from platestream.schemas.detection import Detection
from platestream.settings import embedded_dsn, load_settings

Progress = Callable[[str], None]
DAYS, CAMERAS = 28, 200
DISKED = 20_000
_SIZES = """
SELECT table, sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts
WHERE active AND database = 'platestream' AND table IN ('detections', 'images') GROUP BY table
"""


Layout = tuple[int, int]
"""Processes that use one store, and shares."""
IDLE_S = 10.0


def run(
    layouts: Sequence[Layout],
    entries: int,
    reads: int,
    picture: int,
    rate: float,
    seconds: int,
    rounds: int,
    cores: float,
    say: Progress,
) -> dict[str, Any]:
    """Figures by layout, of reads with `picture` bytes of pictures, 1 % of them listed.

    Read to alert is at `rate` reads a second for `seconds`, the same for all.
    """
    settings, chance = load_settings(), random.Random(drawn.SEED)
    say("drawing")
    plates = dict.fromkeys(drawn.plates(entries, chance))
    found: dict[Layout, list[dict[str, float]]] = {layout: [] for layout in layouts}
    late: dict[Layout, list[float]] = {layout: [] for layout in layouts}
    for round_ in range(rounds):
        for layout in layouts:
            say(f"round {round_ + 1}, {_named(layout)}")
            with match_kafka.cluster(settings) as topics_of, TemporaryDirectory() as folder:
                listed = (drawn.change(drawn.entry(number, plate)) for number, plate in enumerate(plates))
                topics_of.write(topics.HOTLIST, listed)
                with topics_of.flow(Path(folder) / "flow", *layout) as flow:
                    found[layout].append(_measure(topics_of, flow, reads, plates, picture, cores, chance))
                    say(str({name: round(value, 2) for name, value in found[layout][-1].items()}))
                    paced = match_kafka.reads_of(round(rate * seconds), plates, picture, chance)
                    late[layout] += topics_of.pace(paced, plates, rate)
    say("disks")
    first = layouts[0]
    return {
        "entries": entries,
        "reads": reads,
        "bytes_a_read": len(match_kafka.reads_of(1, plates, picture, chance)[0].to_json()),
        "paced_detections_per_s": rate,
        "rounds": rounds,
        "cores_a_process": cores or None,
        "layouts": {
            _named(layout): {
                "detections_per_s": round(_middle(found[layout], "rate")),
                "over_first": round(_middle(found[layout], "rate") / _middle(found[first], "rate"), 2),
                "over_first_each_round": [
                    round(one["rate"] / other["rate"], 2)
                    for one, other in zip(found[layout], found[first], strict=True)
                ],
                "detections_per_cpu_s": round(_middle(found[layout], "per_cpu_s")),
                "cpu_over_first": round(
                    _middle(found[first], "per_cpu_s") / _middle(found[layout], "per_cpu_s"), 2
                ),
                "mb_a_process": round(_middle(found[layout], "memory") / topics.MEGABYTE),
                "idle_cores": round(_middle(found[layout], "idle"), 3),
                "read_to_alert_ms": {
                    name: round(value * 1000) for name, value in match_kafka.quantiles(late[layout]).items()
                },
            }
            for layout in layouts
        },
        "table_bytes_a_row": disk(picture),
    }


def _measure(
    topics_of: match_kafka.Cluster,
    flow: match_kafka.FlowRun,
    reads: int,
    plates: dict[str, None],
    picture: int,
    cores: float,
    chance: random.Random,
) -> dict[str, float]:
    """Figures of reads that wait until all processes have loaded the list, and of the rest afterwards."""
    listed = [read for read in match_kafka.reads_of(20_000, plates, picture, chance) if read.plate in plates]
    topics_of.write(topics.DETECTIONS, iter(listed))
    topics_of.alerts(listed)  # of many cameras, so of each partition
    seen = match_kafka.reads_of(reads, plates, picture, chance)
    with flow.stopped():
        topics_of.write(topics.DETECTIONS, iter(seen))
    with flow.limited(cores):
        began = time.time()
        times = topics_of.alerts([read for read in seen if read.plate in plates], flow).values()
        spent = flow.spent[-1] - flow.spent[0]
    time.sleep(2)  # the last epoch ends
    flow.look()
    time.sleep(IDLE_S)
    flow.look()
    return {
        "rate": len(seen) / (max(times) - began),
        "per_cpu_s": len(seen) / spent,
        "memory": max(flow.memory()),
        "idle": (flow.spent[-1] - flow.spent[-2]) / IDLE_S,
    }


def _named(layout: Layout) -> str:
    processes, shares = layout
    return f"{shares} shares" if shares > 1 else f"{processes} exchanging" if processes > 1 else "1 process"


def _middle(found: list[dict[str, float]], what: str) -> float:
    return statistics.median(one[what] for one in found)


def disk(picture: int, rows: int = DISKED) -> dict[str, float]:
    """Bytes on the disk for a row of detections and of images, merged, of detections drawn over 28 days.

    Readings and confidences are those that the reader had of real pictures. JPEGs do not get smaller.
    """
    chance = random.Random(drawn.SEED)
    said = [[one.confidence for one in shown[1:4]] for shown in measured().pictures if shown]
    plates = dict.fromkeys(drawn.plates(rows // 4, chance))
    first = datetime.now(UTC) - timedelta(days=DAYS)

    def at(number: int, one: Detection) -> Detection:
        when = first + timedelta(days=DAYS) * (number / rows)
        return msgspec.structs.replace(
            one,
            detection_id=UUID(int=chance.getrandbits(128)),
            camera_id=f"cam-{chance.randrange(CAMERAS):03}",
            captured_at=when,
            best_at=when,
            picture=chance.randbytes(picture),
        )

    with TemporaryDirectory() as folder:
        dsn = embedded_dsn(Path(folder))
        owner = connect(dsn, OWNER)
        migrate.apply(owner)
        store = ClickHouseTables(dsn)
        drawn_reads = [
            at(number, one) for number, one in enumerate(drawn.reads(rows, plates, 0.01, chance, said))
        ]
        for table in (tables.DETECTIONS, tables.IMAGES):
            writer = store.writer(table)
            writer.insert(drawn_reads)
            owner.command(f"OPTIMIZE TABLE platestream.{table.name} FINAL")
        sizes = {name: round(size, 1) for name, size in owner.query(_SIZES).result_rows}
        store.close()
        owner.close()
    return sizes
