"""A flow that seldom writes to a topic: the broker forgets transactions that are unused for a week."""

import time
from typing import Any

import pytest

from platestream.edges.changelog import read_to_end
from platestream.edges.edge import ALL_PARTITIONS
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_claim import KafkaClaim
from platestream.edges.kafka_client import common_config
from platestream.edges.kafka_topics import create
from platestream.edges.kafka_write import KafkaWriter
from platestream.schemas import topics
from platestream.schemas.topics import TOPICS
from tests.support.flows import listed
from tests.support.kafka_broker import SETTINGS, KafkaBroker

FORGETS = {
    **SETTINGS,
    "transactional.id.expiration.ms": 2000,  # in place of a week
    "transaction.remove.expired.transaction.cleanup.interval.ms": 300,
}


class Unwatched(KafkaClaim):
    """A claim that sends no heartbeats."""

    def check(self) -> None:
        """Do nothing."""


@pytest.mark.kafka
@pytest.mark.parametrize("own_kafka", [FORGETS], indirect=True)
def test_a_flow_writes_to_a_topic_that_it_did_not_write_to_for_long(own_kafka: KafkaBroker) -> None:
    config = common_config(own_kafka.bootstrap, {})
    create(config, TOPICS)
    claim = Unwatched(config, "match", ALL_PARTITIONS, topics.DETECTIONS, "a store")
    writer: KafkaWriter[Any] = KafkaWriter(config, topics.HOTLIST, claim)
    for number in range(2):
        writer.publish([listed("AST3087", str(number))])
        time.sleep(5)
    streams = KafkaTopics(own_kafka.bootstrap)
    found = [topics.HOTLIST.decode(one).entry_id for one in read_to_end(streams, topics.HOTLIST)]
    assert sorted(found) == sorted(listed("AST3087", str(number)).entry_id for number in range(2))
