"""Handling of alert hits by officers: viewing through the gate, verification step by step, and disposition.

Each step passes the door first, refused ones included, and then goes to the `hit_actions` topic. It is
checked against the steps recorded so far, so an officer learns at once what is missing. Two officers who act
at the same time may both pass that check; the history of the hit (`operators/hit_history.py`) then counts the
first step and lists the other separately.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Unpack, overload
from uuid import UUID, uuid4

import msgspec
from rapidfuzz.distance import Levenshtein

from platestream.access import disproofs, gate
from platestream.access.door import Documentation, Door, agency_zone
from platestream.access.effects import effect_of, write
from platestream.access.rows import put_at_once
from platestream.edges.changelog import readable
from platestream.edges.clickhouse_client import ANALYST, DatabaseError
from platestream.inquiries import search as looking
from platestream.operators.disproof import Disproof, Disproofs, matches_exactly, pair_of
from platestream.operators.hit_history import KEEPERS, History, Status, confirms, history
from platestream.partners import client as asking
from platestream.schemas import plates, tables, topics
from platestream.schemas.hit_action import ActionKind, Confusion, HitAction
from platestream.schemas.message import RefusedError

MOST_CONFUSED = 3  # with more differences it is another plate and no misreading
_DANGER = re.compile(
    r"\b(caution|danger\w*|armed|firearms?|guns?|weapons?|knife|explosives?|violent|suicidal|hostage)\b",
    re.IGNORECASE,
)
"""Words of the order's fourth instruction (H.6), and of cautions in the files of NCIC and neighbors."""
DISPOSING: tuple[ActionKind, ...] = ("action_taken", "no_action")
STEP_TEXTS: dict[ActionKind, str] = {
    "plate_and_state_confirmed": "plate and state compared with the vehicle: they match",
    "misread": "the vehicle has another plate",
    "wrong_state": "the plate is of another state",
    "confirmed_current": "the entry is current",
    "not_current": "the entry is not current",
    "action_taken": "action taken",
    "no_action": "no action",
}


class UnknownHit(RefusedError):  # noqa: N818 - a refusal is an answer
    """Error for a hit id that does not exist, or no longer exists."""


@dataclass(frozen=True)
class HitWithHistory:
    """A hit's row, the steps recorded about it so far, and the comparison that found its pair of plate and
    entry wrong before.
    """

    row: gate.Row
    history: History
    disproof: Disproof | None = None

    @property
    def hit_id(self) -> UUID:
        return UUID(str(self.row["hit_id"]))

    @property
    def withheld(self) -> bool:
        """True if the hit is not sent to phones, because its pair was found wrong before."""
        row = self.row
        return self.disproof is not None and not matches_exactly(
            row["plate"], row["state"], row["listed_plate"], row["listed_state"]
        )

    @property
    def missing(self) -> str:
        """The step that is required before anyone acts, in words; empty when there is none."""
        if self.history.status == "unverified":
            return "compare plate and state of issue with the vehicle's own"
        if self.history.status == "plate_confirmed" and not self.history.local:
            return f"verify the entry with {keepers(self.history.source)}"
        return ""


