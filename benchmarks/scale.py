"""The match flow on several processes of one machine beside one: detections a second, read to alert, disks.

All figures of one call are of the same list and reads on one broker, each number of processes in turn, in
several rounds. On a machine of few cores the processes take the processor from each other and the broker, so
the processor time that a detection takes is given besides: it says what a further core would bring.
"""

import random
import statistics
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


def run(
    counts: Sequence[int],
    entries: int,
    reads: int,
    picture: int,
    rate: float,
    seconds: int,
    rounds: int,
    say: Progress,
) -> dict[str, Any]:
    """Figures by number of processes, of reads with `picture` bytes of pictures, 1 % of them listed.

    Read to alert is at `rate` reads a second for `seconds`, the same for all.
    """
    settings, chance = load_settings(), random.Random(drawn.SEED)
    say("drawing")
    plates = dict.fromkeys(drawn.plates(entries, chance))
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    late: dict[int, list[float]] = {count: [] for count in counts}
    for round_ in range(rounds):
        for count in counts:
            say(f"round {round_ + 1}, {count} processes")
            with match_kafka.cluster(settings) as topics_of, TemporaryDirectory() as folder:
                seen = match_kafka.reads_of(reads, plates, picture, chance)
                listed = (drawn.change(drawn.entry(number, plate)) for number, plate in enumerate(plates))
                topics_of.write(topics.HOTLIST, listed)
                topics_of.write(topics.DETECTIONS, iter(seen))
                with topics_of.flow(Path(folder) / "flow", count) as flow:
                    wanted = [read for read in seen if read.plate in plates]
                    times = sorted(topics_of.alerts(wanted, flow).values())
                    spent = flow.spent[-1] - flow.spent[0]
                    rated = {"rate": len(seen) / (times[-1] - times[0]), "per_cpu_s": len(seen) / spent}
                    found[count].append(rated)
                    paced = match_kafka.reads_of(round(rate * seconds), plates, picture, chance)
                    late[count] += topics_of.pace(paced, plates, rate)
    say("disks")
    return {
        "entries": entries,
        "reads": reads,
        "bytes_a_read": len(match_kafka.reads_of(1, plates, picture, chance)[0].to_json()),
        "paced_detections_per_s": rate,
        "rounds": rounds,
        "processes": {
            str(count): {
                "detections_per_s": round(statistics.median(one["rate"] for one in found[count])),
                "over_one": round(_middle(found, count, "rate") / _middle(found, counts[0], "rate"), 2),
                "detections_per_cpu_s": round(_middle(found, count, "per_cpu_s")),
                "read_to_alert_ms": {
                    name: round(value * 1000) for name, value in match_kafka.quantiles(late[count]).items()
                },
            }
            for count in counts
        },
        "table_bytes_a_row": disk(picture),
    }


def _middle(found: dict[int, list[dict[str, float]]], count: int, what: str) -> float:
    return statistics.median(one[what] for one in found[count])


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
