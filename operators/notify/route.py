"""Routing of hits to receivers: by category, source, priority, camera and area, by shifts, and by MOU.

A decision not to notify is recorded, too: quiet hours, an entry that does not alert an agency, an MOU that is
not in force, a person who is not registered or trained at the time of the hit, nobody on shift, a pair of
plate and entry that an officer found wrong, an officer whose live page showed the hit. A hit of a camera in a
car goes to the officer in that car first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.disproof import Disproof, Disproofs, find, matches_exactly
from platestream.operators.matching.limits import distance_m, in_hours
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.rules import ON_SHIFT, TOP, NotifyRules, Receiver, Route, span
from platestream.operators.people import FOREIGN, Objection, People
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import Delivery, Outcome, delivery_id
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord

YOURS = "A camera of your car read it."
NOBODY = "Nobody is on shift: whoever reads this, see that an officer hears of it."

Event = AlertHit | RegistryRecord | Presence | EndOfSnapshot
Decision = Notice | Delivery


@dataclass
class NotifyRegistry:
    """The current people, agencies and cameras of the registry, and the devices connected to the console."""

    people: People = field(default_factory=People)
    cameras: dict[str, RegistryRecord] = field(default_factory=dict)
    devices: dict[str, Presence] = field(default_factory=dict)

    def put(self, record: RegistryRecord) -> None:
        """Store the newest record of an id; records of other kinds are ignored."""
        self.people.put(record)
        if record.kind == "camera":
            self.cameras[record.id] = record

    def is_connected(self, who: str, at: datetime) -> bool:
        """Return whether a device of this person shows hits as they come."""
        last = self.devices.get(who)
        return last is not None and last.until > at

    def shared(self, receiver: Receiver, camera: str, at: datetime, rules: NotifyRules) -> bool:
        """Return whether data of this camera may be shared with the receiver's agency now (I.2)."""
        if not receiver.agency:
            return True
        if self.people.agency(receiver.agency, at, rules.people):
            return False
        cameras = self.people.agencies[receiver.agency].shares_cameras
        return not cameras or camera in cameras

    def objection(self, receiver: Receiver, at: datetime, rules: NotifyRules) -> Objection | None:
        """Return the objection to the person of a receiver at this time (E.1.e, F.7), if it has one.

        The person belongs to our own agency, or to the agency that the rules name for the receiver.
        """
        if not receiver.officer:
            return None
        if not receiver.agency:
            return self.people.colleague(receiver.officer, at, rules.people)
        objection = self.people.person(receiver.officer, at, rules.people)
        if objection is None and self.people.users[receiver.officer].agency != receiver.agency:
            return FOREIGN
        return objection


def select_receivers(
    hit: AlertHit, rules: NotifyRules, known: NotifyRegistry, now: datetime
) -> tuple[list[Receiver], bool]:
    """Return the receivers that the routes name, each once, and whether nobody on shift was found.

    The latter is true if a route goes to the people on shift and nobody is who may be notified.
    """
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


def route(
    hit: AlertHit,
    rules: NotifyRules,
    known: NotifyRegistry,
    now: datetime,
    disproof: Disproof | None = None,
) -> Iterator[Decision]:
    """Yield a notice for each receiver that is notified, else a delivery record with the reason.

    A hit whose pair of plate and entry was found wrong notifies only if it matches exactly, and says so.
    """
    read, entry = hit.detection, hit.entry
    if disproof is not None and not matches_exactly(read.plate, read.state, entry.plate, entry.state):
        yield _unsent(hit, rules, "", "", "disproved", now, disproof.kind)
        return
    crew = {} if hit.agency else known.people.crew(read.camera_id, now)
    receivers, nobody = select_receivers(hit, rules, known, now)
    receivers.sort(key=lambda one: one.officer not in crew)
    camera = known.cameras.get(hit.detection.camera_id)
    place = camera.name if camera else ""
    for receiver in receivers:
        objection = known.objection(receiver, now, rules)
        against = "not_entitled" if objection else _objection(hit, receiver, rules, known, now)
        if against is None:
            yield notice(hit, receiver, rules, place, now, _remark(receiver, crew, nobody), disproof)
        else:
            because = objection.code if objection else ""
            yield _unsent(hit, rules, receiver.name, receiver.agency, against, now, because)
    if nobody or (not receivers and not hit.historical):
        yield _unsent(hit, rules, "", "", "nobody", now)


def _remark(receiver: Receiver, crew: Mapping[str, str], nobody: bool) -> str:
    if nobody:
        return NOBODY
    if receiver.officer in crew:
        return YOURS
    car = receiver.officer and crew
    return f"Read in the car of {', '.join(sorted(crew.values()))}, who is on shift there." if car else ""


def _objection(
    hit: AlertHit, receiver: Receiver, rules: NotifyRules, known: NotifyRegistry, now: datetime
) -> Outcome | None:
    # Hits that another agency reported to us must not be passed on to a third one.
    if (receiver.agency and hit.agency) or not known.shared(receiver, hit.detection.camera_id, now, rules):
        return "not_shared"
    if receiver.agency and receiver.agency in hit.entry.silenced_for:
        return "silenced"
    if not hit.historical and hit.detection.captured_at < now - span(rules.oldest):
        return "stale"
    if rules.priority(hit.entry.category) != TOP and _is_quiet(hit, receiver, rules, now):
        return "quiet"
    if receiver.fallback and not hit.historical and known.is_connected(receiver.officer, now):
        return "connected"
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
            or any(distance_m(read.latitude, read.longitude, area) <= area.radius_m for area in route.areas)
        )
    )


def _unsent(
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
    """Logic of the one key through which hits pass: they wait until registry and presence were read.

    These are not in the recovery store, because each start reads them again.
    """

    def __init__(
        self,
        resume: bytes | None,
        rules: NotifyRules,
        now: Callable[[], datetime],
        disproofs: Callable[[datetime], Disproofs] = lambda _now: {},
    ) -> None:
        self._rules, self._now, self._disproofs = rules, now, disproofs
        self._hold = ChangelogHold(
            ("registry", "presence"), [] if resume is None else _decoder.decode(resume)
        )
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
        if isinstance(value, Presence):
            self._known.devices[value.user] = value
            return
        hits = self._hold.end(value) if isinstance(value, EndOfSnapshot) else self._hold.take(value)
        disproofs = self._disproofs(self._now()) if hits else {}
        for hit in hits:
            now = self._now()
            self._known.people.forget_shifts(now)
            yield from route(hit, self._rules, self._known, now, find(disproofs, hit))


_decoder = msgspec.msgpack.Decoder(list[AlertHit])
