"""Alert hits by MQTT, through Mosquitto."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.flows import notify_flow
from platestream.notifications.factory import open_senders
from platestream.notifications.senders import Rejected, Send, Unreachable
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.message import RefusedError
from tests.support.flows import memory_edge, run
from tests.support.kafka_broker import free_port
from tests.support.kafka_secured import authority, certified
from tests.support.memory_edge import MemoryTopics
from tests.support.mosquitto import USER, Mosquitto, delivery_of, mosquitto, subscriber

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as started:
        yield started


def rules(broker: Mosquitto, more: str = "", *, topic: str = "alpr/hits", before: str = "") -> NotifyRules:
    return parse_rules(f"""
    patience = "3 seconds"
    {before}
    [[receivers]]
    name = "desk"
    mqtt = "{broker.url(topic)}"
    user = "{USER}"
    password_file = "{broker.password_file}"
    purpose = "dispatch"
    {more}
    [[routes]]
    to = ["desk"]
    """)


def sender(rules: NotifyRules) -> Send:
    return open_senders(rules)["desk"]


def note(number: int = 1, **changes: Any) -> Notice:
    now = datetime.now(UTC)
    given: dict[str, Any] = {"body": b'{"a":1}', "text": "x", "subject": "y", "agency": "", "priority": 3}
    given |= {"hit_id": UUID(int=number), "captured_at": now, "taken_at": now, **changes}
    return Notice(delivery_id=UUID(int=number), receiver="desk", **given)


def put(streams: MemoryTopics, *numbers: int) -> None:
    for number in numbers:
        seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
        hit = msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)
        streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit))


def test_a_subscriber_gets_each_hit_once_with_its_id_and_no_plate(broker: Mosquitto) -> None:
    edge, streams, store = memory_edge()
    put(streams, 1, 2, 1)
    with subscriber(broker) as desk:
        run(notify_flow.build(edge, rules(broker)))
        messages = desk.wait(2)
    rows = store.rows(tables.DELIVERIES)
    assert [row["outcome"] for row in rows] == ["delivered"] * 2
    assert {delivery_of(message) for message in messages} == {str(row["delivery_id"]) for row in rows}
    assert len(messages) == 2
    assert not any(message.retain for message in messages)
    assert not any(FOUND.detection.plate.encode() in message.payload for message in messages)
    assert 0 < messages[0].properties.MessageExpiryInterval <= 12 * 3600  # type: ignore[union-attr]


def test_a_plate_is_sent_where_the_receiver_s_level_of_detail_allows_it(broker: Mosquitto) -> None:
    edge, streams, _store = memory_edge()
    put(streams, 1)
    with subscriber(broker) as desk:
        run(notify_flow.build(edge, rules(broker, 'shows = "picture"')))
        (message,) = desk.wait(1)
    body = msgspec.json.decode(message.payload)
    assert body["plate"] == FOUND.detection.plate
    assert set(body["pictures"]) == {"plate", "vehicle"}


def test_a_hit_that_nobody_subscribes_to_is_not_delivered(broker: Mosquitto) -> None:
    edge, streams, store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(broker, topic="alpr/nobody")))
    (row,) = store.rows(tables.DELIVERIES)
    assert (row["outcome"], row["reason"]) == ("failed", "mqtt_16")
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.topic, letter.reason) == ("notify/desk", "undelivered")


def test_a_topic_that_the_broker_forbids_is_given_up_at_once(broker: Mosquitto) -> None:
    send = sender(rules(broker, topic="other/hits"))
    with subscriber(broker), pytest.raises(Rejected, match="mqtt_135"):
        send(note())


def test_a_wrong_password_is_tried_again_because_the_broker_s_may_be_mended(broker: Mosquitto) -> None:
    by = rules(broker)
    broker.password_file.write_text("wrong")
    with pytest.raises(Unreachable, match="mqtt_13"):
        sender(by)(note())


def test_a_broker_that_restarts_gets_the_next_hit_and_none_twice(broker: Mosquitto) -> None:
    send = sender(rules(broker))
    with subscriber(broker) as desk:
        send(note(1))
        desk.wait(1)
    broker.stop()
    with pytest.raises(Unreachable, match="connection"):
        send(note(2))
    broker.start()
    with subscriber(broker) as desk:
        send(note(2))
        send(note(3))
        desk.wait(2)
    assert [delivery_of(message) for message in desk.messages] == [str(UUID(int=2)), str(UUID(int=3))]


def test_a_notice_larger_than_the_broker_takes_is_given_up_and_the_next_goes_through(
    broker: Mosquitto,
) -> None:
    broker.stop()
    broker.start("max_packet_size 2000")
    send = sender(rules(broker))
    with subscriber(broker) as desk:
        with pytest.raises(Rejected, match="mqtt_149"):
            send(note(1, body=b'"' + b"a" * 4000 + b'"'))
        send(note(2))
        desk.wait(1)


def test_a_port_that_accepts_and_says_nothing_is_a_timeout(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.notifications.channels.mqtt.ANSWER_SECONDS", 0.5)
    broker.stop()
    with socket.create_server(("127.0.0.1", broker.port)), pytest.raises(Unreachable, match="timeout"):
        sender(rules(broker))(note())


def test_tls_with_certificates_of_both_sides_and_of_the_right_authority_only(tmp_path: Path) -> None:
    for name in ("ours", "strange"):
        (tmp_path / name).mkdir()
    ours, strange = authority(tmp_path / "ours", "ours"), authority(tmp_path / "strange", "strange")
    client, server = certified(tmp_path / "ours", ours), tmp_path / "server.pem"
    client.rename(tmp_path / "client.pem")
    certified(tmp_path / "ours", ours).rename(server)
    port = free_port()
    listener = (
        f"listener {port} 127.0.0.1\ncafile {ours}\ncertfile {server}\nkeyfile {server}\n"
        "require_certificate true"
    )

    def url(**more: str) -> NotifyRules:
        fields = "".join(f'\n{name} = "{value}"' for name, value in more.items())
        return parse_rules(f"""[[receivers]]\nname = "desk"\nmqtt = "mqtts://127.0.0.1:{port}/alpr/hits"
        user = "{USER}"\npassword_file = "{own.password_file}"\npurpose = "dispatch"{fields}""")

    with mosquitto(tmp_path / "mosquitto", listener) as own, subscriber(own) as desk:
        sender(url(ca_file=str(ours), cert_file=str(tmp_path / "client.pem")))(note())
        desk.wait(1)
        with pytest.raises(Unreachable, match="connection"):
            sender(url(ca_file=str(strange), cert_file=str(tmp_path / "client.pem")))(note(2))
        with pytest.raises(Unreachable, match="connection"):
            sender(url(ca_file=str(ours)))(note(3))
        with pytest.raises(RefusedError, match="ca_file"):
            sender(url(ca_file=str(tmp_path / "absent")))
