"""Connections to a Kafka broker and their errors, shared by reading and writing."""

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
# A new client waits half of the first pause before its second connection, to the broker that answered the
# first. A consumer that is not connected tries again after half of it too, and writes two lines each time.
RECONNECT_MS, RECONNECT_MOST_MS = 40, 1000
CONSUMER_RECONNECT_MS = 1000
BROKER_SECONDS = 10.0  # timeout of a broker's answer at start
KNOWN_SECONDS = 2.0  # timeout until a broker knows a new topic


class BrokerError(RuntimeError):
    """The broker did not answer, or does not have the requested object."""


class NotSetUpError(BrokerError):
    """The broker lacks a topic, or this account a right, that `platestream topics` gives."""


class OffsetGoneError(BrokerError):
    """The offset where the flow stopped is no longer on the broker; a person decides how to continue."""


class UndeliveredError(BrokerError):
    """Records were not acknowledged; the epoch must not be committed."""


def properties(text: str) -> dict[str, str]:
    """Parse `name=value` lines as Kafka's own tools do; `#` starts a comment line. Raises ValueError."""
    numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    lines = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if bare := [number for number, line in lines if "=" not in line]:  # the line may be a password
        raise ValueError(f"line {bare[0]} is not `name=value`")
    pairs = (line.partition("=") for _number, line in lines)
    return {name.strip(): value.strip() for name, _equals, value in pairs}


def common_config(servers: str, config: Mapping[str, str]) -> dict[str, Any]:
    """Return the properties of all clients, with those of `config`."""
    ours = {
        "bootstrap.servers": servers,
        "error_cb": log_client_error,
        "reconnect.backoff.ms": RECONNECT_MS,
        "reconnect.backoff.max.ms": RECONNECT_MOST_MS,
    }
    return {**ours, **config}


def open_client(kind: Callable[[dict[str, Any]], C], config: Mapping[str, Any]) -> C:
    """Return a client of librdkafka.

    Raises BrokerError, without the values, for properties that it rejects.
    """
    try:
        return kind(dict(config))
    except KafkaException as error:
        said = error.args[0].str()
    for value in config.values():
        if isinstance(value, str) and len(value) > 3:
            said = said.replace(value, "...")
    raise BrokerError(f"{FILE}: {said}")


def open_admin(config: Mapping[str, Any]) -> AdminClient:
    """Return an administrative client that logs nothing itself."""
    return open_client(AdminClient, {**config, "log_level": 0})


def metadata(config: Mapping[str, Any], topic: str | None = None) -> ClusterMetadata:
    """Return the broker's metadata, of all topics or one.

    Raises BrokerError with the reason if there is no answer.
    """
    said: list[KafkaError] = []
    admin = open_admin({**config, "error_cb": said.append})
    end, patience = time.monotonic() + BROKER_SECONDS, 1.0
    while True:
        try:
            return admin.list_topics(topic, timeout=min(patience, max(0.1, end - time.monotonic())))
        except KafkaException as error:
            admin.poll(0)  # delivers the errors that occurred
            if any(map(_is_permanent, said)) or time.monotonic() + 0.1 > end:
                raise BrokerError(_no_answer(config, said, error_name(error))) from None
        time.sleep(0.1)
        patience = min(2 * patience, 4)  # longer timeouts for a slow broker


def _is_permanent(error: KafkaError) -> bool:
    """Return whether an error is permanent.

    A broker that starts or stops also breaks off TLS and sign-ins.
    """
    return error.code() == KafkaError._AUTHENTICATION and "transport failure" not in error.str()


def _no_answer(config: Mapping[str, Any], errors: Iterable[KafkaError], name: str) -> str:
    servers, protocol = config["bootstrap.servers"], config.get("security.protocol", "PLAINTEXT")
    codes = {one.code(): one.str() for one in errors}
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
    """Return an error text without the address before it and the duration after it."""
    return re.sub(r" \(after .*\)$", "", re.sub(r"^\S+/\S+: ", "", text))


def partitions(config: Mapping[str, Any], topic: str) -> list[int]:
    """Return the partitions of `topic`. Raises BrokerError if there is no answer, no such topic, or no right.

    A broker may not know a topic for a moment after it was created.
    """
    until = time.monotonic() + KNOWN_SECONDS
    found = metadata(config, topic).topics[topic]
    while not found.partitions and not _no_right(found) and time.monotonic() < until:
        time.sleep(0.1)
        found = metadata(config, topic).topics[topic]
    if _no_right(found):
        raise NotSetUpError(_NO_RIGHT.format("to", topic))
    if found.error is not None or not found.partitions:
        raise NotSetUpError(f"the broker has no topic `{topic}`: run `platestream topics`")
    return sorted(found.partitions)


def topic_ids(config: Mapping[str, Any], topics: Iterable[str]) -> dict[str, str]:
    """Return the id that the broker gave each topic when it was created (KIP-516), by name.

    Topics that do not exist, or that this account may not see, are left out, and so are all of a broker
    before Kafka 2.8, which has no ids. Raises BrokerError if there is no answer.
    """
    there = sorted(set(topics) & metadata(config).topics.keys())
    if not there:
        return {}
    admin = open_admin(config)  # stays referenced, because its end would cancel the request
    asked = admin.describe_topics(TopicCollection(there))
    found = {name: str(result(name, one).topic_id) for name, one in asked.items()}
    return {name: one for name, one in found.items() if one.strip("A")}


def check_write_right(config: Mapping[str, Any], topic: str) -> None:
    """Raise BrokerError if there is no answer, or this account may not write to `topic`.

    A producer gets a fatal error instead, which does not always name the cause. If a broker reports no
    rights, they are assumed.
    """
    admin = open_admin(config)  # stays referenced, because its end would cancel the request
    asked = admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True)
    allowed = result(topic, asked[topic]).authorized_operations
    if allowed and not {AclOperation.WRITE, AclOperation.ALL} & set(allowed):
        raise NotSetUpError(_NO_RIGHT.format("to write to", topic))


_NO_RIGHT = f"the account in {FILE} has no right {{}} `{{}}`: `platestream topics --acls` gives rights"


def _no_right(topic: TopicMetadata) -> bool:
    return topic.error is not None and topic.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


_ERROR_TEXTS = {
    "CLUSTER_AUTHORIZATION_FAILED": "this account may not set them; the broker's administrator may",
    "SECURITY_DISABLED": "it has no authorizer, so everybody may do everything; see docs/how-to/operator",
}


def result(what: str, future: "Future[Any]") -> Any:
    """Return the result of an administrative request.

    Raises BrokerError, which names `what`, on error or timeout.
    """
    try:
        return future.result(BROKER_SECONDS)
    except KafkaException as error:
        name = error_name(error)
        raise BrokerError(f"{what}: {_ERROR_TEXTS.get(name, name)}") from None
    except TimeoutError:
        raise BrokerError(f"{what}: no answer within {BROKER_SECONDS:.0f} s") from None


def error_name(error: KafkaException) -> str:
    return str(error.args[0].name()) if error.args else "unknown"


def log_client_error(error: KafkaError) -> None:
    """Log errors that librdkafka reports outside of calls, such as lost and restored connections."""
    log.warning("kafka: %s", error.name())
