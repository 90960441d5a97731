"""Speed of the gateway's spool: frames a second, bytes on disk, time until a frame is kept.

python -m benchmarks.spool --frames 500 --bytes 250000 --threads 4
"""

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from platestream.cameras.spool import Spool
from platestream.schemas.message import Message


def run(frames: int, size: int, threads: int, folder: Path) -> dict[str, float]:
    """Figures of one run in `folder`, each frame of `size` bytes that do not compress."""
    spool = Spool(folder, 10**12)
    message = Message(b"camera", os.urandom(size), {"camera-id": "camera"})
    taken: list[float] = []

    def put() -> None:
        for _ in range(frames // threads):
            began = time.perf_counter()
            spool.put("camera", message, 0.0)
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    workers = [threading.Thread(target=put) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    written = time.perf_counter() - began
    on_disk = sum(path.stat().st_size for path in folder.iterdir())
    began = time.perf_counter()
    while batch := spool.take(16):
        spool.done(batch)
    read = time.perf_counter() - began
    taken.sort()
    return {
        "frames": len(taken),
        "put_per_second": round(len(taken) / written, 1),
        "put_p50_ms": round(1000 * taken[len(taken) // 2], 2),
        "put_p99_ms": round(1000 * taken[len(taken) * 99 // 100], 2),
        "take_and_done_per_second": round(len(taken) / read, 1),
        "bytes_on_disk_per_frame": round(on_disk / len(taken)),
        "bytes_on_disk_when_empty": sum(path.stat().st_size for path in folder.iterdir()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--bytes", type=int, default=250_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    result = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=result.folder) as folder:
        print(json.dumps(run(result.frames, result.bytes, result.threads, Path(folder))))  # noqa: T201


if __name__ == "__main__":
    main()
