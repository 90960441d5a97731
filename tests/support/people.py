"""The kinds of people that the order tells apart, of this agency or another, and what they attempt."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from platestream.edges.clickhouse_client import DOOR
from platestream.schemas.acts import ACTS, ROLES, Role
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from tests.support.database import Database
from tests.support.door import shift

YEAR = timedelta(days=365)
OWN, PARTNER, EXPIRED, SILENT, ENDED = "sjpd", "apache-county-so", "old-partner-pd", "no-mou-pd", "ended-pd"
SAID = {"case_number": "26-001234", "reason": "Stolen truck of last night"}
WORDS = {
    **{"reason": "Stolen from 1st West", "requested_by": "Ofc. Vale", "contact": "928-555-0114"},
    "instructions": "P/C for arrest",
}
"""What an entry of the hot list says (section H)."""
DETECTION = {"other": str(UUID(int=7))}
PLATE = {
    "cotravel": {"pattern": "ABC123", "other": "XYZ789"},
    "picture": DETECTION,
    "partner_picture": DETECTION,
    "limit_raise": {"other": "chief"},
}


FOUND = """
SELECT inquiry_id, outcome, refusal FROM platestream.inquiry_log WHERE inquiry_id IN {ids:Array(UUID)}
"""


@dataclass(frozen=True)
class Person:
    """As the registry has them; `trained` is days ago, negative in the future, None never."""

    registered: bool = True
    active: bool = True
    agency: str = OWN
    trained: float | None = 30
    roles: tuple[Role, ...] = tuple(ROLES)


PEOPLE: dict[str, Person] = {
    "trained, with every role": Person(),
    **{f"only {role}": Person(roles=(role,)) for role in ROLES},
    "without a role that is known": Person(roles=()),
    "never trained": Person(trained=None),
    "trained next month": Person(trained=-30),
    "whose training lapsed": Person(trained=400),
    "whose access has ended": Person(active=False),
    "never registered": Person(registered=False),
    "of a partner with an MOU": Person(agency=PARTNER),
    "of a partner, untrained": Person(agency=PARTNER, trained=None),
    "of a partner whose MOU has ended": Person(agency=EXPIRED),
    "of an agency without an MOU": Person(agency=SILENT),
    "of an agency whose time has ended": Person(agency=ENDED),
    "of an agency nobody registered": Person(agency="nowhere-pd"),
}


def agency(name: str, **changes: object) -> RegistryRecord:
    return RegistryRecord(kind="agency", id=name, name=name, **changes)  # type: ignore[arg-type]


def furnish(database: Database) -> None:
    """A registry with an administrator, this agency and four others."""
    now = datetime.now(UTC)
    database.put(
        REGISTRY,
        agency(OWN, own=True),
        agency(PARTNER, mou_from=now - YEAR),
        agency(EXPIRED, mou_from=now - YEAR, mou_until=now - timedelta(days=1)),
        agency(SILENT),
        agency(ENDED, own=True, active=False),
        record("chief", Person(roles=("administrator",)), now),
    )


def record(name: str, person: Person, now: datetime) -> RegistryRecord:
    trained = None if person.trained is None else now - timedelta(days=person.trained)
    return RegistryRecord(
        kind="user",
        id=name,
        name=name,
        active=person.active,
        agency=person.agency,
        role=",".join(person.roles) or "janitor",
        trained_at=trained,
    )


def attempt(office: Database, people: dict[str, Person]) -> dict[tuple[str, str], str]:
    """Each person tries each act in one go, on shift; the outcome by person and act, of which there must be
    one.
    """
    now = datetime.now(UTC)
    office.put(REGISTRY, *(shift(name) for name in people))
    office.put(REGISTRY, *(record(name, one, now) for name, one in people.items() if one.registered))
    asked, rows = {}, []
    for name in people:
        for act in ACTS:
            inquiry = uuid4()
            asked[inquiry] = (name, act.name)
            fields = {"pattern": "ABC1", "other": "", **PLATE.get(act.name, {})}
            cameras = ["main-st-n"] if act.name == "sightings" else []
            since = now - timedelta(days=1)
            words = WORDS if act.documented == "entry" else {}
            rows.append([inquiry, name, act.name, *SAID.values(), *fields.values(), cameras, since, words])
    columns = ["inquiry_id", "on_behalf_of", "kind", *SAID, "pattern", "other", "cameras", "since", "fields"]
    office.client(DOOR).insert("platestream.inquire", rows, column_names=columns)
    found = office.rows(FOUND, ids=[str(one) for one in asked])
    assert len(found) == len(asked), "an attempt that is not on record"
    assert all((outcome == "refused") == bool(refusal) for _id, outcome, refusal in found)
    return {asked[inquiry]: outcome for inquiry, outcome, _refusal in found}
