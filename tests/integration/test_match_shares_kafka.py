"""Shares of the match flow on Kafka: a killed one goes on where it was, and another number is refused."""

import shutil
import time
from collections import Counter

import pytest
from confluent_kafka.admin import NewPartitions

from platestream.edges.changelog import read_to_end
from platestream.schemas import topics
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.match_agency import MARKS, WITHIN, MatchAgency, agency
from tests.support.nightly import nightly

__all__ = ["agency"]

pytestmark = MARKS


@pytest.mark.parametrize("kills", [1, *nightly(4)])
def test_a_share_that_is_killed_goes_on_and_each_hit_is_stored_once(agency: MatchAgency, kills: int) -> None:
    first, second = agency.share("1/2"), agency.share("2/2")
    for flow in (first, second):
        flow.start(1)
    for turn in range(kills):
        agency.send()
        wait_until(agency.all_are_stored, WITHIN, f"hits of turn {turn}")
        agency.send()
        second.kill_one(0)
        agency.send()
        second.start(1)
    wait_until(agency.all_are_stored, WITHIN, "all hits")
    assert agency.rows("FINAL") == sorted(agency.wanted)
    assert set(agency.published()) == agency.wanted
    gone = Counter(one.key for one in read_to_end(agency.streams, topics.HOTLIST) if one.value is None)
    assert gone == {f"sjpd:old-{number}".encode(): 1 for number in range(8)}, "one share removes an entry"


@pytest.mark.nightly
def test_another_number_of_shares_is_refused_and_copies_of_a_store_divide_a_share(
    agency: MatchAgency,
) -> None:
    one = agency.share("1/1")
    one.start(1)
    for turn in range(2):
        agency.send()
        wait_until(agency.all_are_stored, WITHIN, f"hits of one process, turn {turn}")
        time.sleep(2)
        if turn == 0:
            committed = agency.wanted  # its epoch has ended when hits of the next one are stored
    one.stop()
    before = agency.published()
    for share in ("1/2", "2/2"):
        shutil.copytree(agency.store("1/1"), agency.store(share))
        agency.share(share).start(1)
    agency.send()
    wait_until(agency.all_are_stored, WITHIN, "hits of two shares")
    published = agency.published()
    assert {published[one] for one in committed} == {1}, "no share reads again what was read"
    assert before.keys() < published.keys()
    assert agency.rows("FINAL") == sorted(agency.wanted)
    for flow in agency.flows[1:]:
        flow.stop()
    for share in ("1/1", "1/3", "2/2"):
        refused = agency.share(share, store="1-of-2")
        assert refused.begin().wait(60) != 0
        assert f"is of share 1/2; share {share} would miss or repeat" in refused.log


@pytest.mark.nightly
def test_shares_need_as_many_partitions_of_vehicles_in_view(
    agency: MatchAgency, own_kafka: KafkaBroker
) -> None:
    admin = own_kafka.admin()  # stays referenced, because its end would cancel the request
    (done,) = admin.create_partitions([NewPartitions(topics.DETECTIONS.name, 9)]).values()
    done.result(30)
    refused = agency.share("1/2")
    assert refused.begin().wait(60) != 0
    assert "in_view and detections need equal numbers of partitions" in refused.log
