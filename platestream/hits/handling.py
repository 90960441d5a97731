"""Handling of one hit for the pages and the API: find it, and record a step."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platestream.access.door import Documentation, Door
from platestream.hits import service as job
from platestream.schemas.hit_action import ActionKind, Confusion, HitAction

if TYPE_CHECKING:
    from platestream.web.console import Console
    from platestream.web.shared_state import SharedState

TRIES, AGAIN_S = 20, 0.5


class RecentSteps:
    """Steps recorded at any console in the last minutes, which the flow may not have written to the table
    yet.
    """

    FOR = timedelta(minutes=2)

    def __init__(self, state: "SharedState", clock: Callable[[], datetime]) -> None:
        self._state, self._clock = state, clock

    def put(self, steps: Sequence[HitAction]) -> None:
        """Remember a recorded step."""
        now = self._clock()
        for one in steps:
            if now - one.at < self.FOR:
                self._state.put("step", str(one.action_id), one, one.at + self.FOR)

    def all(self) -> Sequence[HitAction]:
        """Return the steps recorded in the last minutes."""
        return self._state.all("step", HitAction, self._clock())


def view_reason(hit_id: UUID, case_number: str = "") -> Documentation:
    """Return the reason of a view: verification of one hit."""
    reason = f"Verification of alert hit {hit_id} (order, section G.3)"
    return Documentation(reason=reason, case_number=case_number)


def find_hit(console: "Console", door: Door, hit_id: UUID, why: Documentation) -> job.HitWithHistory:
    """Find a hit. A new one may be on its topic and not in its table yet.

    Raises UnknownHit, RefusedInquiry and DatabaseError.
    """
    for left in reversed(range(TRIES)):
        try:
            return job.one(door, hit_id, console.recent.all(), **why)
        except job.UnknownHit:
            if not left or not console.alerts.was_announced(hit_id):
                raise
            time.sleep(AGAIN_S)
    raise AssertionError


def take_step(
    console: "Console",
    door: Door,
    hit: job.HitWithHistory,
    kind: ActionKind,
    actual: str,
    fields: Mapping[str, Any],
) -> job.HitWithHistory:
    """Record a step and return the hit with its new status. `actual` is the vehicle's plate, for a misread.

    `fields` and errors are those of `platestream.hits.service.take_step`.
    """
    confused: tuple[Confusion, ...] = ()
    if kind == "misread":
        confused = job.confusions(hit.row["plate"], actual)
    elif kind == "plate_and_state_confirmed":
        confused = job.confirmed_confusions(hit.row)
    done = job.take_step(door, hit, kind, confused=confused, **fields)
    console.recent.put((*done.history.applied, *done.history.ignored))
    return done
