"""Who is told of a hit: by category, source, priority, camera and area, by who is on shift, and by MOU.

What is decided against telling somebody is a record, too, and never silent: quiet hours, an entry that does
not alert an agency, an MOU that is not in force, a person who is not registered or not trained at the moment
of the hit, nobody on shift.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.hold import Hold
from operators.matching.limits import in_hours, metres
from operators.notify.message import Notice, notice
from operators.notify.rules import ON_SHIFT, TOP, NotifyRules, Receiver, Route, span
from operators.people import FOREIGN, Objection, People
from schemas.alert_hit import AlertHit
from schemas.delivery import Delivery, Outcome, delivery_id
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord

NOBODY = "Nobody is on shift: whoever reads this, see that an officer hears of it."

Event = AlertHit | RegistryRecord | EndOfSnapshot
Decision = Notice | Delivery


@dataclass
class NotifyRegistry:
    """What the registry says now: who is who, and cameras."""

    people: People = field(default_factory=People)
    cameras: dict[str, RegistryRecord] = field(default_factory=dict)

    def put(self, record: RegistryRecord) -> None:
        """The newest record of an id; other kinds concern nobody here."""
        self.people.put(record)
        if record.kind == "camera":
            self.cameras[record.id] = record

    def shared(self, receiver: Receiver, camera: str, at: datetime, rules: NotifyRules) -> bool:
        """Of another agency: data may be shared with it now (I.2), and of this camera."""
        if not receiver.agency:
            return True
        if self.people.agency(receiver.agency, at, rules.people):
            return False
        cameras = self.people.agencies[receiver.agency].shares_cameras
        return not cameras or camera in cameras

    def objection(self, receiver: Receiver, at: datetime, rules: NotifyRules) -> Objection | None:
        """What stands against the person behind a receiver at this moment (E.1.e, F.7), if it has one.

        They are of our own agency, or of the agency that the rules name for their receiver.
        """
        if not receiver.officer:
            return None
        if not receiver.agency:
            return self.people.colleague(receiver.officer, at, rules.people)
        objection = self.people.person(receiver.officer, at, rules.people)
        if objection is None and self.people.users[receiver.officer].agency != receiver.agency:
            return FOREIGN
        return objection


def addressed(
    hit: AlertHit, rules: NotifyRules, known: NotifyRegistry, now: datetime
) -> tuple[list[Receiver], bool]:
    """Whom the routes name, each once; and whether a route asked for who is on shift and nobody is
    who may be told."""
    names: dict[str, None] = {}
    nobody = False
    for route in rules.routes:
        if not _fits(route, hit, rules):
            continue
        names |= dict.fromkeys(name for name in route.to if name != ON_SHIFT)
        if ON_SHIFT in route.to:
            officers = [
                one for one in rules.receivers if one.officer and known.people.on_shift(one.officer, now)
            ]
            names |= dict.fromkeys(one.name for one in officers)
            nobody = nobody or all(known.objection(one, now, rules) for one in officers)
    if nobody:
        names |= dict.fromkeys(rules.nobody)
    found = (rules.receiver(name) for name in names)
    return [one for one in found if one is not None], nobody


def route(hit: AlertHit, rules: NotifyRules, known: NotifyRegistry, now: datetime) -> Iterator[Decision]:
    """A notice for each who is told, a delivery record for each who is not and why."""
    receivers, nobody = addressed(hit, rules, known, now)
    camera = known.cameras.get(hit.detection.camera_id)
    place = camera.name if camera else ""
    for receiver in receivers:
        objection = known.objection(receiver, now, rules)
        against = "not_entitled" if objection else _against(hit, receiver, rules, known, now)
        if against is None:
            yield notice(hit, receiver, rules, place, now, NOBODY if nobody else "")
        else:
            because = objection.code if objection else ""
            yield _not_told(hit, rules, receiver.name, receiver.agency, against, now, because)
    if nobody or (not receivers and not hit.historical):
        yield _not_told(hit, rules, "", "", "nobody", now)


def _against(
    hit: AlertHit, receiver: Receiver, rules: NotifyRules, known: NotifyRegistry, now: datetime
) -> Outcome | None:
    # What another agency told us is not ours to hand on to a third one.
    if (receiver.agency and hit.agency) or not known.shared(receiver, hit.detection.camera_id, now, rules):
        return "not_shared"
    if receiver.agency and receiver.agency in hit.entry.silenced_for:
        return "silenced"
    if not hit.historical and hit.detection.captured_at < now - span(rules.oldest):
        return "stale"
    if rules.priority(hit.entry.category) != TOP and _is_quiet(hit, receiver, rules, now):
        return "quiet"
    return None


def _is_quiet(hit: AlertHit, receiver: Receiver, rules: NotifyRules, now: datetime) -> bool:
    if receiver.quiet and in_hours(now, receiver.quiet):
        return True
    return any(
        (not one.receivers or receiver.name in one.receivers)
        and (not one.categories or hit.entry.category in one.categories)
        and (not one.cameras or hit.detection.camera_id in one.cameras)
        and in_hours(now, one.hours)
        for one in rules.quiet
    )


def _fits(route: Route, hit: AlertHit, rules: NotifyRules) -> bool:
    read, entry = hit.detection, hit.entry
    return (
        (route.historical or not hit.historical)
        and (not route.categories or entry.category in route.categories)
        and (not route.sources or entry.source in route.sources)
        and (not route.priorities or rules.priority(entry.category) in route.priorities)
        and (not route.cameras or read.camera_id in route.cameras)
        and (
            not route.areas
            or any(metres(read.latitude, read.longitude, area) <= area.radius_m for area in route.areas)
        )
    )


def _not_told(
    hit: AlertHit,
    rules: NotifyRules,
    receiver: str,
    agency: str,
    outcome: Outcome,
    now: datetime,
    reason: str = "",
) -> Delivery:
    return Delivery(
        delivery_id=delivery_id(hit.hit_id, receiver),
        hit_id=hit.hit_id,
        receiver=receiver,
        agency=agency,
        priority=rules.priority(hit.entry.category),
        outcome=outcome,
        at=now,
        captured_at=hit.detection.captured_at,
        reason=reason,
    )


class Router(StatefulBatchLogic[Event, Decision, bytes]):
    """The one key through which hits pass: they wait until the registry has been read.

    The registry is not kept in the recovery store: each start reads it again.
    """

    def __init__(self, resume: bytes | None, rules: NotifyRules, now: Callable[[], datetime]) -> None:
        self._rules, self._now = rules, now
        self._hold = Hold(("registry",), [] if resume is None else _decoder.decode(resume))
        self._known = NotifyRegistry()

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Decision], bool]:
        out: list[Decision] = []
        for value in values:
            out.extend(self._take(value))
        return out, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._hold.waiting)

    def _take(self, value: Event) -> Iterator[Decision]:
        if isinstance(value, RegistryRecord):
            self._known.put(value)
            return
        hits = self._hold.end(value) if isinstance(value, EndOfSnapshot) else self._hold.take(value)
        for hit in hits:
            now = self._now()
            self._known.people.forget_shifts(now)
            yield from route(hit, self._rules, self._known, now)


_decoder = msgspec.msgpack.Decoder(list[AlertHit])
