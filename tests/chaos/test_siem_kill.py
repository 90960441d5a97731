"""kill -9 of the notify flow while acts come in, with the SIEM away for a while: it gets each act."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.inquiry import FIRST, Inquiry, chain
from platestream.schemas.topics import TOPICS
from tests.support.chaos import KILLS
from tests.support.clock import NOW
from tests.support.flow_process import FlowProcess
from tests.support.kafka_broker import KafkaBroker
from tests.support.rsyslog import Rsyslog, rsyslog

PAUSE = 0.05  # seconds between two acts
SEED = 4137
IDENT = re.compile(r"externalId=(\S+)")

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(900 + 40 * KILLS)]


def act(number: int) -> Inquiry:
    return Inquiry(
        inquiry_id=UUID(int=number),
        at=NOW,
        who="rvale",
        agency="sjpd",
        tool="console",
        query_id="q",
        kind="hits",
        outcome="allowed",
        since=NOW,
        until=NOW,
    )


def idents(siem: Rsyslog) -> list[str]:
    return [found[1] for line in siem.lines if (found := IDENT.search(line))]


def test_a_siem_gets_each_act(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
    writer = KafkaTopics(own_kafka.bootstrap).write(topics.INQUIRIES).build("feed", 0, 1)
    rules = tmp_path / "notify.toml"
    flow = FlowProcess("notify", tmp_path / "notify", own_kafka.bootstrap, PLATESTREAM_NOTIFY_FILE=str(rules))
    chance, stop, sent = random.Random(SEED), threading.Event(), 0

    def feed() -> None:
        nonlocal sent
        seal, last = 0, FIRST
        while not stop.wait(PAUSE):
            for sealed in chain([act(sent + 1)], seal, last):
                writer.write_batch([sealed])
                seal, last = sealed.seal, sealed.hash
            sent += 1

    feeding = threading.Thread(target=feed)
    with rsyslog(tmp_path / "siem") as siem:
        rules.write_text(
            f'[[receivers]]\nname = "siem"\nsyslog = "syslog+tcp://127.0.0.1:{siem.tcp}"\n'
            'purpose = "monitoring"\n'
        )
        flow.prepare()
        feeding.start()
        try:
            for round_ in range(KILLS):
                known = len(idents(siem))
                flow.start()
                wait(flow, partial(got_more, siem, known))
                if round_ == KILLS // 3:
                    siem.stop()
                time.sleep(chance.uniform(0, 2))
                flow.kill()
                if siem.process is None:
                    siem.start()
        finally:
            stop.set()
            feeding.join()
            flow.end()
        flow.start()
        wanted = {str(UUID(int=number)) for number in range(1, sent + 1)}
        wait(flow, lambda: set(idents(siem)) >= wanted)
        flow.kill()
        again = sum(count - 1 for count in Counter(idents(siem)).values())
        print(f"{KILLS} kills, {sent} acts, sent again with the same id: {again}")
        assert set(idents(siem)) == wanted


def got_more(siem: Rsyslog, known: int) -> bool:
    return len(idents(siem)) > known


def wait(flow: FlowProcess, until: Callable[[], bool], within: float = 240) -> None:
    end = time.monotonic() + within
    while not until():
        assert flow.running, f"the flow stopped by itself:\n{flow.log[-3000:]}"
        assert time.monotonic() < end, f"nothing came in {within:.0f} s:\n{flow.log[-2000:]}"
        time.sleep(0.2)
