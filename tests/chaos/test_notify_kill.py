"""kill -9 of the notify flow while hits come in, with a receiver dead for a while: each receiver hears once.

A crash between a receiver's acknowledgement and the ledger's sends the notice once more with the same id;
that is what ids are for, so a receiver counts ids. How often it happened is printed (`-rP` shows it).
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import delivery_id
from platestream.schemas.topics import TOPICS
from tests.support.chaos import KILLS, OUTAGE_SECONDS
from tests.support.flow_process import FlowProcess
from tests.support.kafka_broker import KafkaBroker
from tests.support.receivers import SECRET, HttpReceiver, http_receiver, mail_receiver

PAUSE = 0.1  # seconds between two hits: ten times the busiest hour of ten busy days
SEED = 4137
FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))

ROWS = """
SELECT receiver, outcome, count(), uniqExact(delivery_id) FROM platestream.deliveries FINAL
GROUP BY ALL ORDER BY ALL
"""

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(900 + 40 * KILLS)]

RULES = """
shows = "plate"
patience = "1 hour"
[mail]
server = "127.0.0.1:{mail}"
security = "none"
sender = "alpr@example.gov"
domain = "alpr.example.gov"
[[receivers]]
name = "cad"
webhook = "{web}"
secret_file = "{secret}"
[[receivers]]
name = "dying"
webhook = "{dying}"
secret_file = "{secret}"
[[receivers]]
name = "desk"
mail = "desk@example.gov"
[[routes]]
to = ["cad", "dying", "desk"]
"""


def hit(number: int) -> AlertHit:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)


def test_no_delivery_is_lost_or_doubled(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
    sink = KafkaTopics(own_kafka.bootstrap).write(topics.ALERT_HITS)
    writer = sink.build("feed", 0, 1)
    secret, rules = tmp_path / "secret", tmp_path / "notify.toml"
    secret.write_text(SECRET)
    flow = FlowProcess("notify", tmp_path / "notify", own_kafka.bootstrap, PLATESTREAM_NOTIFY_FILE=str(rules))
    chance, stop, sent = random.Random(SEED), threading.Event(), 0

    def feed() -> None:
        nonlocal sent
        while not stop.wait(PAUSE):
            sent += 1
            writer.write_batch([hit(sent)])

    feeding = threading.Thread(target=feed)
    with http_receiver() as web, http_receiver() as dying, mail_receiver() as mail:
        rules.write_text(RULES.format(mail=mail.port, web=web.url, dying=dying.url, secret=secret))
        flow.prepare()
        feeding.start()
        try:
            died = 0.0
            for round_ in range(KILLS):
                known = len(web.calls)
                flow.start()
                wait(flow, partial(heard_more, web, known))
                if round_ == KILLS // 3:
                    dying.down, died = True, time.monotonic()
                time.sleep(chance.uniform(0, 2))
                if died and time.monotonic() - died > OUTAGE_SECONDS:
                    dying.down = False
                flow.kill()
            time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - died)))
            dying.down = False
        finally:
            stop.set()
            feeding.join()
            flow.end()
        numbers = range(1, sent + 1)
        wanted = {
            name: {str(delivery_id(UUID(int=n), name)) for n in numbers} for name in ("cad", "dying", "desk")
        }
        flow.start()
        heard: dict[str, Callable[[], list[str]]] = {
            "cad": lambda: web.ids,
            "dying": lambda: dying.ids,
            "desk": lambda: [ident.strip("<>").partition("@")[0] for ident in mail.ids],
        }
        wait(flow, lambda: all(set(heard[name]()) >= wanted[name] for name in wanted))
        time.sleep(4)  # the tables' epoch
        flow.kill()
        again = {name: sum(count - 1 for count in Counter(ids()).values()) for name, ids in heard.items()}
        print(f"{KILLS} kills, {sent} hits, sent again with the same id: {again}")
        for name, ids in heard.items():
            assert set(ids()) == wanted[name], name
    rows = flow.query(ROWS)
    assert rows == [[name, "delivered", str(sent), str(sent)] for name in ("cad", "desk", "dying")]
    assert sum(again.values()) <= KILLS + 3, (
        "about one in two crashes met a notice between receiver and journal"
    )


def heard_more(web: HttpReceiver, known: int) -> bool:
    return len(web.calls) > known


def wait(flow: FlowProcess, until: Callable[[], bool], within: float = 240) -> None:
    end = time.monotonic() + within
    while not until():
        assert flow.running, f"the flow stopped by itself:\n{flow.log[-3000:]}"
        assert time.monotonic() < end, f"nothing came in {within:.0f} s:\n{flow.log[-2000:]}"
        time.sleep(0.2)
