"""What reading and writing share: how a broker is reached, and what goes wrong with one."""

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ClusterMetadata, TopicMetadata

C = TypeVar("C")

log = logging.getLogger(__name__)

FILE = "PLATESTREAM_KAFKA_CONFIG_FILE"
BROKER_SECONDS = 10.0  # how long a broker may take to answer at start
KNOWN_SECONDS = 2.0  # how long it may take until a broker knows of a topic that was made


class BrokerError(RuntimeError):
    """The broker did not answer, or does not have what was asked of it."""


class OffsetGoneError(BrokerError):
    """Where the flow stopped is no longer on the broker: a person decides how to go on."""


class UndeliveredError(BrokerError):
    """Records were not acknowledged; the epoch must not be committed."""


def properties(text: str) -> dict[str, str]:
    """`name=value` lines, as Kafka's own tools read them; `#` starts a comment line. Raises ValueError."""
    numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    lines = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if bare := [number for number, line in lines if "=" not in line]:  # what stands there may be a password
        raise ValueError(f"line {bare[0]} is not `name=value`")
    pairs = (line.partition("=") for _number, line in lines)
    return {name.strip(): value.strip() for name, _equals, value in pairs}


def open_client(kind: Callable[[dict[str, Any]], C], config: Mapping[str, Any]) -> C:
    """A client of librdkafka. Raises BrokerError for properties that it refuses, without their values."""
    try:
        return kind(dict(config))
    except KafkaException as error:
        said = error.args[0].str()
    for value in config.values():
        if isinstance(value, str) and len(value) > 3:
            said = said.replace(value, "...")
    raise BrokerError(f"{FILE}: {said}")


def administrator(config: Mapping[str, Any]) -> AdminClient:
    """A client for questions; what it logs by itself is no answer to a person."""
    return open_client(AdminClient, {**config, "log_level": 0})


def metadata(config: Mapping[str, Any], topic: str | None = None) -> ClusterMetadata:
    """What the broker has, or has of one topic. Raises BrokerError that says why there is no answer."""
    said: list[KafkaError] = []
    admin = administrator({**config, "error_cb": said.append})
    end, patience = time.monotonic() + BROKER_SECONDS, 1.0
    while True:
        try:
            return admin.list_topics(topic, timeout=min(patience, max(0.1, end - time.monotonic())))
        except KafkaException as error:
            admin.poll(0)  # hands over what went wrong in between
            if any(map(_refused, said)) or time.monotonic() + 0.1 > end:
                raise BrokerError(_no_answer(config, said, name_of(error))) from None
        time.sleep(0.1)
        patience = min(2 * patience, 4)  # a broker that is slow is asked again for longer


def _refused(error: KafkaError) -> bool:
    """All else may pass: a broker that starts or ends breaks off TLS and sign-ins, too."""
    return error.code() == KafkaError._AUTHENTICATION and "transport failure" not in error.str()


def _no_answer(config: Mapping[str, Any], said: Iterable[KafkaError], name: str) -> str:
    servers, protocol = config["bootstrap.servers"], config.get("security.protocol", "PLAINTEXT")
    codes = {one.code(): one.str() for one in said}
    if why := codes.get(KafkaError._AUTHENTICATION):
        return f"{servers} refused the sign-in by {FILE}: {_reason(why)}"
    if why := codes.get(KafkaError._SSL):
        return (
            f"no TLS with {servers}, or a certificate that is not of its name and authority: {_reason(why)}"
        )
    return (
        f"no answer from {servers} within {BROKER_SECONDS:.0f} s: {name}. It is down, or expects another "
        f"security.protocol than {protocol}"
    )


def _reason(text: str) -> str:
    """Without the address before it and the time behind it."""
    return re.sub(r" \(after .*\)$", "", re.sub(r"^\S+/\S+: ", "", text))


def partitions(config: Mapping[str, Any], topic: str) -> list[int]:
    """The partitions of `topic`. Raises BrokerError when there is no answer, no such topic, or no right.

    A broker may not know for a moment of a topic that another, or it itself, has just made.
    """
    until = time.monotonic() + KNOWN_SECONDS
    found = metadata(config, topic).topics[topic]
    while not found.partitions and not _no_right(found) and time.monotonic() < until:
        time.sleep(0.1)
        found = metadata(config, topic).topics[topic]
    if _no_right(found):
        raise BrokerError(_NO_RIGHT.format("to", topic))
    if found.error is not None or not found.partitions:
        raise BrokerError(f"the broker has no topic `{topic}`: run `platestream topics`")
    return sorted(found.partitions)


def may_write(config: Mapping[str, Any], topic: str) -> None:
    """Raises BrokerError where there is no answer, or this account may not write to `topic`.

    A producer hears of it as a fatal error, and not always of which. A broker that says nothing of rights
    is believed.
    """
    admin = administrator(config)  # gone, it would break off what was asked
    asked = admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True)
    allowed = result(topic, asked[topic]).authorized_operations
    if allowed and not {AclOperation.WRITE, AclOperation.ALL} & set(allowed):
        raise BrokerError(_NO_RIGHT.format("to write to", topic))


_NO_RIGHT = f"the account in {FILE} has no right {{}} `{{}}`: `platestream topics --acls` gives rights"


def _no_right(topic: TopicMetadata) -> bool:
    return topic.error is not None and topic.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


_HEARD = {
    "CLUSTER_AUTHORIZATION_FAILED": "this account may not set them; the broker's administrator may",
    "SECURITY_DISABLED": "it has no authorizer, so that everybody may do everything (docs/deploy.md)",
}


def result(what: str, future: "Future[Any]") -> Any:
    """What an administrator asked for. Raises BrokerError for `what` was refused, or had no answer."""
    try:
        return future.result(BROKER_SECONDS)
    except KafkaException as error:
        name = name_of(error)
        raise BrokerError(f"{what}: {_HEARD.get(name, name)}") from None
    except TimeoutError:
        raise BrokerError(f"{what}: no answer within {BROKER_SECONDS:.0f} s") from None


def name_of(error: KafkaException) -> str:
    return str(error.args[0].name()) if error.args else "unknown"


def report(error: KafkaError) -> None:
    """What librdkafka says outside a call: connections lost and found again."""
    log.warning("kafka: %s", error.name())
