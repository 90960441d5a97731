"""Compares what was sent with what is there; pure, so that a test can plant each fault and see it found.

Words as in Jepsen's tests of Kafka. Ids are computed here anew from what docs/explanation/design.md and the
columns' comments say of them, seals by a hash function alone.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

from tests.checker.gather import Poll
from tests.checker.journal import SHOTS, Send

WAIT = 1.5
"""Seconds: a vehicle of which no frame came for two is published with those that came."""
PASSES = UUID("7d6f1c6e-3f0b-5d0a-9b57-41370d7e1f10")


@dataclass(frozen=True)
class Fault:
    """What is wrong: its kind, and with what."""

    kind: str
    what: str


@dataclass
class Evidence:
    """All of a run. `polls` by topic; `rows` by table; `heard` are ids of notices as a receiver took them, in
    order; `shown` are hits on pages; `listed` is the entry of each plate on the hot list.

    Of a topic whose messages go when they were read, `whole` is without its name.
    """

    sends: list[Send]
    polls: dict[str, list[Poll]]
    rows: dict[str, list[dict[str, Any]]]
    listed: dict[str, str] = field(default_factory=dict)
    receiver: str = ""
    heard: list[str] = field(default_factory=list)
    shown: set[str] | None = None
    whole: frozenset[str] = frozenset({"frames", "detections", "alert_hits", "inquiries", "dead_letters"})


def faults(found: Evidence) -> list[Fault]:
    """Everything that is wrong, in the order of the stream."""
    return [
        *_frames(found),
        *_reordered(found),
        *_detections_reordered(found),
        *_dead_letters(found),
        *_detections(found),
        *_pictures(found),
        *_hits(found),
        *_notices(found),
        *_pages(found),
        *_seals(found),
    ]


def figures(found: Evidence) -> dict[str, int]:
    """What is allowed and yet worth knowing: sends by outcome, and what a topic has more than once."""
    counted = Counter(one.state for one in found.sends)
    return {
        **{state: counted[state] for state in ("done", "failed", "unknown")},
        "detections": len(found.rows["detections"]),
        "hits": len(found.rows["alert_hits"]),
        "notices": len(set(found.heard)),
        "frames_again": _again(one.headers["frame-id"] for one in found.polls["frames"]),
        "detections_again": _again(one.json["detection_id"] for one in found.polls["detections"]),
        "hits_again": _again(one.json["hit_id"] for one in found.polls["alert_hits"]),
        "notices_again": _again(found.heard),
        "seals": len(found.polls["inquiries"]),
    }


def pass_id(camera: str, opened: Send) -> str:
    """The id of a vehicle's detection: from its camera and the time of its first frame."""
    at = opened.at.astimezone(UTC).isoformat(timespec="microseconds")
    return str(uuid5(PASSES, f"{camera}/{at}/0"))


def hit_id(detection: str, entry: str) -> str:
    """The id of the hit of a detection and an entry: UUID of version 5 over both."""
    named = hashlib.sha1(
        PASSES.bytes + b"hit/" + UUID(detection).bytes + entry.encode(), usedforsecurity=False
    )
    return str(UUID(bytes=named.digest()[:16], version=5))


def passes(found: Evidence) -> dict[str, list[Send]]:
    """The frames of each vehicle whose first frame was or may have been taken, by its detection's id."""
    vehicles: dict[tuple[str, int], list[Send]] = defaultdict(list)
    for one in found.sends:
        if one.shot < SHOTS and one.state != "failed":
            vehicles[one.camera, one.vehicle].append(one)
    return {pass_id(camera, shots[0]): shots for (camera, _number), shots in vehicles.items()}


def _again(ids: Iterable[str]) -> int:
    return sum(count - 1 for count in Counter(ids).values())


def _doubled(ids: Iterable[str], where: str) -> Iterator[Fault]:
    yield from (Fault("doubled", f"{one} in {where}") for one, count in Counter(ids).items() if count > 1)


def _frames(found: Evidence) -> Iterator[Fault]:
    """Every acknowledged frame is on the topic, and nothing that was refused or never sent."""
    by_cause = {(one.camera, one.sha256, one.at): one for one in found.sends}
    there = set()
    for poll in found.polls["frames"]:
        digest = hashlib.sha256(poll.value or b"").hexdigest()
        cause = (poll.headers["camera-id"], digest, datetime.fromisoformat(poll.headers["captured-at"]))
        there.add(cause)
        sent = by_cause.get(cause)
        if sent is None:
            yield Fault("invented", f"frames, partition {poll.partition}, offset {poll.offset}")
        elif sent.state == "failed":
            yield Fault("aborted read", f"a refused frame of {sent.camera} is on the topic frames")
    if "frames" in found.whole:
        for cause, one in by_cause.items():
            if one.state == "done" and cause not in there:
                yield Fault("lost", f"frame {one.vehicle}/{one.shot} of {one.camera} on the topic")


