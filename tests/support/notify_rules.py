"""Rules, hits and people for tests of notifications, and a post that does what a test says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from docs.generators.catalogue import example
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.route import NotifyRegistry, route
from platestream.operators.notify.rules import NotifyRules, Receiver, parse_rules
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import Delivery
from platestream.schemas.registry import RegistryRecord

NOW = datetime(2026, 11, 24, 15, 4, 10, tzinfo=UTC)
FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
BASE = """
[[receivers]]
name = "dispatch"
apprise = "json://localhost"
[[receivers]]
name = "vale"
apprise = "json://localhost"
officer = "rvale"
[[receivers]]
name = "sheriff"
apprise = "json://localhost"
agency = "apache-county-so"
"""
ON_SHIFT = '\n[[routes]]\nto = ["on_shift", "dispatch"]\n'
"""A route to the officers on shift and to dispatch."""


def rules(more: str, before: str = "") -> NotifyRules:
    return parse_rules(before + BASE + more)


def hit(number: int = 1, *, camera: str = "", seen: dict[str, Any] | None = None, **fields: Any) -> AlertHit:
    entry = msgspec.structs.replace(FOUND.entry, **fields.pop("listed", {}))
    detection = msgspec.structs.replace(FOUND.detection, **(seen or {}))
    if camera:
        detection = msgspec.structs.replace(detection, camera_id=camera)
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=detection, entry=entry, **fields)


def known(*records: RegistryRecord) -> NotifyRegistry:
    made = NotifyRegistry()
    for record in records:
        made.put(record)
    return made


OWN = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)


def officer(**fields: Any) -> RegistryRecord:
    fields = {"agency": "sjpd", "trained_at": NOW - timedelta(days=30), **fields}
    return RegistryRecord(kind="user", id="rvale", name="Ofc. Vale", **fields)


def shift(user: str, **fields: Any) -> RegistryRecord:
    since = NOW - timedelta(hours=2)
    period = {"since": since, "until": since + timedelta(hours=12), **fields}
    return RegistryRecord(kind="shift", id=f"{user}@{since:%H}", name=user, user=user, **period)


def agency(**fields: Any) -> RegistryRecord:
    return RegistryRecord(kind="agency", id="apache-county-so", name="Apache County SO", **fields)


def outcomes(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.receiver, "sent" if isinstance(one, Notice) else one.outcome) for one in found]


def routed(hit: AlertHit, by: NotifyRules, *records: RegistryRecord) -> list[tuple[str, str]]:
    return outcomes(list(route(hit, by, known(*records), NOW)))


def message(shows: str, **fields: Any) -> Notice:
    receiver = Receiver(name="dispatch", apprise="json://localhost", shows=shows)  # type: ignore[arg-type]
    by = NotifyRules(link="https://alpr.example/hits/{hit_id}", time_zone="America/Phoenix")
    return notice(hit(**fields), receiver, by, "White Mountain Drive", NOW)


class Desk:
    """A post that does what the test says."""

    def __init__(self) -> None:
        self.submitted: list[Notice] = []
        self.done: list[Delivery] = []

    def submit(self, notice: Notice) -> None:
        self.submitted.append(notice)

    def finished(self, box: str) -> list[Delivery]:
        found, self.done = self.done, []
        return found

    def knows(self, receiver: str) -> bool:
        return receiver == "dispatch"

    def drain(self, receiver: str) -> None:
        """Nothing waits."""


def came_of(sent: Notice, outcome: str = "delivered") -> Delivery:
    return Delivery(
        delivery_id=sent.delivery_id,
        hit_id=sent.hit_id,
        receiver=sent.receiver,
        priority=sent.priority,
        outcome=outcome,  # type: ignore[arg-type]
        at=NOW,
        captured_at=NOW,
        attempts=1,
    )
