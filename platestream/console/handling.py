"""What the pages and the API do with one hit: find it, and record a step."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from schemas.hit_action import ActionKind, Confused, HitAction
from services import hits as job
from services.door import Door, Why

if TYPE_CHECKING:
    from platestream.console.app import Console

TRIES, AGAIN_S = 20, 0.5


class Recent:
    """Steps that were recorded here a moment ago: the flow may not have written them into the table yet."""

    FOR = timedelta(minutes=2)

    def __init__(self) -> None:
        self._steps: list[HitAction] = []
        self._lock = threading.Lock()

    def put(self, steps: Sequence[HitAction], now: datetime) -> None:
        """Remember what was recorded."""
        with self._lock:
            self._steps = [one for one in self._steps if now - one.at < self.FOR]
            self._steps += [one for one in steps if one not in self._steps]

    def all(self) -> list[HitAction]:
        """What was recorded in the last minutes."""
        with self._lock:
            return list(self._steps)


def why(hit_id: UUID, case_number: str = "") -> Why:
    """One hit is looked at so that it is verified."""
    reason = f"Verification of alert hit {hit_id} (order, section G.3)"
    return Why(reason=reason, case_number=case_number)


def found(console: "Console", door: Door, hit_id: UUID, why: Why) -> job.Standing:
    """The hit. One that came a moment ago may be on its topic and not in its table yet.

    Raises UnknownHit, RefusedInquiry and DatabaseError.
    """
    for left in reversed(range(TRIES)):
        try:
            return job.one(door, hit_id, console.recent.all(), **why)
        except job.UnknownHit:
            if not left or not console.alerts.announced(hit_id):
                raise
            time.sleep(AGAIN_S)
    raise AssertionError


def take(
    console: "Console", door: Door, hit: job.Standing, kind: ActionKind, actual: str, told: Mapping[str, Any]
) -> job.Standing:
    """Record a step; how the hit stands then. `actual` is the vehicle's plate, of a misread.

    `told` and errors as of `services.hits.take_step`.
    """
    confused: tuple[Confused, ...] = ()
    if kind == "misread":
        confused = job.confused(hit.row["plate"], actual)
    elif kind == "plate_and_state_confirmed":
        confused = job.confirmed_confusions(hit.row)
    done = job.take_step(door, hit, kind, confused=confused, **told)
    console.recent.put((*done.history.counted, *done.history.beside), console.clock())
    return done