def _reordered(found: Evidence) -> Iterator[Fault]:
    """A camera's frames are in one partition, in the order in which it sent them; repeats do not count."""
    last: dict[str, tuple[int, str]] = {}
    known: set[str] = set()
    for poll in sorted(found.polls["frames"], key=lambda one: (one.partition, one.offset)):
        camera, at, frame = (poll.headers[name] for name in ("camera-id", "captured-at", "frame-id"))
        if frame in known:
            continue
        known.add(frame)
        partition, before = last.get(camera, (poll.partition, ""))
        if partition != poll.partition:
            yield Fault("reordered", f"frames of {camera} are in partitions {partition} and {poll.partition}")
        elif at < before:
            yield Fault("reordered", f"frame {frame} of {camera} comes behind a later one")
        last[camera] = (poll.partition, max(at, before))


def _detections_reordered(found: Evidence) -> Iterator[Fault]:
    """Detections of a camera are in one partition, in the order of their vehicles; repeats do not count."""
    known: set[str] = set()
    last: dict[str, tuple[int, datetime]] = {}
    expected = passes(found)
    for poll in sorted(found.polls["detections"], key=lambda one: (one.partition, one.offset)):
        name = poll.json["detection_id"]
        if name in known or name not in expected:
            continue
        known.add(name)
        camera, at = expected[name][0].camera, expected[name][0].at
        partition, before = last.get(camera, (poll.partition, at))
        if partition != poll.partition:
            yield Fault(
                "reordered", f"detections of {camera} are in partitions {partition} and {poll.partition}"
            )
        elif at < before:
            yield Fault("reordered", f"detection {name} of {camera} comes behind a later one")
        last[camera] = (poll.partition, max(at, before))


def _dead_letters(found: Evidence) -> Iterator[Fault]:
    """Each frame that is no picture is a dead letter once, and nothing else is one."""
    sent = sum(one.state == "done" and not one.plate for one in found.sends)
    perhaps = sum(one.state == "unknown" and not one.plate for one in found.sends)
    there = len(found.rows["dead_letters"])
    if there < sent:
        yield Fault("lost", f"{sent - there} of {sent} dead letters")
    if there > sent + perhaps:
        yield Fault("invented", f"{there - sent - perhaps} dead letters")


def _detections(found: Evidence) -> Iterator[Fault]:
    """Each vehicle is there once, with all its frames, on the topic and in the table alike."""
    expected = passes(found)
    refused = {pass_id(one.camera, one) for one in found.sends if one.state == "failed"}
    newest = {one.json["detection_id"]: one.json for one in found.polls["detections"]}
    table = {row["detection_id"]: row for row in found.rows["detections"]}
    arrived: dict[tuple[str, datetime], float] = {}
    for poll in found.polls["frames"]:
        frame = (poll.headers["camera-id"], datetime.fromisoformat(poll.headers["captured-at"]))
        arrived[frame] = min(poll.arrived, arrived.get(frame, poll.arrived))
    yield from _doubled((row["detection_id"] for row in found.rows["detections"]), "detections")
    for name, there in (("topic", newest.keys()), ("table", table.keys())):
        for one in there - expected.keys():
            kind = "aborted read" if one in refused else "invented"
            yield Fault(kind, f"detection {one} in the {name}")
        for one, shots in expected.items():
            if shots[0].state == "done" and one not in there:
                yield Fault("lost", f"detection {one} of {shots[0].camera} in the {name}")
    for one in table.keys() & expected.keys():
        taken = sum(shot.state == "done" for shot in expected[one])
        taken = min(taken, _in_time(expected[one], arrived))
        if not taken <= table[one]["frames"] <= len(expected[one]):
            kind = "lost" if table[one]["frames"] < taken else "doubled"
            yield Fault(kind, f"frames of {one}: {table[one]['frames']} of {taken}")
        said = newest.get(one, table[one])
        if [said[name] for name in ("plate", "frames")] != [table[one][name] for name in ("plate", "frames")]:
            yield Fault("altered", f"detection {one} between topic and table")


def _in_time(shots: list[Send], arrived: dict[tuple[str, datetime], float]) -> int:
    """How many frames of a vehicle came before its first gap: on the topic, or else to the gateway."""
    times = sorted(arrived.get((one.camera, one.at)) or one.heard for one in shots if one.state == "done")
    gaps = (count for count, (one, two) in enumerate(pairwise(times), 1) if two - one > WAIT)
    return next(gaps, len(times))


