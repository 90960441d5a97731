"""What reading and writing share: how a broker is reached, and what goes wrong with one."""

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

BROKER_SECONDS = 10.0  # how long a broker may take to answer at start


class BrokerError(RuntimeError):
    """The broker did not answer, or does not have what was asked of it."""


class OffsetGoneError(BrokerError):
    """Where the flow stopped is no longer on the broker: a person decides how to go on."""


class UndeliveredError(BrokerError):
    """Records were not acknowledged; the epoch must not be committed."""


def properties(text: str) -> dict[str, str]:
    """`name=value` lines, as Kafka's own tools read them; `#` starts a comment line."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _equals, value in pairs}


def partitions(config: Mapping[str, Any], topic: str) -> list[int]:
    """The partitions of `topic`. Raises BrokerError when the broker does not answer or has no such topic."""
    try:
        found = AdminClient(dict(config)).list_topics(topic, timeout=BROKER_SECONDS).topics[topic]
    except KafkaException as error:
        raise BrokerError(
            f"no answer from {config['bootstrap.servers']} within {BROKER_SECONDS:.0f} s: {name_of(error)}"
        ) from error
    if found.error is not None or not found.partitions:
        raise BrokerError(f"the broker has no topic `{topic}`: run `platestream topics`")
    return sorted(found.partitions)


def name_of(error: KafkaException) -> str:
    return str(error.args[0].name()) if error.args else "unknown"


def report(error: KafkaError) -> None:
    """What librdkafka says outside a call: connections lost and found again."""
    log.warning("kafka: %s", error.name())
