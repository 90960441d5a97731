"""Topics on a broker: created as declared, and checked."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from platestream.edges.kafka_client import (
    BROKER_SECONDS,
    BrokerError,
    error_name,
    metadata,
    open_admin,
    partitions,
    result,
)
from platestream.schemas.topics import Topic

COMPACT_WITHIN = timedelta(days=1)  # a removed entry is deleted from the disk within a day


def settings(topic: Topic[Any], replicas: int = 1) -> dict[str, str]:
    """Return the broker's settings of a topic with `replicas` copies.

    Only closed segments are deleted or compacted, so a segment closes after a quarter of the retention. An
    acknowledged message is on at least half of the replicas, rounded up: of three, one may be lost.
    """
    keep = topic.keep
    segment = min(timedelta(days=1), (keep or COMPACT_WITHIN) / 4)
    values = {
        "max.message.bytes": str(topic.max_bytes),
        "segment.ms": _milliseconds(segment),
        "message.timestamp.type": "LogAppendTime" if topic.time_of_arrival else "CreateTime",
        "min.insync.replicas": str((replicas + 1) // 2),
    }
    if keep is not None:
        return {**values, "cleanup.policy": "delete", "retention.ms": _milliseconds(keep)}
    return {
        **values,
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": _milliseconds(COMPACT_WITHIN),
        "delete.retention.ms": _milliseconds(COMPACT_WITHIN),
    }


def create(
    config: Mapping[str, Any], topics: Sequence[Topic[Any]], replication: int = 1, most: int = 0
) -> list[str]:
    """Create missing topics and correct settings that differ. Returns one line for each change.

    Topics that grow get `most` partitions if that is more than declared. Raises BrokerError.
    """
    metadata(config)
    admin = open_admin(config)
    done = []
    new = [
        NewTopic(
            topic.name,
            max(topic.partitions, most if topic.grows else 0),
            replication,
            config=settings(topic, replication),
        )
        for topic in topics
    ]
    for name, future in admin.create_topics(new, operation_timeout=BROKER_SECONDS).items():
        try:
            future.result(BROKER_SECONDS)
            done.append(f"{name}: made")
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerError(f"{name}: {error_name(error)}") from error
    for topic in topics:
        partitions(config, topic.name)  # waits until the broker knows it
    found = describe(config, topics)
    changes = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in settings(topic, int(found[topic.name]["replicas"])).items()
            ],
        )
        for topic in topics
        if _drift(topic, found[topic.name])
    ]
    if changes:
        for resource, future in admin.incremental_alter_configs(changes).items():
            result(resource.name, future)
            done.append(f"{resource.name}: settings put right")
    return done


def describe(config: Mapping[str, Any], topics: Sequence[Topic[Any]]) -> dict[str, dict[str, str]]:
    """Return settings, `partitions` and `replicas` of each topic on the broker; missing topics are left out.

    Raises BrokerError, also if the account may see a topic but not its settings.
    """
    there = metadata(config).topics
    admin = open_admin(config)
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics if topic.name in there]
    if not resources:
        return {}
    return {
        resource.name: {
            **{name: entry.value for name, entry in result(resource.name, future).items()},
            "partitions": str(len(there[resource.name].partitions)),
            "replicas": str(min(len(one.replicas) for one in there[resource.name].partitions.values())),
        }
        for resource, future in admin.describe_configs(resources).items()
    }


def faults(config: Mapping[str, Any], topics: Sequence[Topic[Any]]) -> Iterator[str]:
    """Yield a sentence for each difference between the broker and the declaration."""
    found = describe(config, topics)
    for topic in topics:
        if topic.name not in found:
            yield f"topic {topic.name} is missing"
            continue
        yield from _drift(topic, found[topic.name])
        there = int(found[topic.name]["partitions"])
        if there < topic.partitions or (there > topic.partitions and not topic.grows):
            yield f"{topic.name}: {there} partitions, {topic.partitions} declared"


def _drift(topic: Topic[Any], found: Mapping[str, str]) -> list[str]:
    return [
        f"{topic.name}: {name} is {found.get(name)}, {value} declared"
        for name, value in settings(topic, int(found["replicas"])).items()
        if found.get(name) != value
    ]


def _milliseconds(span: timedelta) -> str:
    return str(round(span.total_seconds() * 1000))
