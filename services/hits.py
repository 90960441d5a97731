"""Alert hits as officers handle them: looked at through the gate, verified step by step, disposed of.

Each step passes the door first, refused ones too. It
goes to the `hit_actions` topic. It is checked against what is recorded so far, so an officer hears
at once what is missing; two who act in the same moment may both pass that check, and the history of the hit
(`operators/hit_history.py`) then counts the first and keeps the other beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Unpack
from uuid import UUID, uuid4

import msgspec
from rapidfuzz.distance import Levenshtein

from connectors.clickhouse_client import ANALYST
from operators.hit_history import KEEPERS, History, confirms, history
from schemas import plates, tables, topics
from schemas.hit_action import ActionKind, Confused, HitAction
from schemas.message import Message, RefusedError
from services.door import Door, Why
from services.effects import effect_of, write
from services.inquiries import gate, looking
from services.partners import asking
from services.rows import put_at_once

MOST_CONFUSED = 3  # more characters apart, and it is another plate and no misreading
DISPOSING: tuple[ActionKind, ...] = ("action_taken", "no_action")
SAID: dict[ActionKind, str] = {
    "plate_and_state_confirmed": "plate and state compared with the vehicle: they match",
    "misread": "the vehicle has another plate",
    "wrong_state": "the plate is of another state",
    "confirmed_current": "the entry is current",
    "not_current": "the entry is not current",
    "action_taken": "action taken",
    "no_action": "no action",
}


class UnknownHit(RefusedError):  # noqa: N818 - a refusal is an answer
    """There is no alert hit of this id, or none any more."""


@dataclass(frozen=True)
class Standing:
    """A hit as its row tells it, and what was recorded about it so far."""

    row: gate.Row
    history: History

    @property
    def hit_id(self) -> UUID:
        return UUID(str(self.row["hit_id"]))

    @property
    def missing(self) -> str:
        """What is to be done before anybody acts, in words; empty when nothing is."""
        if self.history.status == "unverified":
            return "compare plate and state of issue with the vehicle's own"
        if self.history.status == "plate_confirmed" and not self.history.local:
            return f"verify the entry with {keepers(self.history.source)}"
        return ""


def standing(
    door: Door,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    recent: Iterable[HitAction] = (),
    most: int | None = None,
    **why: Unpack[Why],
) -> list[Standing]:
    """Hits and where they stand, newest first; arguments and errors as `gate.hits`. A logged look.

    Without a purpose it serves the agency's one of being told of listed vehicles, where it lists purposes.
    Of many only the newest `most` are read. `recent` are steps that were recorded a moment ago and may not be
    in the table yet.
    """
    rows, steps = gate.hits_and_steps(
        door.client(ANALYST),
        pattern=pattern,
        hit_id=hit_id,
        cameras=cameras,
        since=since,
        until=until,
        most=most,
        **door.said(**serving(door, why)),
    )
    done: dict[UUID, list[HitAction]] = {}
    for action in (*map(_action, steps), *recent):
        done.setdefault(action.hit_id, []).append(action)
    return [
        Standing(row, history(done.get(UUID(str(row["hit_id"])), ()), source=row["source"])) for row in rows
    ]


def one(door: Door, hit_id: UUID, recent: Iterable[HitAction] = (), **why: Unpack[Why]) -> Standing:
    """The hit of this id. Raises UnknownHit when there is none (any more), and what `standing` raises."""
    found = standing(door, hit_id=hit_id, recent=recent, **why)
    if not found:
        raise UnknownHit("hit", f"no alert hit {hit_id}: hits are kept for 30 days")
    return found[0]


def fresh(door: Door) -> Iterator[Standing]:
    """New alert hits as they come, for ever. What was captured before its entry was listed is no fresh alert,
    and left out. Nobody may be shown one before `shown_to` has put the look on record.
    """
    return _fresh(door.streams.follow(topics.ALERT_HITS))


def _fresh(followed: Iterator[Sequence[Message]]) -> Iterator[Standing]:
    for messages in followed:
        for message in messages:
            hit = topics.ALERT_HITS.decode(message)
            if not hit.historical:
                (values,) = tables.ALERT_HITS.rows(hit)
                row = dict(zip(tables.ALERT_HITS.columns, values, strict=True))
                yield Standing(row, history((), source=hit.entry.source))


def shown_to(door: Door, hit: Standing, people: Sequence[str], **why: Unpack[Why]) -> dict[str, str]:
    """Put on record that each of these people is shown a new hit; by which rule each may not, or nothing.

    Raises DatabaseError.
    """
    return door.enter_each("hits", str(hit.hit_id), people, **serving(door, why))


def pictures(door: Door, hit: Standing, **why: Unpack[Why]) -> dict[str, bytes]:
    """The hit's pictures by kind, JPEG: a look of its own, with the errors of `gate.picture`; where another
    agency saw the vehicle it is asked for them, with those of `services.partners.asking.pictures`.
    """
    if agency := hit.row["agency"]:
        seen = hit.row["detection_id"], hit.row["captured_at"]
        return asking.pictures(door, agency, *seen, **serving(door, why))
    return looking.pictures(door, hit.row["detection_id"], hit.row["captured_at"], **serving(door, why))


def serving(door: Door, why: Why) -> Why:
    """Why a hit is looked at, with its purpose where the agency lists purposes."""
    if why.get("purpose"):
        return why
    return {**why, "purpose": door.rules.profile.purposes.look_back}


def take_step(door: Door, hit: Standing, kind: ActionKind, **told: Any) -> Standing:
    """Record one step, checked against what is recorded so far; how the hit stands then.

    `told` are fields of HitAction. Raises RefusedError for a step that may not follow, lacks something, or
    is confirmed by the wrong keeper, and RefusedInquiry where the person may not: either is on record.
    """
    act = "hit_dispose" if kind in DISPOSING else "hit_verify"
    case = str(told.get("case_number", ""))
    with door.on_record(act, str(hit.hit_id), case_number=case):
        action = _judged(hit, kind, door.who, told)
    effect = effect_of(topics.HIT_ACTIONS, action)
    permit = door.enter(act, str(hit.hit_id), change=_in_words(hit, action), effect=effect, case_number=case)
    write(permit, door, topics.HIT_ACTIONS, action)
    put_at_once(door.settings, tables.HIT_ACTIONS, action)
    done = hit.history
    return Standing(hit.row, history((*done.counted, *done.beside, action), source=done.source))


def confused(read: str, actual: str) -> tuple[Confused, ...]:
    """Characters that the reader took for others. Empty where the plates are the same or too far apart.

    >>> confused("A8C1234", "ABC1234")
    (Confused(actual='B', read='8'),)
    """
    seen, true = plates.normalise(read), plates.normalise(actual)
    steps = Levenshtein.editops(seen, true)
    if not 0 < len(steps) <= MOST_CONFUSED:
        return ()
    return tuple(
        Confused(actual=true[step.dest_pos], read=seen[step.src_pos])
        for step in steps
        if step.tag == "replace"
    )


def differing(plate: str, other: str) -> list[int]:
    """Places of the characters of `plate` that `other` does not have there; O and 0 count as one.

    >>> differing("A8C1234", "ABC1234"), differing("1234", "AB1234"), differing("AB1234", "1234")
    ([1], [], [0, 1])
    """
    steps = Levenshtein.editops(plates.equate(plate), plates.equate(other))
    return sorted({step.src_pos for step in steps if step.tag != "insert"})


def confirmed_confusions(row: gate.Row) -> tuple[Confused, ...]:
    """A look-alike that an officer confirmed was misread in just the characters in which it differs."""
    if row["match"] != "look_alike":
        return ()
    return confused(row["plate"], row["listed_plate"])


def _judged(hit: Standing, kind: ActionKind, by: str, told: dict[str, Any]) -> HitAction:
    """The step as it is to be recorded. Raises RefusedError."""
    if kind not in SAID:
        raise RefusedError("step", f"no such step; there are {', '.join(SAID)}")
    if kind not in hit.history.next_steps:
        raise RefusedError("step", _out_of_turn(hit, kind))
    now = datetime.now(UTC)
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    try:
        action = HitAction(action_id=uuid4(), hit_id=hit.hit_id, at=at, by=by, kind=kind, **told)
    except ValueError as error:
        raise RefusedError("step", str(error)) from None
    checked = HitAction.from_json(action.to_json())
    if not confirms(hit.history.source, checked):
        raise RefusedError("step", _wrong_keeper(hit.history.source, checked))
    return checked


def keepers(source: str) -> str:
    """Who confirms that an entry of `source` is current (G.3)."""
    return " or ".join(one.upper() for one in KEEPERS.get(source, ()))


def _wrong_keeper(source: str, action: HitAction) -> str:
    return (
        f"{action.checked_with.upper()} cannot confirm an entry of {source.upper()}: ask {keepers(source)}; "
        "what MVD said goes to --mvd (order, sections G.3 and G.5.b)"
    )


def _in_words(hit: Standing, action: HitAction) -> str:
    """The step for the inquiry log: nothing that was typed is in it, so no plate."""
    mark = "Actionable ALPR Hit Related" if action.actionable else ""
    stop = "vehicle stopped" if action.stopped else ""
    told = (SAID[action.kind], action.checked_with.upper(), action.result.replace("_", " "), stop, mark)
    return f"was {hit.history.status}: {', '.join(filter(None, told))}"


def _out_of_turn(hit: Standing, kind: ActionKind) -> str:
    done = hit.history
    if done.status in ("acted", "closed"):
        last = done.counted[-1]
        return (
            f"{SAID[last.kind]} was recorded by {last.by} at {last.at:%Y-%m-%d %H:%M} UTC; the hit is closed"
        )
    allowed = "; ".join(SAID[one] for one in done.next_steps)
    before = hit.missing or f"the hit is {done.status}"
    return f"'{SAID[kind]}' cannot be recorded yet: {before} (order, sections G.3 to G.5). Next: {allowed}"


def _action(step: gate.Row) -> HitAction:
    pairs = [{"actual": one["actual"], "read": one["read"]} for one in step["confused"]]
    return msgspec.convert({**step, "schema": "hit_action/1", "confused": pairs}, HitAction)
