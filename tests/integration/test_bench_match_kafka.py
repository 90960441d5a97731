import pytest

from benchmarks import match_kafka
from tests.support.kafka_broker import Kafka, wait_until


@pytest.mark.nightly
def test_the_bench_on_kafka_loads_a_list_matches_and_leaves_no_topic_behind(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_KAFKA", kafka.bootstrap)
    said: list[str] = []
    figures = match_kafka.run(2000, 10, 3000, 10, 1, 1, said.append)
    assert figures["entries"] == 2010
    assert figures["alerts"] > 0
    assert 0 < figures["read_to_alert_ms"]["p50"] <= figures["read_to_alert_ms"]["most"]
    assert figures["flow_detections_per_s"] > 0
    admin = kafka.admin()
    wait_until(
        lambda: not any(name.startswith("bench-") for name in admin.list_topics(timeout=10).topics),
        20,
        "topics of the bench deleted",
    )
