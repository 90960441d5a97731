"""What the notify and recognise flows count of shifts, deliveries and deployments."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from docs.generators.catalogue import example
from platestream.flows import meters
from platestream.runtime.metrics import Meters
from platestream.schemas.delivery import Delivery
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    registry = CollectorRegistry()
    monkeypatch.setattr(meters, "meters", Meters(registry))
    return registry


def test_open_shifts_are_counted_by_officer_and_end_by_themselves(page: CollectorRegistry) -> None:
    now = NOW
    shifts = meters.Shifts(lambda: now)
    since, until = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    for name, user in (("a@1", "a"), ("a@2", "a"), ("b@1", "b")):
        shift = RegistryRecord(kind="shift", id=name, name=user, user=user, since=since, until=until)
        shifts([shift, EndOfSnapshot("registry", 0, 1)])
    assert page.get_sample_value("platestream_open_shifts") == 2
    now = NOW + timedelta(hours=2)
    assert page.get_sample_value("platestream_open_shifts") == 0


def test_only_new_deliveries_are_counted_with_the_time_they_took(page: CollectorRegistry) -> None:
    one = Delivery.from_json(bytes(example("delivery").accepted))
    counted = meters.Notifications()
    counted([one, EndOfSnapshot("deliveries", 0, 1), one])
    assert page.get_sample_value("platestream_notification_sending_seconds_count") == 1
    assert page.get_sample_value("platestream_notification_sending_seconds_sum") == one.seconds


def test_deployments_without_approval_are_counted_by_rule(page: CollectorRegistry) -> None:
    meters.deployments([DeploymentFinding.of("main", "unapproved", NOW)])
    fields = {"rule": "unapproved"}
    assert page.get_sample_value("platestream_deployment_findings_total", fields) == 1
