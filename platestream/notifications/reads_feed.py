"""Reads as they come for the agency's own systems, where the rules in force allow it (`sharing.send_reads`).

The rules are asked before each attempt to send a batch, which may wait long for its receiver. Only reads of
registered cameras that do not move are sent: those of a car are its route. Each batch is on record in the
table of deliveries.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.rules_reader import RulesError, in_force
from platestream.edges.clickhouse_client import INGEST, ConnectError, DatabaseError, connect
from platestream.edges.edge import Edge
from platestream.notifications.delivery import outcome_of
from platestream.notifications.factory import open_senders
from platestream.notifications.followed import Followed, Letters, Sent, decoded, post_of, step_of
from platestream.notifications.senders import Rejected, Send, Unreachable
from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.notify.message import BatchNotice, Notice
from platestream.operators.notify.outbox import dead_letter, has_failed
from platestream.operators.notify.reads_message import reads_notice
from platestream.operators.notify.rules import NotifyRules, span
from platestream.runtime.clock import Clock
from platestream.schemas import topics
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import EndOfSnapshot, Message
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings

EVERY = timedelta(seconds=1)
"""Least time between two batches, each of which is on record."""
FORBIDDEN = "not_shared"
Allows = Callable[[], bool | None]
"""Function that returns whether the rules in force allow that reads are sent; None: not known now."""

log = logging.getLogger(__name__)


class FixedCameras:
    """The registered cameras that do not move; not known before the registry was read."""

    def __init__(self) -> None:
        self._fixed: set[str] = set()
        self._hold: ChangelogHold[RegistryRecord] = ChangelogHold(("registry",))

    @property
    def known(self) -> bool:
        """True when the registry was read."""
        return self._hold.open

    def note(self, batch: Iterable[RegistryRecord | EndOfSnapshot]) -> None:
        """Take records of the registry."""
        for one in batch:
            if isinstance(one, EndOfSnapshot):
                self._hold.end(one)
            elif one.kind == "camera":
                (self._fixed.discard if one.moves else self._fixed.add)(one.id)

    def __contains__(self, camera: str) -> bool:
        return camera in self._fixed


class RulesAsked:
    """The rule of the database, asked for each attempt with the account of the flows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._lock = threading.Lock()

    def __call__(self) -> bool | None:
        with self._lock:  # each receiver has a thread
            return self._asked()

    def _asked(self) -> bool | None:
        try:
            if self._client is None:
                dsn = self._settings.clickhouse_for(INGEST)
                self._client = connect(dsn, INGEST, allow_plaintext=self._settings.allow_plaintext)
            return in_force(self._client).profile.sharing.send_reads
        except (ConnectError, DatabaseError, RulesError) as error:
            log.warning("reads wait, because the rules in force are not known: %s", error)
            self._client = None
            return None


def open_reads(
    edge: Edge, rules: NotifyRules, fixed: FixedCameras, allows: Allows, now: Clock
) -> Iterator[tuple[str, Followed]]:
    """Yield the step and the source of each receiver of reads."""
    senders = open_senders(rules, edge.check)
    for one in rules.receivers:
        if one.gets_reads:
            oldest = span(rules.oldest)
            post = post_of(one.name, _allowed(senders[one.name], allows), oldest, now)
            write = _Reads(one.name, oldest, fixed, now)
            yield (
                step_of("reads", one.name),
                Followed(edge, topics.DETECTIONS, post, write, now, EVERY),
            )


def _allowed(send: Send, allows: Allows) -> Send:
    def attempt(notice: Notice) -> None:
        allowed = allows()
        if allowed is None:
            raise Unreachable("rules")
        if not allowed:
            raise Rejected(FORBIDDEN)
        send(notice)

    return attempt


class _Reads:
    def __init__(self, receiver: str, oldest: timedelta, fixed: FixedCameras, now: Clock) -> None:
        self._receiver, self._oldest, self._fixed, self._now = receiver, oldest, fixed, now

    def __call__(self, messages: Sequence[Message]) -> Letters | None:
        if not self._fixed.known:
            return None
        reads, unread = decoded(topics.DETECTIONS, messages)
        items: list[Sent] = [*unread]
        now, shared = self._now(), [one for one in reads if one.camera_id in self._fixed]
        fresh = [one for one in shared if one.captured_at > now - self._oldest]
        if late := [one for one in shared if one.captured_at <= now - self._oldest]:
            notice = reads_notice(late, self._receiver, now)
            items.append(outcome_of(notice, "stale", now, 0, notice.content))
        if not fresh:
            return Letters(None, items)
        sent = reads_notice(fresh, self._receiver, now)
        return Letters(sent, items, lambda delivery: _sent(sent, delivery))


def _sent(notice: BatchNotice, delivery: Delivery) -> list[Sent]:
    if delivery.reason == FORBIDDEN:
        return [msgspec.structs.replace(delivery, outcome="not_shared", reason=notice.content)]
    if has_failed(delivery):
        return [delivery, dead_letter(notice, delivery)]
    return [msgspec.structs.replace(delivery, outcome="reads")]
