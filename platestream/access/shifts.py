"""Shifts of officers (order, section F.4): they log in and out, and alert hits go to the officers on shift.

A shift is a record of the registry, and remains there. It ends by logging out, or by itself after its longest
time, so that an officer who forgot to log out does not receive alerts indefinitely. Only a trained employee
of this agency may go on shift (F.7), and only a supervisor may log in or out another person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from platestream.access import presence
from platestream.access.door import Door, agency_zone
from platestream.access.registry import (
    completed,
    difference,
    effect_of,
    load_people,
    of_kinds,
    records,
    records_of,
    subjects,
    write_at_once,
)
from platestream.operators.people import People, PeopleRules
from platestream.schemas.message import RefusedError
from platestream.schemas.presence import Presence
from platestream.schemas.registry import Kind, RegistryRecord

LONGEST = timedelta(hours=16)
GOES = ("officer", "supervisor")


@dataclass(frozen=True)
class OnShift:
    """A current shift, and the device that shows its person new hits; None where none is connected."""

    shift: RegistryRecord
    device: Presence | None


def show(door: Door, now: datetime) -> list[OnShift]:
    """List the current shifts, the longest first. Raises RefusedInquiry and BrokerError."""
    door.enter("shift_show")
    return _connected(door, load_people(door)[0], now)


def show_beside(
    door: Door, now: datetime, *kinds: Kind, beside: str
) -> tuple[dict[Kind, list[RegistryRecord]], list[OnShift]]:
    """Return the current records of several kinds, as `registry.show_several` does, and the current shifts:
    two acts that are logged together. Raises as `show`.
    """
    door.enter_together([("registry_show", subjects(kinds, beside)), ("shift_show", "")])
    found = records(door.streams)
    return of_kinds(found, kinds), _connected(door, People(found), now)


def _connected(door: Door, people: People, now: datetime) -> list[OnShift]:
    devices = presence.connected(door, now)
    return [OnShift(one, devices.get(one.user)) for one in _open(people, now)]


def shift_of(people: People, who: str, now: datetime) -> RegistryRecord | None:
    """Return the current shift of this person."""
    return next((one for one in _open(people, now) if one.user == who), None)


def cars(door: Door) -> dict[str, str]:
    """Return names by id of the active cameras that are in cars. Raises BrokerError."""
    found = records_of(door.streams, "camera").values()
    return {one.id: one.name for one in found if one.active and one.moves}


def log_in(
    door: Door, lasts: timedelta, now: datetime, user: str = "", cameras: Sequence[str] = ()
) -> RegistryRecord:
    """Start a shift of at most `lasts`, one's own, or that of `user`, in the car of `cameras` if it has some.

    Raises RefusedError, which is logged, for a person who may not go on shift or is logged in already, or a
    camera that is in no car, and RefusedInquiry.
    """
    who = user or door.who
    with door.log_refusal("shift_login", _about(who)):
        people, rules = load_people(door)
        _check_right(door, people, who)
        if not timedelta() < lasts <= LONGEST:
            raise RefusedError("shift", f"a shift lasts {LONGEST.total_seconds() / 3600:.0f} hours at most")
        _check_fitness(people, rules, who, now)
        for shift in _open(people, now):
            if shift.user == who and shift.since is not None:
                since = f"{shift.since.astimezone(agency_zone(door)):%Y-%m-%d %H:%M %Z}"
                raise RefusedError("shift", f"{who} has been logged in since {since}")
        if cameras and (unknown := sorted(set(cameras) - set(cars(door)))):
            raise RefusedError("shift", f"no camera in a car: {', '.join(unknown)}")
        record = _shift(door, people.users[who], lasts, cameras)
    return _write(door, "shift_login", None, record)


def log_out(door: Door, now: datetime, user: str = "") -> RegistryRecord:
    """End one's own shift, or that of `user`.

    Raises RefusedError, which is logged, for a person who is not logged in, and RefusedInquiry.
    """
    who = user or door.who
    with door.log_refusal("shift_logout", _about(who)):
        people, _rules = load_people(door)
        _check_right(door, people, who)
        shift = next((one for one in _open(people, now) if one.user == who), None)
        if shift is None:
            raise RefusedError("shift", f"{who} is not logged in")
    since, at = shift.since or now, door.now().replace(microsecond=0)
    ended = msgspec.structs.replace(shift, until=max(since, at), active=False)
    return _write(door, "shift_logout", shift, ended)


def _check_right(door: Door, people: People, who: str) -> None:
    """Raise RefusedError where a person who is no supervisor acts for another one."""
    me = people.users.get(door.who)
    if who != door.who and (me is None or "supervisor" not in me.roles):
        raise RefusedError("shift", "only a supervisor logs in or out for somebody else (order, section F.4)")


def _check_fitness(people: People, rules: PeopleRules, who: str, now: datetime) -> None:
    """Raise RefusedError for a person who may not go on shift."""
    if objection := people.colleague(who, now, rules):
        raise RefusedError("shift", f"{who} may not go on shift: {objection.text}")
    if not any(role in GOES for role in people.users[who].roles):
        raise RefusedError("shift", f"{who} may not go on shift: neither officer nor supervisor (F.4)")


def _shift(door: Door, user: RegistryRecord, lasts: timedelta, cameras: Sequence[str]) -> RegistryRecord:
    since = door.now().replace(microsecond=0)  # by the database's clock, which refuses another time
    record = RegistryRecord(
        kind="shift",
        id=f"{user.id[:40]}@{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        name=user.name,
        user=user.id,
        agency=user.agency,
        since=since,
        until=since + lasts,
        cameras=tuple(sorted(set(cameras))),
        approved_by="" if door.who == user.id else door.who,
    )
    return RegistryRecord.from_json(record.to_json())


def _open(people: People, now: datetime) -> list[RegistryRecord]:
    return sorted(people.shifts_at(now), key=lambda one: (one.since or now, one.id))


def _about(who: str) -> str:
    return f"user/{who}"


def _write(door: Door, act: str, before: RegistryRecord | None, record: RegistryRecord) -> RegistryRecord:
    final = completed(door, record, before)
    change = f"{final.key}: {difference(before, final)}"
    permit = door.enter(act, _about(final.user), change=change, effect=effect_of(final))
    return write_at_once(permit, door, final)
