"""Messages that cannot be read, on topics that officers and auditors follow."""

from concurrent.futures import ThreadPoolExecutor, wait

from platestream.audit import integrity
from platestream.hits.service import follow_hits
from platestream.schemas import topics
from platestream.schemas.message import Message
from tests.support.agency import HIT
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.stored_topics import stored_topics


def test_a_hit_reaches_the_open_pages_behind_it(database: Database) -> None:
    streams, hit = stored_topics(database.data), topics.ALERT_HITS.encode(HIT)
    with door_of(database) as door, ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, follow_hits(door))
        while not first.done():
            streams.append(topics.ALERT_HITS, [Message(hit.key, b"{}"), hit])
            wait([first], 0.2)
        assert first.result().hit_id == HIT.hit_id


def test_the_copy_of_the_log_is_compared_without_it_and_it_is_a_fault(database: Database) -> None:
    with door_of(database, "lee") as door:
        assert integrity.check(door).faults == []
        stored_topics(database.data).append(topics.INQUIRIES, [Message(b"copy", b"{}")])
        (fault,) = integrity.check(door).faults
    assert "a message of inquiries cannot be read ('copy')" in fault
