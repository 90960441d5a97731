"""Dead letters on a broker: sent again as they came, and a second time only when that is said."""

from pathlib import Path

import pytest

from platestream.access.door import Clients, Door
from platestream.operations import dead_letters, setup
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.message import RefusedError
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import staffed
from tests.support.kafka_broker import KafkaBroker

HEADERS = {"camera-id": "N1"}
BYTES = b"\xff\xd8\x00\n{}"


@pytest.mark.nightly
def test_a_letter_goes_to_its_topic_as_it_came(
    own_kafka: KafkaBroker, database: Database, tmp_path: Path
) -> None:
    staffed(database)
    settings = Settings(kafka=own_kafka.bootstrap, clickhouse=database.dsn, data=tmp_path)
    with Door(settings, "vale", "test", Clients(settings)) as door:
        made = setup.topics(door)
        assert made is not None
        assert made.wrong == ()
        for offset in (1, 12):
            letter = DeadLetter(
                topic="detections", partition=3, offset=offset, reason="schema", detail="", key=b"N1",
                value=BYTES, headers=HEADERS, timestamp=NOW,
            )  # fmt: skip
            door.streams.writer(topics.DEAD_LETTERS).publish([letter])
        dead_letters.send_again(door, "detections/3/1", NOW)
        with pytest.raises(RefusedError, match="was sent again before"):
            dead_letters.send_again(door, "detections/3/1", NOW)
        (message,) = door.streams.read_to_end(topics.DETECTIONS)
        assert (message.key, message.value, message.headers) == (b"N1", BYTES, HEADERS)
        assert message.timestamp == NOW
        found = {one.origin: one.sent_again for one in dead_letters.letters(door)}
        assert found == {"detections/3/1": 1, "detections/3/12": 0}
