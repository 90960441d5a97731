"""The broker is away for a minute while cameras upload to `platestream up`: how long what waited takes.

A flow that cannot write for 30 s ends and is started again, as it is meant to; which processes did is
printed. tests/checker recounts from outside.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platestream.operations.up.log import exits
from tests.checker import gather
from tests.checker.check import pass_id
from tests.checker.street import Street, over, street, uploading
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.receivers import http_receiver

AWAY_S = 60
PATIENCE_S = 600

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.kafka, pytest.mark.timeout(1800)]


def acknowledged(made: Street) -> set[str]:
    """The vehicles of which the first frame is acknowledged, by the ids of their detections."""
    taken = [one for one in made.journal.sends() if one.plate and one.state == "done"]
    return {pass_id(one.camera, one) for one in taken if one.shot == 0}


def detected(made: Street) -> set[str]:
    sql = "SELECT detection_id FROM platestream.detections"
    return {row["detection_id"] for row in gather.rows(made.owner, sql)}


def test_what_waits_for_a_broker_that_is_away_is_worked_off(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    with http_receiver() as web:
        made = street(tmp_path, web, own_kafka.bootstrap)
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            wait_until(lambda: len(detected(made)) > 6, PATIENCE_S, "vehicles before the outage", every=0.5)
            since, known = datetime.now(UTC), detected(made)
            own_kafka.kill()
            time.sleep(AWAY_S)
            waiting = acknowledged(made) - known
            back = time.monotonic()
            own_kafka.start()
            ready = time.monotonic() - back
            wait_until(lambda: waiting <= detected(made), PATIENCE_S, "what waited", every=0.5)
            took = time.monotonic() - back
            ended = dict(exits(made.system.supervisor.log, since))
            print(
                f"{AWAY_S} s without a broker; {len(waiting)} vehicles waited and were worked off "
                f"in {took:.0f} s, {ready:.0f} s of them the broker's own start; ended meanwhile: {ended}"
            )
            over(made, threads)
            made.recount(began)
            assert len(waiting) > AWAY_S / 10, "cameras went on"
        finally:
            made.system.run("down")
