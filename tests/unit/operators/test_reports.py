"""Reports of actions for a records system: the logic by itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from docs.generators.catalogue import example
from platestream.operators.notify.message import Notice
from platestream.operators.notify.reports import KEPT, PATIENCE, Reports, bucket
from platestream.operators.notify.rules import parse_rules
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.hit_action import ActionKind
from tests.support.clock import NOW
from tests.support.hit_actions import action

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
RULES = parse_rules('[[receivers]]\nname = "records"\nrms = "/srv/rms"\npurpose = "reports"\n')
DONE: tuple[ActionKind, ...] = ("plate_and_state_confirmed", "confirmed_current", "action_taken")


def hit(number: int = 1, **changes: Any) -> AlertHit:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=NOW - timedelta(minutes=9), **changes)
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)


def steps(*kinds: ActionKind, number: int = 1, **changes: Any) -> list[Any]:
    return [
        action(kind, number=place, at=NOW + timedelta(seconds=place), hit=UUID(int=number), **changes)
        if kind != "action_taken"
        else action(
            kind, number=place, at=NOW + timedelta(seconds=place), hit=UUID(int=number),
            case_number="26-001234", actionable=True, result="arrest",
        )
        for place, kind in enumerate(kinds, 1)
    ]  # fmt: skip


def logic(resume: bytes | None = None, after: timedelta = timedelta(minutes=1)) -> Reports:
    return Reports(resume, RULES, lambda: NOW + after)


def reports(made: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.body) for one in made if isinstance(one, Notice)]


def test_an_action_is_reported_once_with_its_steps_and_the_mark() -> None:
    out, _keep = logic().on_batch([hit(), *steps(*DONE)])
    (report,) = reports(out)
    assert (report["case_number"], report["special_circumstances"]) == (
        "26-001234", ["Actionable ALPR Hit Related"]
    )  # fmt: skip
    assert [one["step"] for one in report["verification"]] == list(DONE[:2])
    assert report["disposition"]["result"] == "arrest"


def test_neither_order_nor_repetition_nor_a_crash_makes_another_report() -> None:
    one = logic()
    first, _keep = one.on_batch([*steps(*DONE)])
    assert reports(first) == []
    again = logic(one.snapshot())
    second, _keep = again.on_batch([hit(), hit(), *steps(*DONE)])
    assert len(reports(second)) == 1
    third, _keep = logic(again.snapshot()).on_batch([hit(), *steps(*DONE)])
    assert reports(third) == []
    replayed, _keep = logic().on_batch([*steps(*DONE), hit()])
    assert reports(replayed) == reports(second), "the same report with the same id"


def test_a_hit_that_was_verified_or_closed_has_no_report() -> None:
    out, _keep = logic().on_batch([hit(), *steps("plate_and_state_confirmed", "confirmed_current")])
    assert reports(out) == []
    out, _keep = logic().on_batch([hit(), *steps("misread", "no_action")])
    assert reports(out) == []
    out, _keep = logic().on_batch([hit(), *steps("action_taken")])
    assert reports(out) == [], "an action that may not follow counts for nothing"


def test_a_second_action_is_a_report_of_its_own() -> None:
    out, _keep = logic().on_batch([hit(), *steps(*DONE, "action_taken")])
    first, second = reports(out)
    assert first["report_id"] != second["report_id"]


def test_an_action_on_a_hit_that_is_not_on_the_topic_is_a_dead_letter_after_an_hour() -> None:
    one = logic()
    one.on_batch(steps(*DONE))
    due = one.notify_at()
    assert due is not None
    late = logic(one.snapshot(), PATIENCE + timedelta(minutes=2))
    (letter,), _keep = late.on_notify()
    assert isinstance(letter, DeadLetter)
    assert (letter.topic, letter.reason) == ("notify/records", "undelivered")
    assert f"hits show {UUID(int=1)} --report FILE" in letter.detail
    assert late.notify_at() is None


def test_the_state_has_no_picture_and_forgets_a_hit_with_its_topic() -> None:
    one = logic()
    one.on_batch([hit(crop=b"\xff\xd8plate", picture=b"\xff\xd8scene")])
    assert b"\xff\xd8" not in one.snapshot()
    late = logic(one.snapshot(), KEPT)
    assert list(late.on_notify()[0]) == []
    assert late.notify_at() is None
    logic(None, KEPT + timedelta(hours=1)).on_batch(steps(*DONE))
    old = logic(None, KEPT + timedelta(hours=1))
    old.on_batch([hit(), *steps(*DONE)])
    assert old.notify_at() is None, "a log of years is read at the first start"


def test_a_hit_and_its_steps_have_one_key() -> None:
    assert {bucket(hit(77)), *(bucket(one) for one in steps(*DONE, number=77))} == {"13"}
