"""Claims of shares on Kafka, so that one process at a time reads and writes for a partition.

A start reads the topic `claims`. While another process that reads one of its partitions sends heartbeats, it
refuses to start. Otherwise it replaces the silent one, and takes over the names of its transactions
(`transactional.id`): the broker refuses all that a process under these names writes later
(docs/decisions/shares.md).
"""

import logging
import os
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from threading import Lock, Thread
from typing import Any, cast
from uuid import uuid4

import msgspec
from confluent_kafka import Producer

from platestream.edges.edge import Share
from platestream.edges.kafka_acls import TRANSACTION_LOG, transactions
from platestream.edges.kafka_client import (
    BROKER_SECONDS,
    BrokerError,
    NotSetUpError,
    metadata,
    open_client,
    partitions,
)
from platestream.edges.kafka_load import PartitionReader
from platestream.edges.kafka_write import DELIVERY_SECONDS, KafkaWriter, begin_transactions
from platestream.schemas.claim import Claim
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.rights import ACCOUNTS
from platestream.schemas.topics import CLAIMS, Topic

BEAT_SECONDS = 2.0
SILENT_SECONDS = 10.0
"""Time without a heartbeat after which a process counts as dead. The broker fences one that is not."""
TRANSACTION_SECONDS = 40.0  # longer than the timeout of an acknowledgment

_REMOVALS: Topic[Any] = replace(cast(Topic[Any], CLAIMS), encode=lambda key: Message(key.encode(), None))

log = logging.getLogger(__name__)


class ClaimedError(BrokerError):
    """Another process reads partitions of this share."""


