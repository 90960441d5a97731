"""A right or a password that is taken from an account while a process keeps its clients, on a real broker."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from platestream.edges import kafka_write
from platestream.edges.changelog import publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_client import BrokerError, properties
from platestream.edges.kafka_topics import create
from platestream.schemas.topics import DETECTIONS
from tests.conftest import skip_unless_ci
from tests.support.flows import detection
from tests.support.kafka_broker import KafkaUnavailableError, wait_until
from tests.support.kafka_secured import SecuredKafka

Use = Callable[[KafkaTopics], object]
ACCOUNT = "console"
OF = partial(
    AclBinding,
    resource_pattern_type=ResourcePatternType.LITERAL,
    principal=f"User:{ACCOUNT}",
    host="*",
    permission_type=AclPermissionType.ALLOW,
)
READ, WRITE = (
    OF(ResourceType.TOPIC, DETECTIONS.name, operation=one) for one in (AclOperation.READ, AclOperation.WRITE)
)
GROUP = OF(ResourceType.GROUP, "platestream", operation=AclOperation.READ)


class Broker(SecuredKafka):
    def give(self, right: AclBinding) -> None:
        admin = self.admin()
        admin.create_acls([right])[right].result(10)

    def take(self, right: AclBinding) -> None:
        kept = (right.resource_pattern_type, right.principal, right.host, right.operation)
        which = AclBindingFilter(right.restype, right.name, *kept, right.permission_type)
        admin = self.admin()
        admin.delete_acls([which])[which].result(10)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    try:
        broker = Broker(tmp_path_factory.mktemp("secured") / "kafka", **{"connections.max.reauth.ms": 3000})
    except KafkaUnavailableError as error:
        skip_unless_ci(str(error))
    try:
        broker.start()
        create(broker.config(broker.administrator), [DETECTIONS])
        for right in (READ, WRITE, GROUP):
            broker.give(right)
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def streams(broker: Broker) -> KafkaTopics:
    """Topics as the account reads and writes them, which it has done once."""
    broker.let_in([(ACCOUNT, "first-password")])
    file = broker.account(ACCOUNT, "first-password")
    streams = KafkaTopics(broker.bootstrap, properties(file.read_text()))
    wait_until(lambda: not says(streams, write), 20, "the account may write")
    read(streams)
    return streams


def write(streams: KafkaTopics) -> None:
    publish(streams, DETECTIONS, [detection("AAA1")])


def read(streams: KafkaTopics) -> int:
    return len(list(read_to_end(streams, DETECTIONS)))


def says(streams: KafkaTopics, what: Use) -> str:
    """Return the error of a write or read; empty if it succeeds."""
    try:
        what(streams)
    except BrokerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("right", "use", "other"), [(READ, read, write), (WRITE, write, read)])
def test_a_right_that_is_withdrawn_is_missed_at_once_and_used_again_when_it_is_given_back(
    broker: Broker, streams: KafkaTopics, right: AclBinding, use: Use, other: Use
) -> None:
    broker.take(right)
    wait_until(lambda: "TOPIC_AUTHORIZATION_FAILED" in says(streams, use), 10, "the right is missed")
    assert says(streams, use) != ""
    assert says(streams, other) == ""
    broker.give(right)
    wait_until(lambda: says(streams, use) == "", 20, "the right is used again")


def test_a_changed_password_ends_what_signed_in_by_the_old_one(
    broker: Broker, streams: KafkaTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_write, "DELIVERY_SECONDS", 2.0)
    broker.let_in([(ACCOUNT, "second-password")])
    wait_until(lambda: "refused the sign-in" in says(streams, read), 20, "reads are refused")
    wait_until(lambda: "refused the sign-in" in says(streams, write), 60, "writes are refused")
    file = broker.account(ACCOUNT, "second-password")
    again = KafkaTopics(broker.bootstrap, properties(file.read_text()))
    write(again)
    assert read(again) > 0
