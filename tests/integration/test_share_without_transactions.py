"""A share on a broker that keeps no transactions, such as one node with Kafka's defaults."""

from pathlib import Path

import pytest

from tests.checker.flows import UNDISTURBED
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.match_agency import start_agency


@pytest.mark.kafka
@pytest.mark.parametrize(
    "own_kafka", [{**UNDISTURBED, "transaction.state.log.replication.factor": 3}], indirect=True
)
def test_a_flow_warns_and_reads_where_the_broker_keeps_no_transactions(
    own_kafka: KafkaBroker, tmp_path: Path
) -> None:
    agency = start_agency(tmp_path, own_kafka)
    try:
        flow = agency.share("1/1")
        flow.start(1)
        agency.send()
        wait_until(agency.all_are_stored, 120, "hits of a flow without transactions")
        assert "the broker keeps no transactions" in flow.log
    finally:
        agency.end()
