"""Reads as they come by MQTT, through Mosquitto: only where the rules allow it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from bytewax.recovery import RecoveryConfig

from docs.generators.catalogue import example
from platestream.flows import notify_flow
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import tables, topics
from platestream.schemas.detection import Detection
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.flows import memory_edge, recovery, run
from tests.support.memory_edge import MemoryTables, MemoryTopics
from tests.support.mosquitto import USER, Mosquitto, mosquitto, subscriber

READ = Detection.from_json(bytes(example("detection").accepted))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as started:
        yield started


def rules(broker: Mosquitto, more: str = "", *, topic: str = "alpr/hits") -> NotifyRules:
    return parse_rules(f"""
    oldest = "2 hours"
    [[receivers]]
    name = "map"
    mqtt_reads = "{broker.url(topic)}"
    user = "{USER}"
    password_file = "{broker.password_file}"
    {more or 'purpose = "map of the desk"'}
    """)


def put(streams: MemoryTopics, *numbers: int, age: timedelta = timedelta(0), camera: str = "fixed") -> None:
    for number in numbers:
        read = msgspec.structs.replace(
            READ, detection_id=UUID(int=number), camera_id=camera, captured_at=datetime.now(UTC) - age
        )
        streams.append(topics.DETECTIONS, topics.DETECTIONS.encode(read))


def register(streams: MemoryTopics, camera: str, *, moves: bool = False) -> None:
    place = {"latitude": 34.5, "longitude": -109.3}
    record = RegistryRecord(kind="camera", id=camera, name=camera, moves=moves, **place)  # type: ignore[arg-type]
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(record))


def send(
    edge: Any,
    by: NotifyRules,
    kept: RecoveryConfig | None = None,
    allows: Callable[[], bool | None] = lambda: True,
) -> None:
    run(notify_flow.build(edge, by, allows=allows), kept)


def received(messages: list[Any]) -> list[int]:
    """The numbers of the reads in messages, in order."""
    bodies = [msgspec.json.decode(one.payload) for one in messages]
    return [UUID(read["detection_id"]).int for body in bodies for read in body["reads"]]


def outcomes(store: MemoryTables) -> set[tuple[str, str]]:
    return {(row["outcome"], row["reason"]) for row in store.rows(tables.DELIVERIES)}


def test_a_system_gets_each_read_once_without_a_picture_and_the_batch_is_on_record(broker: Mosquitto) -> None:
    edge, streams, store = memory_edge()
    register(streams, "fixed")
    put(streams, 1)
    with subscriber(broker) as desk:
        send(edge, rules(broker))
        (message,) = desk.wait(1)
    assert received([message]) == [1]
    assert not message.retain
    (read,) = msgspec.json.decode(message.payload)["reads"]
    assert (read["plate"], read["camera_id"]) == (READ.plate, "fixed")
    assert not {"crop", "picture", "alternatives"} & set(read)
    assert outcomes(store) == {("reads", "1 reads")}


def test_neither_the_route_of_a_car_nor_what_an_unregistered_camera_reads_is_sent(broker: Mosquitto) -> None:
    edge, streams, _store = memory_edge()
    register(streams, "fixed")
    register(streams, "car", moves=True)
    put(streams, 1, 2, camera="car")
    put(streams, 4, camera="unregistered")
    put(streams, 3)
    with subscriber(broker) as desk:
        send(edge, rules(broker))
        messages = desk.wait(1)
    assert received(messages) == [3]


def test_a_read_of_long_ago_is_not_sent_and_that_is_on_record(broker: Mosquitto) -> None:
    edge, streams, store = memory_edge()
    register(streams, "fixed")
    put(streams, 1, 2, age=timedelta(hours=3))
    put(streams, 3)
    with subscriber(broker) as desk:
        send(edge, rules(broker))
        messages = desk.wait(1)
    assert received(messages) == [3]
    assert sum(int(text.split()[0]) for outcome, text in outcomes(store) if outcome == "stale") in {1, 2}


def test_nothing_is_sent_against_the_rules_nor_later_what_came_meanwhile(
    broker: Mosquitto, tmp_path: Path
) -> None:
    edge, streams, store = memory_edge()
    register(streams, "fixed")
    kept = recovery(tmp_path / "recovery")
    put(streams, 1, 2)
    with subscriber(broker) as desk:
        send(edge, rules(broker), kept, allows=lambda: False)
        put(streams, 3)
        send(edge, rules(broker), kept)
        messages = desk.wait(1)
    assert received(messages) == [3]
    assert {outcome for outcome, _reason in outcomes(store)} == {"not_shared", "reads"}


def test_without_knowing_the_rules_reads_wait(broker: Mosquitto) -> None:
    edge, streams, _store = memory_edge()
    register(streams, "fixed")
    put(streams, 1)
    answers = [None, None, True, True, True, True, True, True, True, True]
    with subscriber(broker) as desk:
        send(edge, rules(broker), allows=lambda: answers.pop(0))
        messages = desk.wait(1)
    assert received(messages) == [1]
    assert len(answers) <= 7


def test_a_batch_that_waits_for_its_receiver_is_not_sent_once_the_rule_is_gone(
    broker: Mosquitto,
) -> None:
    edge, streams, store = memory_edge()
    register(streams, "fixed")
    put(streams, 1)
    broker.stop()
    answers = [True, False]

    def allows() -> bool:
        if len(answers) == 1:  # the first attempt has failed
            broker.start()
        return answers.pop(0)

    send(edge, rules(broker), allows=allows)
    assert answers == []
    assert outcomes(store) == {("not_shared", "1 reads")}
    assert streams.records(topics.DEAD_LETTERS) == []


def test_a_topic_that_the_broker_forbids_makes_a_dead_letter_and_holds_up_nothing(broker: Mosquitto) -> None:
    edge, streams, store = memory_edge()
    register(streams, "fixed")
    put(streams, 1)
    with subscriber(broker):
        send(edge, rules(broker, topic="other/reads"))
    assert outcomes(store) == {("failed", "mqtt_135")}
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.topic, letter.reason) == ("notify/map", "undelivered")


def test_a_message_that_cannot_be_read_is_a_dead_letter(broker: Mosquitto) -> None:
    edge, streams, _store = memory_edge()
    register(streams, "fixed")
    streams.append(topics.DETECTIONS, Message(b"x", b"no record"))
    put(streams, 1)
    with subscriber(broker) as desk:
        send(edge, rules(broker))
        assert received(desk.wait(1)) == [1]
    assert [one.topic for one in streams.records(topics.DEAD_LETTERS)] == ["detections"]


def test_what_was_taken_is_not_sent_again(broker: Mosquitto, tmp_path: Path) -> None:
    edge, streams, _store = memory_edge()
    register(streams, "fixed")
    kept = recovery(tmp_path / "recovery")
    put(streams, 1, 2)
    with subscriber(broker) as desk:
        send(edge, rules(broker), kept)
        put(streams, 3)
        send(edge, rules(broker), kept)
        messages = desk.wait(3)
    assert sorted(received(messages)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('agency = "apache-county-so"', "reads go to this agency's own systems"),
        ('purpose = "x"\nofficer = "rvale"', "reads go to this agency's own systems"),
        ('purpose = "x"\n[[routes]]\nto = ["map"]', "gets reads and no hits"),
        (" ", "`purpose` is needed"),
    ],
)
def test_reads_go_to_own_systems_for_a_purpose_and_no_route_leads_there(
    broker: Mosquitto, more: str, fault: str
) -> None:
    with pytest.raises(RefusedError, match=fault):
        rules(broker, more)
