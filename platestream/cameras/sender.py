"""Sender of frames from the spool to the topic, in order. A frame leaves the spool when the broker
acknowledged it.

A gateway that is killed between these two sends the frame again with the same id, by which the recognize flow
recognizes the repetition.
"""

import logging
import threading
from collections.abc import Callable

from platestream.cameras.spool import Spool, Waiting
from platestream.cameras.state import CameraState
from platestream.edges.kafka_client import BrokerError
from platestream.edges.writer import TopicWriter
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.frame import Frame

log = logging.getLogger(__name__)

BATCH = 16
LONGEST_WAIT = 30.0
TOO_LARGE = "MSG_SIZE_TOO_LARGE"  # librdkafka's error where the broker's message limit is too small


class Sender:
    """Sender that runs until `stop` is set. `open_writer` is called again after each failure."""

    def __init__(
        self, spool: Spool, open_writer: Callable[[], TopicWriter[Frame]], states: dict[str, CameraState]
    ) -> None:
        self._spool, self._open, self._states = spool, open_writer, states
        self.fault = ""

    def run(self, stop: threading.Event) -> None:
        """Send frames as they come; after a failure wait, longer each time, and try again."""
        writer: TopicWriter[Frame] | None = None
        wait, most = 1.0, BATCH
        while not stop.is_set():
            meters.put(metrics.GATEWAY_SPOOL, to=self._spool.bytes)
            batch: list[Waiting] = []
            try:
                batch = self._spool.take(most)
                if not batch:
                    self._spool.arrived.wait(0.5)
                    continue
                writer = writer or self._open()
                writer.publish([Frame.from_message(one.message) for one in batch])
            except (BrokerError, OSError) as error:
                writer = None
                if TOO_LARGE in str(error) and len(batch) == 1:
                    self._done(batch, "undeliverable")
                    continue
                if not self.fault:
                    log.warning("frames wait: %s", error)
                self.fault, most = str(error), 1 if TOO_LARGE in str(error) else most
                stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            if self.fault:
                log.warning("frames are sent again")
            self.fault, wait, most = "", 1.0, BATCH
            self._done(batch)

    def _done(self, batch: list[Waiting], dropped: str = "") -> None:
        self._spool.done(batch, dropped)
        for one in batch:
            if one.camera in self._states:
                self._states[one.camera].count(dropped or "sent")
