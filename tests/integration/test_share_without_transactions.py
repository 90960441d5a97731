"""A share on a broker that keeps no transactions, such as one node with Kafka's defaults."""

from pathlib import Path

import pytest

from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.shares import shares
from tests.checker.flows import UNDISTURBED
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.match_agency import start_agency


@pytest.mark.nightly
@pytest.mark.kafka
@pytest.mark.parametrize(
    "own_kafka", [{**UNDISTURBED, "transaction.state.log.replication.factor": 3}], indirect=True
)
def test_a_flow_warns_and_reads_and_doctor_warns_where_the_broker_keeps_no_transactions(
    own_kafka: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = start_agency(tmp_path, own_kafka)
    try:
        flow = agency.share("1/1")
        flow.start(1)
        agency.send()
        wait_until(agency.all_are_stored, 120, "hits of a flow without transactions")
        assert "the broker keeps no transactions" in flow.log
        monkeypatch.setenv("PLATESTREAM_KAFKA", own_kafka.bootstrap)
        (named,) = [one.found for one in shares(CheckContext({}))]
        assert named.startswith("Nothing stops a second process of a share: the broker keeps no transactions")
    finally:
        agency.end()
