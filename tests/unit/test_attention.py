"""What is shown to the ALPR administrator as due, and what is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from platestream.operators.people import PeopleRules
from platestream.policy import attention
from platestream.schemas.registry import Kind, RegistryRecord
from platestream.schemas.spans import Span

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
YEAR = PeopleRules(training=Span(365, "day"))


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def record(kind: Kind, name: str, **changes: Any) -> RegistryRecord:
    places: dict[Kind, dict[str, Any]] = {
        "user": {"agency": "sjpd"},
        "camera": {"latitude": 34.5, "longitude": -109.4},
        "detail": {"cameras": ("a",), "since": ago(1), "until": ago(-1)},
    }
    return RegistryRecord(kind=kind, id=name, name=name, **{**places.get(kind, {}), **changes})


def said(due: list[attention.Due]) -> list[tuple[str, str]]:
    return [(one.record.id, one.said) for one in due]


def test_training_is_told_of_from_30_days_before_it_lapses() -> None:
    people = [
        record("user", "fresh", trained_at=ago(334)),
        record("user", "late", trained_at=ago(336)),
        record("user", "lapsed", trained_at=ago(366)),
        record("user", "never"),
        record("user", "left", trained_at=ago(400), active=False),
    ]
    assert said(attention.training(people, YEAR, NOW)) == [
        ("never", "no training is on record"),
        ("lapsed", "training lapsed on"),
        ("late", "training lapses on"),
    ]


def test_training_that_counts_for_good_never_lapses() -> None:
    old = [record("user", "old", trained_at=ago(4000))]
    assert attention.training(old, PeopleRules(training=None), NOW) == []


def test_an_mou_is_told_of_from_30_days_before_it_ends() -> None:
    agencies = [
        record("agency", "own", own=True),
        record("agency", "long", mou_from=ago(100)),
        record("agency", "soon", mou_from=ago(100), mou_until=ago(-29)),
        record("agency", "later", mou_from=ago(100), mou_until=ago(-31)),
        record("agency", "ended", mou_from=ago(100), mou_until=ago(1)),
        record("agency", "none"),
    ]
    assert said(attention.agreements(agencies, NOW)) == [
        ("none", "no MOU is on record"),
        ("ended", "the MOU ended on"),
        ("soon", "the MOU ends on"),
    ]


def test_cameras_and_details_without_approval_are_told_of_while_they_count() -> None:
    cameras = [
        record("camera", "good", approved_by="Chief"),
        record("camera", "past", approved_by="Chief", until=ago(1)),
        record("camera", "new"),
        record("camera", "gone", active=False),
    ]
    assert [name for name, _said in said(attention.approvals(cameras, NOW))] == ["past", "new"]
    details = [record("detail", "op"), record("detail", "good", approved_by="Chief")]
    details.append(record("detail", "over", since=ago(3), until=ago(2)))
    assert [name for name, _said in said(attention.details(details, NOW))] == ["op"]
