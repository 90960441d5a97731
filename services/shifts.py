"""Who is on shift (order, section F.4): officers log in and out; alert hits reach whoever is logged in.

A shift is a record of the registry, and stays on record. It ends by logging out, or by itself after its
longest time: somebody who forgot to log out is not alerted for ever. Only a trained employee of this agency
goes on shift (F.7), and only a supervisor logs in or out for somebody else.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from operators.people import People, PeopleRules
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services.door import Door
from services.registry import difference, effect_of, finished, who_is_who, write_at_once

LONGEST = timedelta(hours=16)
GOES = ("officer", "supervisor")


def show(door: Door, now: datetime) -> list[RegistryRecord]:
    """The shifts that count now, the longest first. Raises RefusedInquiry."""
    door.enter("shift_show")
    people, _rules = who_is_who(door)
    return _open(people, now)


def of_person(people: People, who: str, now: datetime) -> RegistryRecord | None:
    """The shift that this person is on now."""
    return next((one for one in _open(people, now) if one.user == who), None)


def log_in(door: Door, lasts: timedelta, now: datetime, user: str = "") -> RegistryRecord:
    """Start a shift of at most `lasts`, one's own, or that of `user`.

    Raises RefusedError for who may not go on shift or is logged in already, which is on record, and
    RefusedInquiry.
    """
    who = user or door.who
    with door.on_record("shift_login", _about(who)):
        people, rules = who_is_who(door)
        _may(door, people, who)
        if not timedelta() < lasts <= LONGEST:
            raise RefusedError("shift", f"a shift lasts {LONGEST.total_seconds() / 3600:.0f} hours at most")
        _fit(people, rules, who, now)
        for shift in _open(people, now):
            if shift.user == who:
                raise RefusedError(
                    "shift", f"{who} has been logged in since {shift.since:%Y-%m-%d %H:%M} UTC"
                )
        record = _shift(door, people.users[who], lasts)
    return _write(door, "shift_login", None, record)


def log_out(door: Door, now: datetime, user: str = "") -> RegistryRecord:
    """End one's own shift, or that of `user`.

    Raises RefusedError for who is not logged in, which is on record, and RefusedInquiry.
    """
    who = user or door.who
    with door.on_record("shift_logout", _about(who)):
        people, _rules = who_is_who(door)
        _may(door, people, who)
        shift = next((one for one in _open(people, now) if one.user == who), None)
        if shift is None:
            raise RefusedError("shift", f"{who} is not logged in")
    since, at = shift.since or now, door.now().replace(microsecond=0)
    ended = msgspec.structs.replace(shift, until=max(since, at), active=False)
    return _write(door, "shift_logout", shift, ended)


def _may(door: Door, people: People, who: str) -> None:
    """Raises RefusedError where somebody other than a supervisor acts for somebody else."""
    me = people.users.get(door.who)
    if who != door.who and (me is None or "supervisor" not in me.roles):
        raise RefusedError("shift", "only a supervisor logs in or out for somebody else (order, section F.4)")


def _fit(people: People, rules: PeopleRules, who: str, now: datetime) -> None:
    """Raises RefusedError for who may not go on shift."""
    if objection := people.colleague(who, now, rules):
        raise RefusedError("shift", f"{who} may not go on shift: {objection.said}")
    if not any(role in GOES for role in people.users[who].roles):
        raise RefusedError("shift", f"{who} may not go on shift: neither officer nor supervisor (F.4)")


def _shift(door: Door, user: RegistryRecord, lasts: timedelta) -> RegistryRecord:
    since = door.now().replace(microsecond=0)  # by the database's clock, which refuses another time
    record = RegistryRecord(
        kind="shift",
        id=f"{user.id[:40]}@{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        name=user.name,
        user=user.id,
        agency=user.agency,
        since=since,
        until=since + lasts,
        approved_by="" if door.who == user.id else door.who,
    )
    return RegistryRecord.from_json(record.to_json())


def _open(people: People, now: datetime) -> list[RegistryRecord]:
    return sorted(people.shifts_at(now), key=lambda one: (one.since or now, one.id))


def _about(who: str) -> str:
    return f"user/{who}"


def _write(door: Door, act: str, before: RegistryRecord | None, record: RegistryRecord) -> RegistryRecord:
    final = finished(door, record, before)
    change = f"{final.key}: {difference(before, final)}"
    permit = door.enter(act, _about(final.user), change=change, effect=effect_of(final))
    return write_at_once(permit, door, final)
