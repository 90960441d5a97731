"""One target under atheris, in a process that ends with the first fault, or after so many inputs."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.watch import CORPUS, STOPS, Target, Watch

LONGEST = 4096  # bytes of an input, or of the longest seed
SHOWN = 25  # lines of what a process says of a fault
ARTIFACTS = ("crash-", "timeout-", "oom-")


@dataclass(frozen=True)
class Run:
    """What came of one target. `fault` is what its process said; empty where there was none."""

    name: str
    inputs: int = 0
    slowest: float = 0.0
    growth: float = 0.0
    fault: str = ""
    input: bytes = b""

    def __str__(self) -> str:
        result = f"{self.inputs:>7} inputs, slowest {self.slowest * 1000:.0f} ms, {self.growth:.0f} MiB more"
        return f"{self.name:<24}{result}{', FAULT' if self.fault else ''}"


def fuzz(target: Target, runs: int, seconds: int = 0, found: Path | None = None) -> Run:
    """Run one target; what reached new code is left in `found`."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        result = (target.name, str(runs), str(seconds), str(folder), str(found or folder / "found"))
        if target.alone:
            code = subprocess.run(
                [sys.executable, "-m", "tests.fuzz", "--one", *result], check=False
            ).returncode
        else:
            code = _forked(target, *result[1:])
        said = (folder / "said").read_text(errors="replace").splitlines()
        report = folder / "report.json"
        counts = json.loads(report.read_text()) if report.exists() else {}
        faults = [path for path in folder.iterdir() if path.name.startswith(ARTIFACTS)]
        fault = "\n".join(said[-SHOWN:]) if code or faults else ""
        return Run(target.name, **counts, fault=fault, input=faults[0].read_bytes() if faults else b"")


def _forked(target: Target, *result: str) -> int:
    """`one` in a fork, for which the product is loaded already."""
    child = os.fork()
    if child == 0:
        try:
            one(target, *result)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def keep(name: str, data: bytes) -> Path:
    """Put an input into the corpus."""
    path = CORPUS / name / sha256(data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def one(target: Target, runs: str, seconds: str, into: str, reached: str) -> None:
    """Ends this process. `into` is a folder for what is said, counted and wrong."""
    import atheris  # not on every platform

    folder, found = Path(into), Path(reached)
    out = os.open(folder / "said", os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    logging.disable()  # of what is refused, a line for each input
    known, scratch = folder / "known", folder / "scratch"
    for made in (known, scratch, found):
        made.mkdir(parents=True, exist_ok=True)
    watch, corpus = Watch(target, scratch, target.warm), [*target.seeds, *target.kept]
    for number, data in enumerate(corpus):
        (known / str(number)).write_bytes(data)

    def one_input(data: bytes) -> None:
        if watch.inputs == 0:
            watch.rest()  # libFuzzer's own memory is there by now
        try:
            watch(data)
        except BaseException:
            (folder / "crash-input").write_bytes(data)
            raise
        finally:
            last = watch.inputs == int(runs)
            if last or watch.inputs % 100 == 0:
                report()
            if last:
                watch.close()  # an engine that is open when its process ends may take it down

    def report() -> None:
        fields = {"inputs": watch.inputs, "slowest": watch.slowest, "growth": watch.peak}
        (folder / "report.json").write_text(json.dumps(fields))

    options = [
        *(f"-runs={runs}", f"-max_total_time={seconds}", f"-timeout={4 * STOPS}"),
        *("-rss_limit_mb=0", "-seed=1"),
        *(f"-max_len={max(LONGEST, *map(len, corpus))}", f"-artifact_prefix={folder}/"),
    ]
    atheris.Setup(["fuzz", *options, str(found), str(known)], one_input)
    atheris.Fuzz()
