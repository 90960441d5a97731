"""Topics that somebody deletes and creates again, with more messages than a flow had read of the former one:
its position is in the middle of what was never read.
"""

from platestream.edges.kafka_client import topic_ids
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.topics import TOPICS
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.match_agency import MARKS, WITHIN, MatchAgency, agency

__all__ = ["agency"]

pytestmark = MARKS
READ = topics.DETECTIONS.name


def make_again(kafka: KafkaBroker) -> None:
    config, admin = {"bootstrap.servers": kafka.bootstrap}, kafka.admin()
    admin.delete_topics([READ])[READ].result(20)
    wait_until(lambda: READ not in admin.list_topics(timeout=10).topics, 20, "the topic to be gone")
    create(config, TOPICS)
    wait_until(lambda: READ in topic_ids(config, [READ]), 20, "the topic to be there")


def test_a_flow_does_not_go_on_in_the_middle_of_a_topic_that_was_made_again(
    agency: MatchAgency, own_kafka: KafkaBroker
) -> None:
    first = agency.share("1/1")
    first.start(1)
    agency.send()
    wait_until(agency.all_are_stored, WITHIN, "hits of the first topic")
    first.stop()
    again = agency.share("1/1")
    again.start(1)
    again.stop()
    make_again(own_kafka)
    for _more in range(3):
        agency.send()
    refused = agency.share("1/1")
    assert refused.begin().wait(60) != 0
    assert "detections: deleted and created again since recovery store" in refused.log