class HitList(Sequence[HitWithHistory]):
    """Hits of a query in order. Each is made when it is asked for, since a page shows few of them; `statuses`
    are those of all.
    """

    def __init__(self, listed: gate.HitRows, histories: Sequence[History], known: Disproofs) -> None:
        self._listed, self._histories, self._known = listed, histories, known

    @property
    def statuses(self) -> list[Status]:
        return [one.status for one in self._histories]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column."""
        return self._listed.column(name)

    def pick(self, places: Sequence[int]) -> "HitList":
        """Return the hits at these places, in this order."""
        rows = self._listed.rows
        listed = self._listed._replace(rows=[rows[one] for one in places])
        return HitList(listed, [self._histories[one] for one in places], self._known)

    def __len__(self) -> int:
        return len(self._listed.rows)

    @overload
    def __getitem__(self, place: int) -> HitWithHistory: ...

    @overload
    def __getitem__(self, place: slice) -> list[HitWithHistory]: ...

    def __getitem__(self, place: int | slice) -> HitWithHistory | list[HitWithHistory]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        row = dict(zip(self._listed.columns[:-2], self._listed.rows[place], strict=False))
        return HitWithHistory(row, self._histories[place], _disproof(self._known, row))


def find_hits(
    door: Door,
    *,
    pattern: str = "",
    hit_id: UUID | None = None,
    cameras: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    recent: Iterable[HitAction] = (),
    most: int | None = None,
    historical: bool | None = None,
    brief: bool = False,
    **why: Unpack[Documentation],
) -> HitList:
    """Return hits and their status, newest first; arguments and errors as `gate.hit_list`. A logged search.

    Where the agency lists purposes, the default purpose is that of notifications about listed vehicles. At
    most the newest `most` are read. `recent` are steps just recorded that may not be in the table yet.
    """
    listed = gate.hit_list(
        door.client(ANALYST),
        pattern=pattern,
        other="" if hit_id is None else str(hit_id),
        cameras=cameras,
        since=since,
        until=until,
        most=most,
        historical=historical,
        brief=brief,
        **door.documentation(**documentation(door, why)),
    )
    done: dict[UUID, list[HitAction]] = {}
    for action in recent:
        done.setdefault(action.hit_id, []).append(action)
    known = _disproofs(door, listed.rows[0][-1]) if listed.rows else {}
    return HitList(listed, _histories(listed, done), known)


def _histories(listed: gate.HitRows, recent: Mapping[UUID, Sequence[HitAction]]) -> list[History]:
    """Return the history of each hit of `gate.hit_list`."""
    found = zip(listed.column("hit_id"), listed.column("source"), listed.column("steps"), strict=True)
    return [
        history((*(_action(one, step) for step in steps), *recent.get(one, ())), source=source)
        for one, source, steps in found
    ]


def _disproofs(door: Door, recorded: Hashable) -> Disproofs:
    """Return the pairs found wrong that are still remembered, as of the newest recorded step. Raises
    DatabaseError.
    """
    since = _remembered_since(door)
    known = disproofs.read_once(door.client(ANALYST), recorded, int(since.timestamp() // 60))
    return {pair: found for pair, found in known.items() if found.at > since}


def _remembered_since(door: Door) -> datetime:
    return datetime.now(UTC) - door.rules.profile.disproved_for


def _disproof(known: Disproofs, row: gate.Row) -> Disproof | None:
    if not known:
        return None
    found = known.get(pair_of(row["plate"], row["entry_id"], row["listed_plate"]))
    return None if found is None or str(found.hit_id) == str(row["hit_id"]) else found


def one(
    door: Door, hit_id: UUID, recent: Iterable[HitAction] = (), **why: Unpack[Documentation]
) -> HitWithHistory:
    """Return the hit of this id. Raises UnknownHit when there is none (any more), and the errors of
    `find_hits`.
    """
    found = find_hits(door, hit_id=hit_id, recent=recent, **why)
    if not found:
        raise UnknownHit("hit", f"no alert hit {hit_id}: hits are kept for 30 days")
    return found[0]


@dataclass(frozen=True)
class Finds:
    """The historical hits of one entry and one plate as read, newest first: a part of a list."""

    found: HitList = field(repr=False)
    start: int
    end: int

    @property
    def hits(self) -> list[HitWithHistory]:
        """All of them."""
        return self.found[self.start : self.end]


def group_finds(found: HitList, places: Iterable[int]) -> list[list[int]]:
    """Return the places of historical hits in groups by entry and plate as read; the group with the newest
    hit is first.
    """
    entries, read = found.column("entry_id"), found.column("plate")
    groups: dict[tuple[str, str], list[int]] = {}
    for one in places:
        groups.setdefault((entries[one], read[one]), []).append(one)
    return list(groups.values())


def follow_hits(door: Door) -> Iterator[HitWithHistory]:
    """Yield new alert hits as they come, endlessly, without historical ones. A hit must not be shown to a
    person before `log_shown` has logged it.
    """
    for messages in door.streams.follow(topics.ALERT_HITS):
        for hit in readable(topics.ALERT_HITS, messages):
            if not hit.historical:
                (values,) = tables.ALERT_HITS.rows(hit)
                row = dict(zip(tables.ALERT_HITS.columns, values, strict=True))
                try:
                    known = disproofs.read(door.client(ANALYST), _remembered_since(door))
                    disproof = _disproof(known, row)
                except DatabaseError:  # an alert does not wait for what was found before
                    disproof = None
                yield HitWithHistory(row, history((), source=hit.entry.source), disproof)


def log_shown(
    door: Door, hit: HitWithHistory, people: Sequence[str], **why: Unpack[Documentation]
) -> dict[str, str]:
    """Log that each of these people is shown a new hit; return the rule that refuses each, empty where
    allowed.

    Raises DatabaseError.
    """
    return door.enter_each("hits", str(hit.hit_id), people, **documentation(door, why))


def pictures(door: Door, hit: HitWithHistory, **why: Unpack[Documentation]) -> dict[str, bytes]:
    """Return the hit's pictures by kind, JPEG: a search of its own, with the errors of `gate.picture`.
    Pictures of another agency's read are requested there, with the errors of
    `platestream.partners.client.pictures`.
    """
    if agency := hit.row["agency"]:
        seen = hit.row["detection_id"], hit.row["captured_at"]
        return asking.pictures(door, agency, *seen, **documentation(door, why))
    return looking.pictures(door, hit.row["detection_id"], hit.row["captured_at"], **documentation(door, why))


def documentation(door: Door, why: Documentation) -> Documentation:
    """Return the documentation of viewing a hit, with its purpose where the agency lists purposes."""
    if why.get("purpose"):
        return why
    return {**why, "purpose": door.rules.profile.purposes.look_back}


def take_step(door: Door, hit: HitWithHistory, kind: ActionKind, **fields: Any) -> HitWithHistory:
    """Record one step, checked against the steps recorded so far; return the hit with its new status.

    `fields` are fields of HitAction. Raises RefusedError for a step that may not follow, is incomplete, or is
    confirmed by the wrong agency, and RefusedInquiry where the person may not do it; both are logged.
    """
    act = "hit_dispose" if kind in DISPOSING else "hit_verify"
    case = str(fields.get("case_number", ""))
    with door.log_refusal(act, str(hit.hit_id), case_number=case):
        action = _make_action(door, hit, kind, fields)
    effect = effect_of(topics.HIT_ACTIONS, action)
    permit = door.enter(act, str(hit.hit_id), change=_in_words(hit, action), effect=effect, case_number=case)
    write(permit, door, topics.HIT_ACTIONS, action)
    put_at_once(door.settings, tables.HIT_ACTIONS, [action])
    done = hit.history
    after = history((*done.applied, *done.ignored, action), source=done.source)
    return replace(hit, history=after)


def confusions(read: str, actual: str) -> tuple[Confusion, ...]:
    """Return the characters that the reader took for others; none where the plates are the same or too
    different.

    >>> confusions("A8C1234", "ABC1234")
    (Confusion(actual='B', read='8'),)
    """
    seen, true = plates.normalise(read), plates.normalise(actual)
    steps = Levenshtein.editops(seen, true)
    if not 0 < len(steps) <= MOST_CONFUSED:
        return ()
    return tuple(
        Confusion(actual=true[step.dest_pos], read=seen[step.src_pos])
        for step in steps
        if step.tag == "replace"
    )


def cautions(row: gate.Row) -> list[str]:
    """Return the parts of an entry's instructions and other words that warn of danger, each once.

    >>> cautions({"instructions": "P/C for arrest. R/O known to carry firearm", "other": ""})
    ['R/O known to carry firearm']
    """
    parts = re.split(r"[.;,\n]+", f"{row['instructions']}\n{row['other']}")
    return list(dict.fromkeys(one.strip() for one in parts if _DANGER.search(one)))


def different_positions(plate: str, other: str) -> list[int]:
    """Return positions in `plate` of characters that differ from `other`, to be compared with the vehicle.

    >>> different_positions("A8C1234", "ABC1234"), different_positions("0HIO", "OHIO")
    ([1], [0])
    >>> different_positions("1234", "AB1234"), different_positions("AB1234", "1234")
    ([], [0, 1])
    """
    steps = Levenshtein.editops(plate, other)
    return sorted({step.src_pos for step in steps if step.tag != "insert"})


def confirmed_confusions(row: gate.Row) -> tuple[Confusion, ...]:
    """Return the misread characters of a confirmed look-alike: exactly those in which it differs."""
    if row["match"] != "look_alike":
        return ()
    return confusions(row["plate"], row["listed_plate"])


def _make_action(door: Door, hit: HitWithHistory, kind: ActionKind, fields: dict[str, Any]) -> HitAction:
    """Return the step to record, of the door's person. Raises RefusedError."""
    if kind not in STEP_TEXTS:
        raise RefusedError("step", f"no such step; there are {', '.join(STEP_TEXTS)}")
    if kind not in hit.history.next_steps:
        raise RefusedError("step", _order_fault(hit, kind, agency_zone(door)))
    now = datetime.now(UTC)
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    try:
        action = HitAction(action_id=uuid4(), hit_id=hit.hit_id, at=at, by=door.who, kind=kind, **fields)
    except ValueError as error:
        raise RefusedError("step", str(error)) from None
    checked = HitAction.from_json(action.to_json())
    if not confirms(hit.history.source, checked):
        raise RefusedError("step", _keeper_fault(hit.history.source, checked))
    return checked


