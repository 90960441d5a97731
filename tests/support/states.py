"""States of flows in the recovery store, written and continued: python -m tests.support.states begin|go-on.

`go-on` reads states, one JSON object in a line, and prints what came of each. The code is that of the
release that is found first on the path (support/releases.py).
"""

import base64
import json
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from platestream.operators.consensus import PassRules, VehiclePasses
from platestream.operators.frame_outcomes import FrameOutcomes
from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.operators.inquiry_checks.logic import InquiryChecks
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.events import Reads
from platestream.operators.notify.outbox import Outbox
from platestream.operators.notify.route import Router
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.inquiry import FIRST, chain
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.reading import PlateRead
from tests.support.flows import INQUIRY, LISTED, READ
from tests.support.notify_rules import NOW, Desk, hit, message, outcomes, rules

ROUTES = rules('\n[[routes]]\nto = ["dispatch"]\n')


def frame(second: float) -> FrameReads:
    """A frame of one vehicle."""
    read = PlateRead("ABC1234", 0.9, None, 0.0, (400, 300, 100, 50), (), (0.9,) * 7)
    seen = (Sighting(read, b"crop", b"picture"),)
    at = NOW + timedelta(seconds=second)
    return FrameReads("gate", at, 34.5, -109.4, Vehicle(), seen, UUID(int=round(10 * second) + 1))


def ends(*changelogs: str) -> list[Any]:
    """Marks after which nothing waits any more."""
    return [EndOfSnapshot(name, 0, 1) for name in changelogs]


def begin() -> dict[str, bytes]:
    """The state of each step while something waits in it."""
    passes = VehiclePasses(None, ("model",), PassRules(), lambda: NOW)
    for second in (0, 0.2):
        passes.on_item(frame(second))
    match = HotListMatcher(None)
    match.on_batch([[Reads([READ])]])
    checks = InquiryChecks(None, lambda: NOW)
    checks.on_batch(list(chain([INQUIRY], 0, FIRST)))
    router = Router(None, ROUTES, lambda: NOW)
    router.on_batch([hit()])
    outbox = Outbox(None, Desk(), lambda: NOW)
    outbox.on_batch([message("summary")])
    frames = FrameOutcomes(None)
    frames.on_batch([frame(0)])
    return {
        "passes": passes.snapshot(),
        "match": match.snapshot(),
        "check": checks.snapshot(),
        "route": router.snapshot(),
        "outbox": outbox.snapshot(),
        "once": frames.snapshot(),
    }


def go_on(states: dict[str, bytes]) -> dict[str, Any]:
    """Outputs of each step, from its state and what follows."""
    passes = VehiclePasses(states["passes"], ("model",), PassRules(), lambda: NOW)
    published = [*passes.on_item(frame(0.4))[0], *passes.on_eof()[0]]
    day = READ.captured_at + timedelta(days=1)
    entry = msgspec.structs.replace(LISTED, plate=READ.plate, expires_at=day)
    match = HotListMatcher(states["match"])
    hits = match.on_batch([[pack_entry(entry), *ends("hotlist", "registry")]])[0]
    checks = InquiryChecks(states["check"], lambda: NOW)
    checks.on_batch(ends("registry", "gate_rules"))
    router = Router(states["route"], ROUTES, lambda: NOW)
    routed = router.on_batch(ends("registry", "presence"))[0]
    desk = Desk()
    Outbox(states["outbox"], desk, lambda: NOW).on_batch(ends("deliveries"))
    frames = FrameOutcomes(states["once"]).on_batch([frame(0), frame(1)])[0]
    return {
        "passes": [[one.plate, one.frames] for one in published if isinstance(one, Detection)],
        "match": [one.detection.plate for one in hits],
        "check": sorted(msgspec.msgpack.decode(checks.snapshot())[1]),
        "route": [list(one) for one in outcomes(list(routed))],
        "outbox": [one.subject for one in desk.submitted],
        "once": [str(one.frame_id) for one in frames if isinstance(one, FrameReads)],
    }


def main() -> None:
    if sys.argv[1] == "begin":
        print(json.dumps({name: base64.b64encode(state).decode() for name, state in begin().items()}))
        return
    for line in sys.stdin:
        print(json.dumps(go_on({name: base64.b64decode(one) for name, one in json.loads(line).items()})))


if __name__ == "__main__":
    main()
