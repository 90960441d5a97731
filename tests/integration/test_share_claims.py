"""Shares that are started wrongly: a partition has one process, and nothing is lost, doubled or late."""

import os
import random
import signal
import time
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest

from platestream.edges.changelog import publish, read_to_end
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.shares import shares
from platestream.schemas import topics
from platestream.schemas.claim import Claim
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic
from tests.support.flow_cluster import FlowCluster
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.match_agency import MARKS, WITHIN, MatchAgency, agency

__all__ = ["agency"]

pytestmark = MARKS


def work_off(agency: MatchAgency, what: str) -> None:
    agency.send()
    wait_until(agency.all_are_stored, WITHIN, f"hits {what}")


def once_and_in_order(agency: MatchAgency) -> bool:
    """Return whether each hit is on the topic once, and those of a camera in the order of their captures."""
    last: dict[str, str] = {}
    for message in read_to_end(agency.streams, topics.ALERT_HITS):
        found = topics.ALERT_HITS.decode(message).detection
        if not last.get(found.camera_id, "") < found.captured_at.isoformat():
            return False
        last[found.camera_id] = found.captured_at.isoformat()
    return set(agency.published()) == agency.wanted and agency.rows("FINAL") == sorted(agency.wanted)


def refused(flow: FlowCluster) -> str:
    assert flow.begin().wait(60) != 0
    return flow.log


FORGED = ("1/999999999", "1/" + "9" * 5000, "0/0", "one")
"""Shares in claims that no flow wrote; they stop no start, and doctor names them."""


def forge(agency: MatchAgency) -> None:
    claim = Claim(flow="match", share="1/1", start="x", store="none", process="a stranger's")
    written = [msgspec.json.encode(msgspec.structs.replace(claim, share=one)) for one in FORGED]
    raw: Topic[Any] = replace(cast(Topic[Any], topics.CLAIMS), encode=lambda message: message)
    messages = [Message(f"{n}".encode(), one) for n, one in enumerate([b"no claim", *written])]
    publish(agency.streams, raw, messages)


def test_another_number_of_shares_beside_running_ones_is_refused_and_changes_nothing(
    agency: MatchAgency, own_kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_KAFKA", own_kafka.bootstrap)
    running = [agency.share("1/2"), agency.share("2/2")]
    for flow in running:
        flow.start(1)
    work_off(agency, "of two shares")
    log = refused(agency.share("3/3"))
    assert "share 3/3 of match: detections (2) is read by share 1/2" in log or (
        "share 3/3 of match: detections (5) is read by share 2/2" in log
    )
    work_off(agency, "after a third share was refused")
    assert once_and_in_order(agency)
    assert [one.found for one in shares(CheckContext({}))] == ["match 1/2, match 2/2 run."]
    for flow in running:
        flow.stop()
    forge(agency)
    third = agency.share("3/3")
    third.start(1)
    wait_until(lambda: max(agency.published().values()) == 2, WITHIN, "hits of share 3/3 again")
    found = [one.found for one in shares(CheckContext({}))]
    assert [one for one in found if not one.startswith("No claim at offset")] == [
        f"Share {share} of match is silent: partitions are not read." for share in ("1/3", "2/3")
    ]
    assert len(found) == 2 + 1 + len(FORGED)


@pytest.mark.nightly
def test_a_second_process_of_a_share_is_refused_while_the_first_lives_and_goes_on_for_a_dead_one(
    agency: MatchAgency,
) -> None:
    first, second = agency.share("1/1"), agency.share("1/1", store="second")
    first.start(1)
    work_off(agency, "of the first process")
    assert "is read by share 1/1" in refused(second)
    work_off(agency, "after a second one was refused")
    assert once_and_in_order(agency)
    first.kill_one(0)
    second.start(1)
    work_off(agency, "of the second process")
    assert "is read by share 1/1" in refused(first)
    assert agency.rows("FINAL") == sorted(agency.wanted)
    assert set(agency.published()) == agency.wanted


@pytest.mark.nightly
def test_a_paused_process_writes_nothing_after_another_took_its_share_over(agency: MatchAgency) -> None:
    chance = random.Random(47)
    for turn in range(3):
        paused, second = (
            agency.share("1/1", store=f"paused-{turn}"),
            agency.share("1/1", store=f"second-{turn}"),
        )
        paused.start(1)
        work_off(agency, f"before the pause, turn {turn}")
        agency.send()
        time.sleep(chance.uniform(0, 1.5))  # it may be amid a write
        os.kill(paused.pids[0], signal.SIGSTOP)
        agency.send()  # it has something to write when it wakes
        second.start(1)
        wait_until(agency.all_are_stored, WITHIN, f"hits of the second process, turn {turn}")
        work_off(agency, f"of the second process alone, turn {turn}")
        before = agency.messages()
        os.kill(paused.pids[0], signal.SIGCONT)
        paused.ended(60)
        assert "was taken over by share 1/1" in paused.log
        time.sleep(1)
        assert agency.messages() == before
        second.stop()
    assert agency.rows("FINAL") == sorted(agency.wanted)
    assert set(agency.published()) == agency.wanted
