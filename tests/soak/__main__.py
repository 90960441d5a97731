"""`python -m tests.soak --minutes 60`: `platestream up` under twice a busy hour, watched, drawn, recounted.

A busy hour of a camera: 500 vehicles, a tenth of the 5,000 of a busy day (benchmarks/notes/scaling.md).
Of an agency's people: 167 looks, a twelfth of 2,000, four of which are a round of the officer at the console.
Ends with 1 where the recount finds a fault, where a process started again, and where one holds more at the
end than after its warming up.
"""

import argparse
import csv
import dataclasses
import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.checker.journal import SHOTS
from tests.checker.street import OFFICER, PASSWORD, Street, over, street, uploading
from tests.soak.chart import picture
from tests.soak.growth import growth, table
from tests.soak.officer import Officer
from tests.soak.watch import Sample, disk, samples
from tests.support.receivers import http_receiver

BUSY_VEHICLES, BUSY_ROUNDS = 500, 42
LISTED_EACH = 50
"""Of so many vehicles of a camera one is listed."""
MOST, STRIDE = 9_000, 3_571
"""Vehicles of a camera: plates have four figures, of which two that follow each other differ in several."""
PERIOD, DISK_PERIOD = 5.0, 30.0
Disk = list[tuple[float, dict[str, int]]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--times", type=float, default=2, help="how many busy hours in one; 2")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="for samples, curves and table")
    options = parser.parse_args()
    vehicles = round(BUSY_VEHICLES * options.times * options.minutes / 60) + 1
    if vehicles > MOST:
        parser.error(f"{vehicles} vehicles of a camera are over {MOST}: fewer minutes, or fewer times")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="platestream-soak-") as folder, http_receiver() as web:
        made = street(Path(folder), web)
        for camera in made.cameras:
            camera.every = 3600 / (BUSY_VEHICLES * options.times)
            camera.apart, camera.stride = timedelta(seconds=camera.every), STRIDE
        made.listed = {
            camera.plate(number): f"acic:{camera.name}{number}"
            for camera in made.cameras
            for number in range(0, vehicles, LISTED_EACH)
        }
        try:
            return _soak(made, options.minutes, 3600 / (BUSY_ROUNDS * options.times), options.out)
        finally:
            made.system.run("down")


def _soak(made: Street, minutes: float, look_each: float, out: Path) -> int:
    made.begin()
    # More vehicles than an officer is shown in 24 hours: a supervisor allows it.
    raised = made.system.run("registry", "raise-limit", OFFICER, "--vehicles", "10000", "--case", "26-001234")
    assert raised.returncode == 0, raised.stderr
    officer = Officer(made.system.console, OFFICER, PASSWORD, look_each)
    began = time.monotonic()
    for camera in made.cameras:
        camera.first = datetime.now(UTC).replace(microsecond=0)
    threads = uploading(made)
    at_console = threading.Thread(target=officer.run, daemon=True)
    at_console.start()
    taken, on_disk = _watched(made, began, 60 * minutes, out / "samples.csv")
    loads = os.getloadavg()
    officer.over.set()
    over(made, threads)
    at_console.join(120)
    found = growth(taken)
    title = f"{minutes:.0f} minutes of platestream up under twice a busy hour's load"
    (out / "soak.svg").write_text(picture(taken, on_disk, title))
    (out / "table.md").write_text(table(found) + "\n")
    print(table(found))
    print(f"{sum(one.cores for one in found):.2f} cores in all; load of the machine at the end {loads}")
    print(f"disk, MB: {_first_and_last(on_disk)}")
    wrong = [f"{one.name}: {', '.join(one.grows)}" for one in found if one.grows]
    wrong += [f"the console failed {len(officer.failed)} times, {one}" for one in officer.failed[:1]]
    refused = [one for one in made.journal.sends() if one.shot < SHOTS and one.state == "failed"]
    wrong += [f"{len(refused)} frames were refused that were right"] if refused else []
    made.recount(began)
    hits = len(set(made.web.ids))
    print(f"{officer.acts} rounds at the console, {officer.heard} of {hits} hits came into its open page")
    wrong += [f"the open page missed {hits - officer.heard} hits"] if officer.heard != hits else []
    for one in wrong:
        print(f"grows or fails: {one}")
    return 1 if wrong else 0


def _watched(made: Street, began: float, seconds: float, file: Path) -> tuple[list[Sample], Disk]:
    """Samples until the end; each is written down as it is taken."""
    taken: list[Sample] = []
    on_disk: Disk = []
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([one.name for one in dataclasses.fields(Sample)])
        while (at := time.monotonic() - began) < seconds:
            now = list(samples(made.system.supervisor, began))
            taken += now
            writer.writerows(dataclasses.astuple(one) for one in now)
            out.flush()
            if not on_disk or at - on_disk[-1][0] >= DISK_PERIOD:
                on_disk.append((at, disk(made.system.data)))
            time.sleep(max(0.0, PERIOD - (time.monotonic() - began - at)))
    return taken, on_disk


def _first_and_last(on_disk: Disk) -> dict[str, str]:
    first, last = on_disk[0][1], on_disk[-1][1]
    return {name: f"{first.get(name, 0) / 1e6:.1f} to {size / 1e6:.1f}" for name, size in last.items()}


if __name__ == "__main__":
    sys.exit(main())
