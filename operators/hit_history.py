"""History of an alert hit: the steps of sections G.3 to G.8 of the order, and their permitted sequence.

    unverified -> plate_confirmed -> confirmed -> acted
        |  |          |    |  \\          |  \\---> closed (no action)
        |  |          |    |   \\--> not_current -> closed
        |  |          |    \\------> acted, closed: an entry of our own list, which nobody else has
        |  \\----------+-----------> wrong_state -> closed
        \\-------------+-----------> misread ----> closed

A second check may correct the first: to a more cautious status at any time until the hit is acted on or
closed, and from misread or wrong_state back to plate_confirmed, after which the entry is verified again.

A hit's history is a function of the *set* of its actions. They count in the order of their times (and of
their ids if times are equal), each once. An action that may not follow is listed separately and changes
nothing. Concurrent, late, repeated and replayed actions therefore give the same history everywhere; the
view `platestream.hit_states` (clickhouse/views/hits.sql) derives it from the same table of steps.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID

from platestream.schemas.hit_action import ActionKind, CheckedWith, HitAction
from platestream.schemas.hotlist import CHECKED_SOURCES

Status = Literal[
    "unverified",
    "plate_confirmed",
    "misread",
    "wrong_state",
    "confirmed",
    "not_current",
    "acted",
    "closed",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ_STEPS: dict[ActionKind, Status] = {"misread": "misread", "wrong_state": "wrong_state"}
_CONFIRMED: dict[ActionKind, Status] = {"plate_and_state_confirmed": "plate_confirmed"}
_CLOSED: dict[ActionKind, Status] = {"no_action": "closed"}

STEPS: Mapping[Status, Mapping[ActionKind, Status]] = {
    "unverified": {**_CONFIRMED, **_READ_STEPS},
    "plate_confirmed": {**_READ_STEPS, "confirmed_current": "confirmed", "not_current": "not_current"},
    "misread": {**_CONFIRMED, "wrong_state": "wrong_state", **_CLOSED},
    "wrong_state": {**_CONFIRMED, "misread": "misread", **_CLOSED},
    "confirmed": {**_READ_STEPS, "not_current": "not_current", "action_taken": "acted", **_CLOSED},
    "not_current": {**_READ_STEPS, "confirmed_current": "confirmed", **_CLOSED},
    "acted": {"action_taken": "acted"},  # for the number of a report that is written later
    "closed": {},
}
# An entry that is in neither NCIC nor ACIC is confirmed by visual check only (G.3, last sentence).
LOCAL_STEPS: Mapping[ActionKind, Status] = {"action_taken": "acted", **_CLOSED}

VISUAL: Mapping[ActionKind, str] = {
    "plate_and_state_confirmed": "confirmed",
    "misread": "misread",
    "wrong_state": "wrong_state",
}


def is_local(source: str) -> bool:
    """Return whether entries of this list are verified by visual check only."""
    return source not in ("", *CHECKED_SOURCES)


KEEPERS: Mapping[str, tuple[CheckedWith, ...]] = {
    "ncic": ("ncic", "acic"),
    "acic": ("ncic", "acic"),
    "mvd": ("mvd",),
}


def confirms(source: str, action: HitAction) -> bool:
    """Return whether this step may confirm that an entry of `source` is current.

    NCIC or ACIC confirms an entry of either (G.3); an MVD query is made in addition (G.5.b).
    """
    if action.kind != "confirmed_current":
        return True
    return source not in KEEPERS or action.checked_with in KEEPERS[source]


def following(status: Status, *, local: bool) -> dict[ActionKind, Status]:
    """Return the actions that may follow, with the status to which each leads."""
    steps = dict(STEPS[status])
    if local and status == "plate_confirmed":
        steps.update(LOCAL_STEPS)
    return steps


@dataclass(frozen=True)
class History:
    """A hit's history: `applied` are its steps in order, `ignored` the actions that were not permitted.

    `disputed`: somebody saw another plate or state than the recorded one.
    """

    status: Status = "unverified"
    visual: str = ""
    current: str = ""
    applied: tuple[HitAction, ...] = ()
    ignored: tuple[HitAction, ...] = ()
    disputed: bool = False
    local: bool = False
    source: str = ""

    @property
    def verified(self) -> bool:
        """True if the hit is verified as the order requires before a stop.

        It is no suspicion or cause (G.4).
        """
        return self.status == "confirmed" or (self.local and self.status == "plate_confirmed")

    @property
    def next_steps(self) -> tuple[ActionKind, ...]:
        """The actions that may follow now."""
        return tuple(following(self.status, local=self.local))


@dataclass
class _Fold:
    source: str
    local: bool
    status: Status = "unverified"
    visual: str = ""
    current: str = ""
    applied: list[HitAction] = field(default_factory=list)
    ignored: list[HitAction] = field(default_factory=list)

    def take(self, action: HitAction) -> None:
        leads_to = following(self.status, local=self.local).get(action.kind)
        if leads_to is None or not confirms(self.source, action):
            self.ignored.append(action)
            return
        self.status = leads_to
        self.applied.append(action)
        if action.kind in VISUAL:
            self.visual, self.current = VISUAL[action.kind], ""
        elif action.kind in ("confirmed_current", "not_current"):
            self.current = "yes" if action.kind == "confirmed_current" else "no"


def history(actions: Iterable[HitAction], *, source: str) -> History:
    """Return the history of one hit from its actions, in any order and with repetitions.

    `source` is the list of its entry, which decides who confirms it; empty if unknown.
    """
    once = {action.action_id: action for action in sorted(actions, key=_content)} if actions else {}
    return _fold(once, source) if once else _untouched(source)


@lru_cache(maxsize=256)
def _untouched(source: str) -> History:
    return History(local=is_local(source), source=source)


def _fold(once: Mapping[UUID, HitAction], source: str) -> History:
    local = is_local(source)
    fold = _Fold(source, local)
    for action in sorted(once.values(), key=_order):
        fold.take(action)
    seen = {VISUAL[one.kind] for one in (*fold.applied, *fold.ignored) if one.kind in VISUAL}
    return History(
        status=fold.status,
        visual=fold.visual,
        current=fold.current,
        applied=tuple(fold.applied),
        ignored=tuple(fold.ignored),
        disputed=len(seen) > 1,
        local=local,
        source=source,
    )


def _order(action: HitAction) -> tuple[int, str]:
    """Return the sort key of an action: milliseconds, as in the table, and the id."""
    return (action.at - EPOCH) // timedelta(milliseconds=1), str(action.action_id)


def _content(action: HitAction) -> bytes:
    """Return the content of an action.

    If a fault gives one id two contents, the choice must not depend on order.
    """
    return action.to_json()