def _pictures(found: Evidence) -> Iterator[Fault]:
    """Each detection has its two pictures, as they were."""
    there = Counter((row["detection_id"], row["kind"]) for row in found.rows["images"])
    for row in found.rows["detections"]:
        for kind in ("crop", "vehicle"):
            if there[row["detection_id"], kind] != 1:
                count = there[row["detection_id"], kind]
                yield Fault("lost" if not count else "doubled", f"picture {kind} of {row['detection_id']}")
    yield from (
        Fault("altered", f"picture {row['kind']} of {row['detection_id']}")
        for row in found.rows["images"]
        if row["told"] != row["is"] or not row["picture"]
    )


def _hits(found: Evidence) -> Iterator[Fault]:
    """Each detection of a listed plate is one hit, on topic and in table; each hit is of a detection."""
    detected = {row["detection_id"]: row["plate"] for row in found.rows["detections"]}
    expected = {hit_id(one, found.listed[plate]) for one, plate in detected.items() if plate in found.listed}
    table = found.rows["alert_hits"]
    topic = [one.json for one in found.polls["alert_hits"]]
    yield from _doubled((row["hit_id"] for row in table), "alert_hits")
    for name, hits in (
        ("table", {row["hit_id"]: (row["detection_id"], row["entry_id"]) for row in table}),
        (
            "topic",
            {one["hit_id"]: (one["detection"]["detection_id"], one["entry"]["entry_id"]) for one in topic},
        ),
    ):
        yield from (Fault("lost", f"hit {one} in the {name}") for one in expected - hits.keys())
        for one, (detection, entry) in hits.items():
            if detection not in detected or one != hit_id(detection, entry):
                yield Fault("invented", f"hit {one} in the {name}")


def _notices(found: Evidence) -> Iterator[Fault]:
    """Each hit has its row for the receiver, who heard of it where the row says so, and of nothing else."""
    hits = {row["hit_id"] for row in found.rows["alert_hits"]}
    result = [row for row in found.rows["deliveries"] if row["receiver"] == found.receiver]
    yield from _doubled((row["delivery_id"] for row in result), "deliveries")
    with_row = {row["hit_id"] for row in result}
    yield from (Fault("hit without notice", one) for one in hits - with_row)
    yield from (Fault("invented", f"notice of {one}") for one in with_row - hits)
    heard, said = set(found.heard), {row["delivery_id"]: row["outcome"] for row in result}
    yield from (Fault("invented", f"notice {one} was heard") for one in heard - said.keys())
    for one, outcome in said.items():
        if (outcome == "delivered") != (one in heard):
            yield Fault("lost" if one not in heard else "altered", f"notice {one}, which is {outcome}")


def _pages(found: Evidence) -> Iterator[Fault]:
    if found.shown is not None:
        there = {row["hit_id"] for row in found.rows["alert_hits"]}
        yield from (Fault("lost", f"hit {one} on the page") for one in there - found.shown)
        yield from (Fault("invented", f"hit {one} on the page") for one in found.shown - there)


def _seals(found: Evidence) -> Iterator[Fault]:
    """Seals count from 1 and chain, on topic and in table alike; each row of the log has one."""
    last, number, sealed = "0" * 64, 0, dict[int, str]()
    for poll in sorted(found.polls["inquiries"], key=lambda one: (one.partition, one.offset)):
        result = poll.json
        if sealed.get(result["seal"]) == result["hash"]:
            continue  # the same once more
        inquiry = json.dumps(result["inquiry"], separators=(",", ":"), ensure_ascii=False)
        if result["seal"] != number + 1 or result["previous"] != last:
            yield Fault("seals do not chain", f"seal {result['seal']} behind seal {number}")
        if result["hash"] != hashlib.sha256(f"{result['previous']}\n{inquiry}".encode()).hexdigest():
            yield Fault("seals do not chain", f"seal {result['seal']} is not of its inquiry")
        number, last = result["seal"], result["hash"]
        sealed[number] = last
    table = {row["seal"]: row["hash"] for row in found.rows["inquiry_seals"]}
    yield from _doubled((str(row["seal"]) for row in found.rows["inquiry_seals"]), "inquiry_seals")
    yield from (
        Fault("seals do not chain", f"seal {one} differs between topic and table")
        for one in sorted(table.keys() | sealed.keys())
        if table.get(one) != sealed.get(one)
    )
    known = {row["entry"] for row in found.rows["inquiry_seals"]}
    yield from (
        Fault("lost", f"seal of the inquiry {row['entry']}")
        for row in found.rows["inquiry_log"]
        if row["entry"] not in known
    )
