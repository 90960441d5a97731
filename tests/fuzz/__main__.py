"""`python -m tests.fuzz [TARGET…] --runs 100000`: each target in a process of its own, one after another.

Ends with 1 where a fault was found; its input is kept in `tests/fuzz/corpus/TARGET`.
"""

import argparse
import io
import sys
from contextlib import redirect_stderr
from pathlib import Path

import atheris

from tests.fuzz.fuzzer import fuzz, keep, one

PRODUCT = ["platestream"]
SIGNATURES = ["http_message_signatures", "http_sf"]
"""Libraries in Python that read headers of strangers: what they do is looked into, too."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="all without any")
    parser.add_argument("--runs", type=int, default=0, help="inputs of each; else its own number")
    parser.add_argument("--seconds", type=int, default=0, help="the longest for each; no limit without")
    parser.add_argument("--found", type=Path, help="a folder for what reaches new code")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = io.StringIO()  # of each module, which nobody needs
    with (
        redirect_stderr(names),
        atheris.instrument_imports(include=[*PRODUCT, *SIGNATURES], enable_loader_override=False),
    ):
        from tests.fuzz.targets import BY_NAME

    if options.one:
        name, *result = options.targets
        one(BY_NAME[name], *result)
    faults = 0
    for name in options.targets or BY_NAME:
        found = options.found and (options.found / name).absolute()
        run = fuzz(BY_NAME[name], options.runs or BY_NAME[name].runs, options.seconds, found)
        print(run, flush=True)
        if run.fault:
            faults += 1
            print(run.fault, f"its input: {keep(name, run.input)}", sep="\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
