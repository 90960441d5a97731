"""Who runs the demo: registered as its agency's administrator, through the door, where nobody is yet."""

from datetime import datetime

from schemas.acts import ROLES
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door
from services.hotlist.zone import agency_zone

AGENCY = "sjpd"  # as the sample hot list names its own source


def register_whoever_runs_it(door: Door, now: datetime) -> None:
    """Register this agency, and the person at the door with every role, trained today.

    Where an administrator is in force already nothing is done. Raises RefusedError and RefusedInquiry.
    """
    people, rules = registry.who_is_who(door)
    if people.with_role("administrator", now, rules):
        return
    own = [one.id for one in people.agencies.values() if one.own and one.active]
    if not own:
        ours = door.rules.profile.agency
        registry.put(
            door, RegistryRecord(kind="agency", id=AGENCY, name=ours.name, state=ours.state, own=True), now
        )
    midnight = now.astimezone(agency_zone(door)).replace(hour=0, minute=0, second=0, microsecond=0)
    whoever = RegistryRecord(
        kind="user",
        id=door.who,
        name=door.who,
        agency=own[0] if own else AGENCY,
        employee_number="1",
        sworn=True,
        trained_at=midnight,
    )
    registry.put_user(door, whoever, now, ROLES)