def keepers(source: str) -> str:
    """Return who confirms that an entry of `source` is current (G.3)."""
    return " or ".join(one.upper() for one in KEEPERS.get(source, ()))


def _keeper_fault(source: str, action: HitAction) -> str:
    return (
        f"{action.checked_with.upper()} cannot confirm an entry of {source.upper()}: ask {keepers(source)}; "
        "what MVD said goes to --mvd (order, sections G.3 and G.5.b)"
    )


def _in_words(hit: HitWithHistory, action: HitAction) -> str:
    """Describe the step for the inquiry log, without typed text and therefore without a plate."""
    mark = "Actionable ALPR Hit Related" if action.actionable else ""
    stop = "vehicle stopped" if action.stopped else ""
    parts = (
        STEP_TEXTS[action.kind],
        action.checked_with.upper(),
        action.result.replace("_", " "),
        stop,
        mark,
    )
    return f"was {hit.history.status}: {', '.join(filter(None, parts))}"


def _order_fault(hit: HitWithHistory, kind: ActionKind, zone: tzinfo) -> str:
    done = hit.history
    if done.status in ("acted", "closed"):
        last = done.applied[-1]
        recorded = f"recorded by {last.by} at {last.at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        return f"{STEP_TEXTS[last.kind]} was {recorded}; the hit is closed"
    allowed = "; ".join(STEP_TEXTS[one] for one in done.next_steps)
    before = hit.missing or f"the hit is {done.status}"
    return (
        f"'{STEP_TEXTS[kind]}' cannot be recorded yet: {before} (order, sections G.3 to G.5). Next: {allowed}"
    )


def _action(hit_id: UUID, recorded: Sequence[Any]) -> HitAction:
    step = dict(zip(gate.STEP, recorded, strict=True))
    pairs = [{"actual": one["actual"], "read": one["read"]} for one in step["confused"]]
    return msgspec.convert({**step, "hit_id": hit_id, "schema": "hit_action/1", "confused": pairs}, HitAction)
