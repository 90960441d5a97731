"""The matching steps beside a join that only does exact matches, and the matcher beside a bare look-up.

All figures of one call are of the same lists and reads, on one worker, one after the other, by the second
of processor time: what else the machine does counts less.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from benchmarks import match_data as drawn
from benchmarks.recall import measured
from platestream.operators.match import Bucket, HotListMatcher
from platestream.operators.matching.changelog_decoder import list_changes, pack_entry
from platestream.operators.matching.events import BucketEvents, Changes, Entries
from platestream.operators.matching.router import ALL_BUCKETS, HotListRouter, by_partition, is_expired, probe
from platestream.schemas.detection import Detection
from platestream.schemas.message import Batch, EndOfSnapshot

BATCH = 1000
EPOCH = timedelta(seconds=1)
Progress = Callable[[str], None]


def run(entries: int, patterns: int, reads: int, rounds: int, say: Progress) -> dict[str, Any]:
    """Medians of `rounds` in reads a second; `listed_share` of the reads is of listed plates."""
    chance = random.Random(drawn.SEED)
    say("drawing")
    plates = dict.fromkeys(drawn.plates(entries, chance))
    partial = [drawn.pattern(number, chance) for number in range(patterns)]
    plain = drawn.reads(reads, plates, 0.01, chance)
    said = [[one.confidence for one in shown[1:4]] for shown in measured().pictures if shown]
    with_others = drawn.reads(reads, plates, 0.01, chance, said)

    def changes() -> Iterator[Batch]:
        yield from drawn.batches(drawn.entry(number, plate) for number, plate in enumerate(plates))
        yield from drawn.batches(partial)

    say("bare look-up and matcher")
    figures = _without_engine(plates, partial, plain, with_others, rounds)
    say("join on exact plates")
    exact = [_exact_join(plates, plain) for _round in range(rounds)]
    say("matching steps")
    ours = [_matching_steps(changes(), plain) for _round in range(rounds)]
    say("matching steps, reads with other readings")
    others = _matching_steps(changes(), with_others)
    middle = statistics.median
    return {
        "entries": entries,
        "patterns": patterns,
        "reads": reads,
        "rounds": rounds,
        "listed_share": 0.01,
        **figures,
        "exact_join_reads_per_s": round(middle(exact)),
        "steps_reads_per_s": round(middle(ours)),
        "steps_over_exact_join": round(middle(ours) / middle(exact), 2),
        "steps_other_readings_reads_per_s": round(others),
        "steps_other_readings_over_exact_join": round(others / middle(exact), 2),
    }


def _without_engine(
    table: dict[str, None],
    partial: list[Any],
    plain: list[Detection],
    with_others: list[Detection],
    rounds: int,
) -> dict[str, Any]:
    before = _resident()
    bucket = Bucket()
    placed = HotListRouter(None, lambda: drawn.START)
    for batch in drawn.batches(drawn.entry(number, plate) for number, plate in enumerate(table)):
        for _bucket, events in _placed(placed, batch):
            for event in events:
                if isinstance(event, Entries):
                    bucket.add_new(event.listed)
    grown = _resident() - before
    for one in partial:
        bucket.add(pack_entry(one))

    def bare() -> None:
        for read in plain:
            if read.plate in table:
                pass

    def matcher(reads: list[Detection], judged: bool) -> None:
        for start in range(0, len(reads), BATCH):
            found = bucket.likely(reads[start : start + BATCH])
            if judged:
                for read in found:
                    list(bucket.hits(read, patterns=True))

    rates: dict[str, list[float]] = {}
    for _round in range(rounds):
        for name, job in (
            ("bare_lookup", bare),
            ("matcher", lambda: matcher(plain, True)),
            ("matcher_to_candidates", lambda: matcher(plain, False)),
            ("matcher_other_readings", lambda: matcher(with_others, True)),
        ):
            began = time.process_time()
            job()
            rates.setdefault(name, []).append(len(plain) / (time.process_time() - began))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "bytes_an_entry": round(grown / len(table)),
        **{f"{name}_reads_per_s": round(rate) for name, rate in middle.items()},
        **{
            f"{name}_over_bare_lookup": round(rate / middle["bare_lookup"], 3)
            for name, rate in middle.items()
            if name != "bare_lookup"
        },
        **_snapshots(plain),
    }


def _snapshots(reads: list[Detection]) -> dict[str, Any]:
    """Return the state of all buckets for the recovery store at the end of an epoch, after so many reads."""
    matchers = {name: HotListMatcher(None) for name in ALL_BUCKETS}
    placed = HotListRouter(None, lambda: drawn.START)
    for batch in drawn.batches(drawn.entry(number, read.plate) for number, read in enumerate(reads[:100])):
        for where, events in _placed(placed, batch):
            matchers[where].on_batch([events])
    for matcher in matchers.values():
        matcher.on_batch([[EndOfSnapshot("hotlist", 0, 1), EndOfSnapshot("registry", 0, 1)]])
    for where, events in probe(reads[:10_000]):
        matchers[where].on_batch([events])
    sizes = [len(matcher.snapshot()) for matcher in matchers.values()]
    return {"snapshot_bytes_an_epoch": sum(sizes), "snapshot_reads": 10_000, "snapshot_hits": 100}


def _placed(router: HotListRouter, batch: Batch) -> Iterator[BucketEvents]:
    changes = [one for one in list_changes([batch]) if isinstance(one, Changes)]
    yield from (item for item in router.on_batch([[*changes]])[0] if isinstance(item, tuple))


def _exact_join(plates: dict[str, None], reads: list[Detection]) -> float:
    """`stateful_map` keyed by plate: an entry is remembered, a read of it comes out."""

    def join(listed: bool | None, event: Any) -> tuple[bool | None, Any]:
        if event is True:
            return True, None
        return listed, event if listed else None

    def steps(changes: Stream[Any], seen: Stream[Any]) -> Stream[Any]:
        result = op.map("entry", changes, lambda plate: (plate, True))
        keyed = op.key_on("by_plate", seen, lambda read: read.plate)
        joined = op.stateful_map("join", op.merge("events", result, keyed), join)
        return op.filter("hits", op.key_rm("unkey", joined), lambda hit: hit is not None)

    return _rate(iter(plates), reads, steps)


def _matching_steps(changes: Iterator[Batch], reads: list[Detection]) -> float:
    """The steps of `flows/match_flow.py` between decoding and the sinks."""

    def steps(listed: Stream[Any], seen: Stream[Any]) -> Stream[Any]:
        changed: Stream[Any] = op.flat_map_batch("decode_hotlist", listed, list_changes)
        parted = op.flat_map_batch("by_partition", changed, by_partition)
        placed = op.stateful_batch("place", parted, lambda resume: HotListRouter(resume, lambda: drawn.START))
        split = op.branch("expired_or_placed", op.key_rm("placed", placed), is_expired)
        probes = op.flat_map_batch("probe", seen, probe)
        ready = op.flat_map("registry", split.falses, _with_registry)
        events = op.merge("events", ready, probes)
        return op.key_rm("unkey", op.stateful_batch("match", events, HotListMatcher))

    def told() -> Iterator[Any]:
        yield from changes
        yield EndOfSnapshot("hotlist", 0, 1)

    return _rate(told(), reads, steps)


def _with_registry(placed: Any) -> list[Any]:
    """The registry's mark behind the list's, where the flow reads a topic of its own."""
    where, events = placed
    marked = any(isinstance(event, EndOfSnapshot) for event in events)
    return [placed, (where, [EndOfSnapshot("registry", 0, 1)])] if marked else [placed]


def _rate(changes: Iterator[Any], reads: list[Detection], steps: Callable[..., Stream[Any]]) -> float:
    """Reads a second, from the first read given out to the end of the run; the list is loaded before."""
    clock = _Clock()
    flow = Dataflow("bench")
    listed = op.input("listed", flow, _Batches(changes, clock, first=True))
    seen = op.input("seen", flow, _Batches(iter(reads), clock, first=False))
    op.output("out", steps(listed, seen), _Nothing())
    run_main(flow, epoch_interval=EPOCH)
    return len(reads) / (time.process_time() - clock.began)


class _Clock:
    """Time at which the first read was given out; 0 before."""

    loaded = False
    began = 0.0


class _Batches(DynamicSource[Any]):
    """Items by the thousand; reads wait until the list has been given out."""

    def __init__(self, items: Iterator[Any], clock: _Clock, *, first: bool) -> None:
        self._items, self._clock, self._first = items, clock, first

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> "_Part":
        return _Part(self._items, self._clock, self._first)


class _Part(StatelessSourcePartition[Any]):
    def __init__(self, items: Iterator[Any], clock: _Clock, first: bool) -> None:
        self._items, self._clock, self._first = items, clock, first

    def next_batch(self) -> list[Any]:
        if not self._first and not self._clock.loaded:
            return []
        batch = list(islice(self._items, BATCH))
        if not batch:
            self._clock.loaded = True
            raise StopIteration
        if not self._first and not self._clock.began:
            self._clock.began = time.process_time()
        return batch


class _Nothing(DynamicSink[Any]):
    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> "_NothingPart":
        return _NothingPart()


class _NothingPart(StatelessSinkPartition[Any]):
    def write_batch(self, items: list[Any]) -> None:
        """Hits go nowhere."""


def _resident() -> int:
    """Memory of this process, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
