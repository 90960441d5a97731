"""From an alert hit to what came of it: the steps of sections G.3 to G.8, and what may follow what.

    unverified -> plate_confirmed -> confirmed -> acted
        |  |          |    |  \\          |  \\---> closed (no action)
        |  |          |    |   \\--> not_current -> closed
        |  |          |    \\------> acted, closed: an entry of our own list, of which nobody else knows
        |  \\----------+-----------> wrong_state -> closed
        \\-------------+-----------> misread ----> closed

A second look may correct the first: towards caution from wherever the hit stands until it is acted on or
closed, and from misread or wrong_state back to plate_confirmed, from where the entry is checked anew.

A hit's history is a function of the *set* of its actions: they count in the order of their times (at equal
times of their ids), each once, and one that may not follow is kept beside the history and changes nothing. So
two officers at once, late, doubled and replayed actions end in one history wherever it is put together; the
view `platestream.hit_states` (clickhouse/views/hits.sql) puts it together by the same table of steps.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from schemas.hit_action import ActionKind, CheckedWith, HitAction
from schemas.hotlist import CHECKED_SOURCES

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

_LOOK: dict[ActionKind, Status] = {"misread": "misread", "wrong_state": "wrong_state"}
_CONFIRMED: dict[ActionKind, Status] = {"plate_and_state_confirmed": "plate_confirmed"}
_CLOSED: dict[ActionKind, Status] = {"no_action": "closed"}

STEPS: Mapping[Status, Mapping[ActionKind, Status]] = {
    "unverified": {**_CONFIRMED, **_LOOK},
    "plate_confirmed": {**_LOOK, "confirmed_current": "confirmed", "not_current": "not_current"},
    "misread": {**_CONFIRMED, "wrong_state": "wrong_state", **_CLOSED},
    "wrong_state": {**_CONFIRMED, "misread": "misread", **_CLOSED},
    "confirmed": {**_LOOK, "not_current": "not_current", "action_taken": "acted", **_CLOSED},
    "not_current": {**_LOOK, "confirmed_current": "confirmed", **_CLOSED},
    "acted": {"action_taken": "acted"},  # the report's number, where it is written later
    "closed": {},
}
# An entry that neither NCIC nor ACIC keeps is confirmed by the look alone (G.3, last sentence).
LOCAL_STEPS: Mapping[ActionKind, Status] = {"action_taken": "acted", **_CLOSED}

VISUAL: Mapping[ActionKind, str] = {
    "plate_and_state_confirmed": "confirmed",
    "misread": "misread",
    "wrong_state": "wrong_state",
}


def is_local(source: str) -> bool:
    """Whether an entry of this list is verified by looking alone."""
    return source not in ("", *CHECKED_SOURCES)


KEEPERS: Mapping[str, tuple[CheckedWith, ...]] = {
    "ncic": ("ncic", "acic"),
    "acic": ("ncic", "acic"),
    "mvd": ("mvd",),
}


def confirms(source: str, action: HitAction) -> bool:
    """Whether this step may say that an entry of `source` is current.

    An entry of NCIC or ACIC is confirmed by one of these two (G.3); an MVD query is made besides (G.5.b).
    """
    if action.kind != "confirmed_current":
        return True
    return source not in KEEPERS or action.checked_with in KEEPERS[source]


def following(status: Status, *, local: bool) -> dict[ActionKind, Status]:
    """What may follow, and where it leads."""
    steps = dict(STEPS[status])
    if local and status == "plate_confirmed":
        steps.update(LOCAL_STEPS)
    return steps


@dataclass(frozen=True)
class History:
    """A hit's history: `counted` are its steps in order, `beside` the actions that came out of turn.

    `disputed`: somebody saw another plate or state than what stands.
    """

    status: Status = "unverified"
    visual: str = ""
    current: str = ""
    counted: tuple[HitAction, ...] = ()
    beside: tuple[HitAction, ...] = ()
    disputed: bool = False
    local: bool = False
    source: str = ""

    @property
    def verified(self) -> bool:
        """As far as the order asks before a stop. It says nothing of suspicion or cause (G.4)."""
        return self.status == "confirmed" or (self.local and self.status == "plate_confirmed")

    @property
    def next_steps(self) -> tuple[ActionKind, ...]:
        """What may follow now."""
        return tuple(following(self.status, local=self.local))


@dataclass
class _Fold:
    source: str
    local: bool
    status: Status = "unverified"
    visual: str = ""
    current: str = ""
    counted: list[HitAction] = field(default_factory=list)
    beside: list[HitAction] = field(default_factory=list)

    def take(self, action: HitAction) -> None:
        leads_to = following(self.status, local=self.local).get(action.kind)
        if leads_to is None or not confirms(self.source, action):
            self.beside.append(action)
            return
        self.status = leads_to
        self.counted.append(action)
        if action.kind in VISUAL:
            self.visual, self.current = VISUAL[action.kind], ""
        elif action.kind in ("confirmed_current", "not_current"):
            self.current = "yes" if action.kind == "confirmed_current" else "no"


def history(actions: Iterable[HitAction], *, source: str) -> History:
    """The history of one hit from its actions, in whatever order and however often they come.

    `source` is the list of its entry, which says who confirms it; empty where it is not known.
    """
    local = is_local(source)
    once = {action.action_id: action for action in sorted(actions, key=_whole)}
    fold = _Fold(source, local)
    for action in sorted(once.values(), key=_turn):
        fold.take(action)
    seen = {VISUAL[one.kind] for one in (*fold.counted, *fold.beside) if one.kind in VISUAL}
    return History(
        status=fold.status,
        visual=fold.visual,
        current=fold.current,
        counted=tuple(fold.counted),
        beside=tuple(fold.beside),
        disputed=len(seen) > 1,
        local=local,
        source=source,
    )


def _turn(action: HitAction) -> tuple[int, str]:
    """Milliseconds, as the table keeps them, and the id."""
    return (action.at - EPOCH) // timedelta(milliseconds=1), str(action.action_id)


def _whole(action: HitAction) -> bytes:
    """One id with two contents is nobody's doing but a fault's; which one stands must not depend on order."""
    return action.to_json()
