"""Figures of benchmarks/notes/engine.md: `python -m tests.support.measure_engine`. Both sides run in turn."""

import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.clickhouse import migrate
from platestream.edges.clickhouse import INSERT_SETTINGS
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.schemas import tables
from tests.support.engine import Engine
from tests.support.flows import detection

ROWS = 100_000
TIMES = 200


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "engine")
        seconds = engine.start()
        over = engine.client("owner")
        inside = connect(f"chdb://{folder}/inside", OWNER, explain=True)
        for client in (over, inside):
            migrate.apply(client)
        figures: dict[str, Any] = {"start s": round(seconds, 2)}
        figures["small select ms (in process, over HTTP, ratio)"] = both(inside, over, select)
        figures["small insert of 10 rows ms"] = both(inside, over, small_insert)
        figures["native insert of 100,000 detections rows/s"] = large(inside, over)
        figures["readers: selects/s with 1, 2, 4, 8"] = [readers(engine, count) for count in (1, 2, 4, 8)]
        figures["scans of 2e7 rows/s with 1, 2, 4"] = [readers(engine, n, SCAN, 6) for n in (1, 2, 4)]
        figures["after: MiB resident, threads"] = resident(engine.pid)
        before = cpu(engine.pid)
        time.sleep(20)
        figures["idle CPU % of a core over 20 s"] = round((cpu(engine.pid) - before) / 20 * 100, 2)
        fresh = Engine(Path(folder) / "fresh")
        fresh.start()
        figures["fresh: MiB resident, threads"] = resident(fresh.pid)
        fresh.stop()
        engine.stop()
    print(json.dumps(figures, indent=1))


SCAN = "SELECT sum(cityHash64(number)) FROM numbers(20000000) SETTINGS max_threads = 1"


def select(client: Client) -> None:
    client.query(
        "SELECT count() FROM platestream.detections WHERE camera_id = {c:String}", parameters={"c": "x"}
    )


def small_insert(client: Client) -> None:
    rows = [[uuid4(), "search", "stolen vehicle", "ABC*"] for _ in range(10)]
    client.insert("platestream.inquire", rows, column_names=["inquiry_id", "kind", "reason", "pattern"])


def both(inside: Client, over: Client, work: Callable[[Client], None]) -> list[float]:
    times: dict[str, list[float]] = {"inside": [], "over": []}
    for _ in range(TIMES):
        for name, client in (("inside", inside), ("over", over)):
            began = time.perf_counter()
            work(client)
            times[name].append((time.perf_counter() - began) * 1000)
    one, two = statistics.median(times["inside"]), statistics.median(times["over"])
    return [round(one, 2), round(two, 2), round(two / one, 2)]


def large(inside: Client, over: Client) -> list[float]:
    base = detection("ABC123", 0, "cam")
    rates = []
    for client in (inside, over):
        best = 0.0
        for turn in range(3):
            rows = []
            for number in range(ROWS):
                at = base.captured_at + timedelta(milliseconds=turn * ROWS + number)
                rows += tables.DETECTIONS.rows(
                    msgspec.structs.replace(base, captured_at=at, detection_id=uuid4())
                )
            began = time.perf_counter()
            client.insert(
                "platestream.detections",
                rows,
                column_names=list(tables.DETECTIONS.columns),
                settings=INSERT_SETTINGS,
            )
            best = max(best, ROWS / (time.perf_counter() - began))
        rates.append(best)
    return [round(rates[0]), round(rates[1]), round(rates[1] / rates[0], 2)]


def readers(engine: Engine, count: int, sql: str = "SELECT 1", times: int = 150) -> float:
    clients = [engine.client("owner") for _ in range(count)]

    def read(client: Client) -> None:
        for _ in range(times):
            client.query(sql)

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(count * times / (time.perf_counter() - began), 1)


def resident(pid: int) -> list[int]:
    statm = Path(f"/proc/{pid}/statm").read_text().split()
    return [int(statm[1]) * 4096 // 2**20, len(list(Path(f"/proc/{pid}/task").iterdir()))]


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
