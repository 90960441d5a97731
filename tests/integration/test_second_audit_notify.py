"""A second process of `audit` or `notify`: it is refused, or replaces a silent one, which then ends."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from docs.generators.catalogue import example
from platestream.edges.changelog import publish, read_to_end
from platestream.schemas import topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import delivery_id
from tests.support.flow_cluster import FlowCluster
from tests.support.kafka_broker import wait_until
from tests.support.match_agency import MARKS, WITHIN, MatchAgency, agency
from tests.support.receivers import SECRET, WEBHOOK, http_receiver

__all__ = ["agency"]

pytestmark = MARKS

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


def replace_paused(
    first: FlowCluster, second: FlowCluster, ask: Callable[[], None], answered: Callable[[], bool]
) -> None:
    """Let the second process replace the first, which is paused and has something to do when it wakes."""

    def work() -> None:
        ask()
        wait_until(answered, WITHIN, "the flow's work")

    first.start(1)
    work()
    assert second.begin().wait(60) != 0
    assert "is read by share 1/1" in second.log
    os.kill(first.pids[0], signal.SIGSTOP)
    second.start(1)
    work()
    os.kill(second.pids[0], signal.SIGSTOP)
    ask()
    os.kill(first.pids[0], signal.SIGCONT)
    first.ended(60)
    assert "was taken over by share 1/1" in first.log
    assert not answered()
    os.kill(second.pids[0], signal.SIGCONT)
    work()
    second.stop()


def test_a_replaced_notify_sends_no_notice(agency: MatchAgency, tmp_path: Path) -> None:
    secret, rules, sent = tmp_path / "secret", tmp_path / "notify.toml", list[UUID]()
    secret.write_text(SECRET)
    with http_receiver() as cad:

        def ask() -> None:
            sent.append(UUID(int=len(sent) + 1))
            seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
            hit = msgspec.structs.replace(FOUND, hit_id=sent[-1], detection=seen)
            publish(agency.streams, topics.ALERT_HITS, [hit])

        def answered() -> bool:
            return str(delivery_id(sent[-1], "cad")) in cad.ids

        rules.write_text(WEBHOOK.format(url=cad.url, secret=secret))
        first, second = (
            agency.flow("notify", name, PLATESTREAM_NOTIFY_FILE=str(rules)) for name in ("first", "second")
        )
        replace_paused(first, second, ask, answered)
        assert cad.ids == [str(delivery_id(one, "cad")) for one in sent]


def test_a_replaced_audit_seals_nothing(agency: MatchAgency) -> None:
    asked = list[str]()

    def sealed() -> list[str]:
        """Reasons in the order of their seals; a process with an empty store writes equal ones again."""
        time.sleep(0.5)
        found = (topics.INQUIRIES.decode(one) for one in read_to_end(agency.streams, topics.INQUIRIES))
        return [
            reason for _seal, _hash, reason in sorted({(o.seal, o.hash, o.inquiry.reason) for o in found})
        ]

    def ask() -> None:
        asked.append(f"a stolen car on Main Street, {len(asked)}")
        agency.search(asked[-1])

    first, second = (agency.flow("audit", name) for name in ("first", "second"))
    replace_paused(first, second, ask, lambda: asked[-1] in sealed())
    assert sealed() == asked
    seals = agency.rows_of("SELECT seal FROM platestream.inquiry_seals ORDER BY seal")
    assert [int(one["seal"]) for one in seals] == list(range(1, len(asked) + 1))
