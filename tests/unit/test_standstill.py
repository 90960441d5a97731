"""A flow that hangs ends its process, one that waits for its work does not."""

import subprocess
import sys

import pytest

FLOW = """
import ctypes
import sys
import time
from datetime import timedelta
from threading import Event

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.testing import TestingSink, run_main

from platestream.runtime import standstill
from platestream.runtime.clock import PollSchedule


class Part(StatefulSourcePartition):
    def __init__(self):
        self.schedule = PollSchedule()
        self.began = time.monotonic()

    def next_batch(self):
        if time.monotonic() - self.began > 1 and how != "waits":
            hangs()
        if time.monotonic() - self.began > 5:
            raise StopIteration
        return []

    def next_awake(self):
        return self.schedule.next()

    def snapshot(self):
        self.schedule.epoch_ended()


class Source(FixedPartitionedSource):
    def list_parts(self):
        return ["one"]

    def build_part(self, step_id, for_part, resume_state):
        return Part()


class Last:
    def __del__(self, hangs=ctypes.CDLL(None).pause):
        hangs()


def hangs():
    if how == "python":
        Event().wait()
    if how == "c":
        ctypes.PyDLL(None).pause()  # keeps the lock of the interpreter
    raise StopIteration


how = sys.argv[1]
standstill.watch(timedelta(seconds=0.2), timedelta(seconds=3))
flow = Dataflow("hangs")
op.output("out", op.input("in", flow, Source()), TestingSink([]))
run_main(flow)
if how == "exit":
    sys.last = Last()
"""


def run(how: str) -> tuple[int, str]:
    """The flow's status and what it said."""
    command = [sys.executable, "-c", FLOW, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", ["python", "c", "exit"])
def test_a_flow_that_hangs_says_where_and_ends(how: str) -> None:
    status, said = run(how)
    assert (status, {"exit": "__del__"}.get(how, "hangs") in said) == (1, True), said


def test_a_flow_that_waits_goes_on() -> None:
    status, said = run("waits")
    assert (status, said) == (0, "")
