"""Why a producer gave up, dug out of what its client raised."""

from confluent_kafka import KafkaError, KafkaException

from platestream.edges.kafka_write import reason_of


def test_areason_of_reason_is_found_behind_each_call_that_the_client_went_on_with() -> None:
    error: Exception = KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED))
    for depth in range(4):
        assert reason_of(error) == "CLUSTER_AUTHORIZATION_FAILED", depth
        behind, error = error, SystemError("returned a result with an exception set")
        error.__cause__ = error.__context__ = behind


def test_what_has_no_reason_of_the_broker_is_named() -> None:
    assert reason_of(SystemError("returned NULL without setting an exception")) == "SystemError"