class KafkaClaim:
    """Claim of a share of a flow, which reads its partitions of `topic`. `store` names its recovery store."""

    def __init__(
        self, config: Mapping[str, Any], flow: str, share: Share, topic: Topic[Any], store: str
    ) -> None:
        self._config, self._share, self._topic = config, share, topic.name
        process = f"{socket.gethostname()}, process {os.getpid()}"
        self._own = Claim(flow=flow, share=str(share), start=uuid4().hex, store=store, process=process)
        self._seen: dict[str, Claim] = {}
        self._replaced_by: Claim | None = None
        self._looking, self._confirmed = Lock(), 0.0

    def take(self) -> None:
        """Take the share over, and keep it by heartbeats. Raises ClaimedError, NotSetUpError, BrokerError."""
        self._partitions = self._share(partitions(self._config, self._topic))
        self._writer = KafkaWriter(self._config, CLAIMS)
        self._reader = PartitionReader(self._config, CLAIMS.name, 0)
        while not self._reader.ended:
            self._look()
        before = self._rivals()
        # A store has one process on a machine, so its last one is dead.
        if any(one.store != self._own.store for one in before.values()):
            self._wait_until_silent(before)
        self._own = msgspec.structs.replace(self._own, replaces=tuple(before))
        self._confirm()
        for start, one in self._rivals().items():
            if start not in before:  # it was as fast, and came first
                raise ClaimedError(self._text(one, "is read by"))
        self._fence({self._own.share, *(one.share for one in before.values())})
        gone = {one.key for one in before.values()} - {self._own.key}
        KafkaWriter(self._config, _REMOVALS).publish(sorted(gone))
        Thread(target=self._keep, name="claim", daemon=True).start()

    def check(self) -> None:
        """Raise ClaimedError if another process has taken this share over; asks the broker if it may have."""
        if time.clock_gettime(time.CLOCK_BOOTTIME) - self._confirmed > SILENT_SECONDS:
            self._confirm()
        if self._replaced_by is not None:
            raise self.taken_over()

    def taken_over(self) -> ClaimedError:
        """Return the error of a process whose share was taken over."""
        if self._replaced_by is None:
            return ClaimedError(
                f"share {self._own.share} of {self._own.flow} was taken over; this process ends"
            )
        return ClaimedError(self._text(self._replaced_by, "was taken over by"))

    def transaction(self, topic: str) -> dict[str, Any]:
        """Return the properties of the producer that writes to `topic`."""
        return _transaction(self._own.flow, self._own.share, topic)

    def _rivals(self) -> dict[str, Claim]:
        """Return the claims on partitions of this share, by their starts."""
        return {
            start: one
            for start, one in self._seen.items()
            if one.start != self._own.start and self._shared(one)
        }

    def _shared(self, other: Claim) -> list[int]:
        owned = Share.parse(other.share)
        return [one for one in self._partitions if other.flow == self._own.flow and owned.owns(one)]

    def _wait_until_silent(self, rivals: Mapping[str, Claim]) -> None:
        end = time.monotonic() + SILENT_SECONDS
        while time.monotonic() < end:
            for start in self._look() & rivals.keys():
                raise ClaimedError(self._text(rivals[start], "is read by"))
            time.sleep(0.1)

    def _text(self, other: Claim, how: str) -> str:
        own, places = self._own, ", ".join(map(str, self._shared(other)))
        return (
            f"share {own.share} of {own.flow}: {self._topic} ({places}) {how} share {other.share} "
            f"({other.process}). Each partition is read by one process: stop all shares before their number "
            "changes (docs/how-to/operator/scaling.md)"
        )

    def _look(self) -> set[str]:
        """Read what is new on the topic. Returns the starts that sent a heartbeat."""
        heard = set()
        for raw in self._reader.poll():
            if raw.value() is None:
                key = (raw.key() or b"").decode(errors="replace")
                self._seen = {start: one for start, one in self._seen.items() if one.key != key}
                continue
            claim = _decode(raw.value())
            if claim is None:
                continue
            for start in claim.replaces:
                self._seen.pop(start, None)
            if self._own.start in claim.replaces:
                self._replaced_by = claim
            self._seen[claim.start] = claim
            heard.add(claim.start)
        return heard

    def _confirm(self) -> None:
        """Send a heartbeat, and read the topic up to it. Raises BrokerError."""
        with self._looking:
            sent = time.clock_gettime(time.CLOCK_BOOTTIME)
            end = time.monotonic() + BROKER_SECONDS
            self._writer.publish([self._own])
            while self._own.start not in self._look():
                if time.monotonic() > end:
                    raise BrokerError(f"{CLAIMS.name}: a heartbeat did not come back")
                time.sleep(0.02)
            self._confirmed = sent

    def _fence(self, shares: set[str]) -> None:
        """Take over the names of all transactions of some shares."""
        names = [
            _transaction(self._own.flow, share, topic.name)
            for share in shares
            for topic in ACCOUNTS[self._own.flow].writes
            if topic is not CLAIMS
        ]
        with ThreadPoolExecutor() as pool:
            begun = [
                pool.submit(begin_transactions, open_client(Producer, {**self._config, **one}))
                for one in names
            ]
        try:
            for one in begun:
                one.result()
        except NotSetUpError:
            raise
        except BrokerError:
            check_transactions(self._config)
            raise

    def _keep(self) -> None:
        """Send heartbeats until the share is taken over, then end the process, which may be idle."""
        while self._replaced_by is None:
            time.sleep(BEAT_SECONDS)
            try:
                self._confirm()
            except BrokerError as error:
                log.warning("the claim of share %s: %s", self._own.share, error)
        log.error("%s", self.taken_over())
        os._exit(1)


def check_transactions(config: Mapping[str, Any]) -> None:
    """Raise NotSetUpError if the broker keeps no transactions though a flow has asked for them."""
    if TRANSACTION_LOG not in metadata(config).topics:
        raise NotSetUpError(
            "the broker keeps no transactions: `transaction.state.log.replication.factor` is larger than its "
            "number of nodes"
        )


@lru_cache
def _decode(value: bytes) -> Claim | None:
    """Return a claim, or None for what is none; heartbeats of a process are equal, and there are many."""
    try:
        return Claim.from_json(value)
    except RefusedError:
        return None


def _transaction(flow: str, share: str, topic: str) -> dict[str, Any]:
    return {
        "transactional.id": f"{transactions(flow)}{share} {topic}",
        "transaction.timeout.ms": int(TRANSACTION_SECONDS * 1000),
        "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
    }
