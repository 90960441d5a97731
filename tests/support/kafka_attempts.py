"""Attempts of an account at a topic: each returns where it is allowed, and raises where it is refused."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from platestream.edges.kafka_client import (
    BrokerError,
    partitions,
)
from platestream.edges.kafka_read import open_consumer
from platestream.edges.kafka_topics import settings
from platestream.edges.kafka_write import KafkaWriter
from platestream.schemas.message import Message
from platestream.schemas.rights import Rights
from platestream.schemas.topics import Topic
from tests.support.kafka_broker import wait_until

Attempt = Callable[[Mapping[str, Any], Topic[Any]], object]


def read(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    assert partitions(config, topic.name)
    consumer = open_consumer(config)
    consumer.assign([TopicPartition(topic.name, 0, OFFSET_BEGINNING)])

    def arrived() -> bool:
        """Return whether a message came. A refusal of the group counts for nothing: only the topic's does."""
        for raw in consumer.consume(10, timeout=0.1):
            error = raw.error()
            if error is None:
                return True
            if error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise KafkaException(error)
        return False

    try:
        wait_until(arrived, 60, f"{topic.name} read or refused")
    finally:
        consumer.close()


def write(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    as_it_is = replace(topic, encode=lambda message: message)
    KafkaWriter(config, as_it_is).publish([Message(b"matrix", b"of no meaning")])


def done(futures: Mapping[Any, "Future[Any]"], allowed_as: str = "") -> None:
    """`allowed_as`: the error that an account hears which may do it, but not to a topic that is there."""
    try:
        for future in futures.values():
            future.result(20)
    except KafkaException as error:
        if error.args[0].name() != allowed_as:
            raise


def see_settings(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    client = AdminClient(dict(config))
    done(client.describe_configs([ConfigResource(ResourceType.TOPIC, topic.name)]))


def set_settings(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    changes = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings(topic).items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=changes)
    client = AdminClient(dict(config))
    done(client.incremental_alter_configs([resource]))


def make(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    client = AdminClient(dict(config))
    done(client.create_topics([NewTopic(topic.name, 1, 1)]), allowed_as="TOPIC_ALREADY_EXISTS")


def add_partitions(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    client = AdminClient(dict(config))
    done(client.create_partitions([NewPartitions(topic.name, 1)]), allowed_as="INVALID_PARTITIONS")


def delete(config: Mapping[str, Any], topic: Topic[Any]) -> None:
    client = AdminClient(dict(config))
    done(client.delete_topics([topic.name]))


ATTEMPTS: dict[str, tuple[Attempt, Callable[[Rights, Topic[Any]], bool]]] = {
    "read": (read, lambda rights, topic: topic in rights.reads),
    "write": (write, lambda rights, topic: topic in rights.writes),
    "see settings": (see_settings, lambda rights, _topic: rights.compares),
    "set settings": (set_settings, lambda rights, _topic: rights.makes),
    "make": (make, lambda rights, _topic: rights.makes),
    "add partitions": (add_partitions, lambda _rights, _topic: False),
    "delete": (delete, lambda _rights, _topic: False),
}
REFUSED = ("TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "has no right to")


def outcome(attempt: Attempt, config: Mapping[str, Any], topic: Topic[Any]) -> str:
    try:
        attempt(config, topic)
    except (BrokerError, KafkaException) as error:
        said = error.args[0].name() if isinstance(error, KafkaException) else str(error)
        return "refused" if any(why in said for why in REFUSED) else said
    return "allowed"
