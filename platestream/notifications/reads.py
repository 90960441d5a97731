"""Reads as they come for the agency's own systems, where the rules in force allow it (`sharing.send_reads`).

The rules are asked for each batch. Reads of cameras that move are not sent, because they are the route of a
car. Each batch is on record in the table of deliveries.
"""

import logging
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
from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.notify.message import BatchNotice
from platestream.operators.notify.outbox import dead_letter, has_failed
from platestream.operators.notify.reads import reads_notice
from platestream.operators.notify.rules import NotifyRules, span
from platestream.runtime.clock import Clock
from platestream.schemas import topics
from platestream.schemas.delivery import Delivery, Outcome
from platestream.schemas.detection import Detection
from platestream.schemas.message import EndOfSnapshot, Message
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings

EVERY = timedelta(seconds=1)
"""Least time between two batches, each of which is on record."""
Allows = Callable[[], bool | None]
"""Function that returns whether the rules in force allow that reads are sent; None: not known now."""

log = logging.getLogger(__name__)


class MovingCameras:
    """The cameras that move, by the registry; not known before it was read."""

    def __init__(self) -> None:
        self._moves: set[str] = set()
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
                (self._moves.add if one.moves else self._moves.discard)(one.id)

    def __contains__(self, camera: str) -> bool:
        return camera in self._moves


class RulesAsked:
    """The rule of the database, asked for each batch with the account of the flows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None

    def __call__(self) -> bool | None:
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
    edge: Edge, rules: NotifyRules, moving: MovingCameras, allows: Allows, now: Clock
) -> Iterator[tuple[str, Followed]]:
    """Yield the step and the source of each receiver of reads."""
    senders = open_senders(rules)
    for one in rules.receivers:
        if one.gets_reads:
            oldest = span(rules.oldest)
            post = post_of(one.name, senders[one.name], oldest, now)
            write = _Reads(one.name, oldest, moving, allows, now)
            yield (
                step_of("reads", one.name),
                Followed(edge, topics.DETECTIONS, post, write, now, EVERY),
            )


class _Reads:
    def __init__(
        self, receiver: str, oldest: timedelta, moving: MovingCameras, allows: Allows, now: Clock
    ) -> None:
        self._receiver, self._oldest, self._moving = receiver, oldest, moving
        self._allows, self._now = allows, now

    def __call__(self, messages: Sequence[Message]) -> Letters | None:
        allowed = self._allows() if self._moving.known else None
        if allowed is None:
            return None
        reads, unread = decoded(topics.DETECTIONS, messages)
        items: list[Sent] = [*unread]
        fixed = [one for one in reads if one.camera_id not in self._moving]
        if not allowed:
            return Letters(None, [*items, *self._unsent(fixed, "not_shared")])
        since = self._now() - self._oldest
        fresh = [one for one in fixed if one.captured_at > since]
        late = [one for one in fixed if one.captured_at <= since]
        items += self._unsent(late, "stale")
        if not fresh:
            return Letters(None, items)
        notice = reads_notice(fresh, self._receiver, self._now())
        return Letters(notice, items, lambda delivery: _sent(notice, delivery))

    def _unsent(self, reads: Sequence[Detection], outcome: Outcome) -> Iterator[Sent]:
        if reads:
            notice = reads_notice(reads, self._receiver, self._now())
            yield outcome_of(notice, outcome, self._now(), 0, notice.content)


def _sent(notice: BatchNotice, delivery: Delivery) -> list[Sent]:
    if has_failed(delivery):
        return [delivery, dead_letter(notice, delivery)]
    return [msgspec.structs.replace(delivery, outcome="reads")]
