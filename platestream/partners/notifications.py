"""Scheduled messages to partners: offers, current offers, and hits on their offers. Each is sent again until
it succeeds, with pauses of up to some seconds, also after a restart. It runs inside `platestream partners
serve`.
"""

import asyncio
import logging
import queue
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from platestream.access import registry
from platestream.access.door import Clients, Door, starter_of
from platestream.edges.changelog import readable
from platestream.edges.clickhouse_client import DatabaseError
from platestream.hotlist.list_changes import entries_of, own_entries
from platestream.partners.client import key_of
from platestream.partners.config import read_config
from platestream.partners.list_store import Lists, PendingHit
from platestream.partners.messages import Messages
from platestream.partners.offers import follow, lists, pending_since
from platestream.partners.received_offers import OfferInbox
from platestream.partners.register import own_agency, public_keys
from platestream.partners.remote_hits import report_hit
from platestream.partners.sharing import Sharing
from platestream.partners.transport import Client, Partner
from platestream.runtime.clock import Clock, utc_now
from platestream.runtime.metrics import meters
from platestream.schemas import metrics, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hotlist import OWN_SOURCE, PARTNER_SOURCE, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.settings import Settings, open_topics

CHECK_INTERVAL = timedelta(seconds=60)
"""Interval of messages with the current offers, also without changes."""
POLL_INTERVAL = timedelta(seconds=5)
"""Interval of checks of the registry and the leases, also without changes."""
PAUSES = (1, 2, 4, 8)
"""Seconds until a message that failed is sent again."""
HIT_RETENTION = timedelta(days=8)
"""Time for which a sent hit is remembered: longer than the retention of the topic."""
TICK_S = 0.5
log = logging.getLogger(__name__)


class NotificationJob:
    """Scheduler of messages, one for each data folder.

    `run_once` does what is due now; `run` continues until it is stopped.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings, self._clock = settings, clock
        self._told = read_config(settings)
        self._clients = Clients(settings, automatic=True)
        self._door = Door(
            settings,
            "partners",
            "platestream partners",
            self._clients,
            automatic=True,
            set_off_by=starter_of(settings),
        )
        self._file = lists(settings)
        self._messages = Messages(self._door, self._file, clock)
        self._again: dict[str, tuple[int, datetime]] = {}
        self._came: queue.SimpleQueue[AlertHit] = queue.SimpleQueue()
        self._list_changed = threading.Event()
        self._list_changed.set()  # without the list, every offer would end
        self._looked_at: datetime | None = None
        self._see_again = clock()
        self._version = -1
        self._own: dict[str, HotListEntry] = {}
        self._partners: dict[str, Partner] = {}

    def run_once(self) -> None:
        """Check everything and send all messages that are due. Raises the errors of the database and the
        topics.
        """
        self._list_changed.set()
        self._gather(self._door.streams.read_to_end(topics.ALERT_HITS, _prefix(PARTNER_SOURCE)))
        self._update_offers(self._clock())
        asyncio.run(self._all_due())
        self._look_back()

    def run(self, stop: threading.Event) -> None:
        """Run until stopped. Errors are logged, and the work is tried again."""
        for topic in (topics.HOTLIST, topics.ALERT_HITS):
            threading.Thread(target=self._follow, args=(topic, stop), daemon=True).start()
        asyncio.run(self._until(stop))

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _follow(self, topic: topics.Topic[Any], stop: threading.Event) -> None:
        """Follow a topic; of hits also the earlier ones, because hits before the start are not known
        otherwise.
        """
        while not stop.is_set():
            with _Logged(f"following {topic.name}"):
                followed = open_topics(self._settings).follow(topic)
                if topic is topics.ALERT_HITS:
                    self._gather(self._door.streams.read_to_end(topic, _prefix(PARTNER_SOURCE)))
                self._list_changed.set()
                for messages in followed:
                    if stop.is_set():
                        return
                    self._gather(messages) if topic is topics.ALERT_HITS else self._changed(messages)
            stop.wait(PAUSES[-1])

    def _gather(self, messages: Any) -> None:
        ours = (one for one in messages if (one.key or b"").startswith(_prefix(PARTNER_SOURCE)))
        for hit in readable(topics.ALERT_HITS, ours):
            self._came.put(hit)

    def _changed(self, messages: Any) -> None:
        ours = (_prefix(OWN_SOURCE), _prefix(PARTNER_SOURCE))
        if any((message.key or b"").startswith(ours) for message in messages):
            self._list_changed.set()

    async def _until(self, stop: threading.Event) -> None:
        telling: dict[str, asyncio.Task[None]] = {}
        seeing: asyncio.Task[None] | None = None
        while not stop.is_set():
            with _Logged("looking at lists"):
                await asyncio.to_thread(self._update_offers, self._clock())
                for partner in await asyncio.to_thread(self._due, self._clock()):
                    if partner.name not in telling:
                        telling[partner.name] = asyncio.create_task(self._notify(partner))
                if seeing is None or seeing.done():
                    seeing = asyncio.create_task(asyncio.to_thread(self._look_back))
            await asyncio.sleep(TICK_S)
            for name in [name for name, task in telling.items() if task.done()]:
                with _Logged(f"telling {name}"):
                    telling.pop(name).result()
        for task in telling.values():
            task.cancel()

    async def _all_due(self) -> None:
        await asyncio.gather(*map(self._notify, self._due(self._clock())))

    def _update_offers(self, now: datetime) -> None:
        """Update offers by their entries and accepted entries by their agencies; queue new hits for
        sending.
        """
        version = self._file.version
        stale = self._looked_at is None or now - self._looked_at >= POLL_INTERVAL
        changed = self._list_changed.is_set()
        if not (changed or stale or version != self._version or not self._came.empty()):
            return
        self._list_changed.clear()
        with self._file.writing() as tables:
            sharing, intake = Sharing.now(self._door), OfferInbox(self._door, self._told.lists)
            if changed:
                self._own = own_entries(self._door.streams)
            if changed or version != self._version:
                intake.compare(tables, entries_of(self._door.streams, PARTNER_SOURCE))
            follow(tables, self._own, sharing, now)
            intake.clean_up(tables, sharing, now)
            self._take_hits(tables, now)
            self._measure(tables, sharing, now)
        # Includes agencies with which nothing is shared any more: they must learn that all offers ended.
        self._partners = {
            name: Partner(name, one.address, public_keys(one))
            for name, one in sharing.agencies.items()
            if not one.own and one.address and one.keys
        }
        self._version, self._looked_at = self._file.version, now

    def _look_back(self) -> None:
        now = self._clock()
        if now < self._see_again:
            return
        self._see_again = now + CHECK_INTERVAL  # replaced after a success
        with _Logged("looking back"):
            OfferInbox(self._door, self._told.lists).look_back(self._file, now)
            self._see_again = now

    def _take_hits(self, tables: Lists, now: datetime) -> None:
        theirs = {one.entry.entry_id: one for one in tables.incoming.all() if one.listed}
        own = own_agency(registry.records(self._door.streams))
        while not self._came.empty():
            hit = self._came.get()
            one = theirs.get(hit.entry.entry_id)
            if one is None or own is None or hit.historical or tables.hits.get(one.agency, hit.hit_id):
                continue
            report = report_hit(hit, own.id, one.offer_id)
            tables.hits.put(
                PendingHit(
                    agency=one.agency, hit_id=hit.hit_id, entry_id=hit.entry.entry_id, hit=report, since=now
                )
            )
        for past in tables.hits.all():
            if now - past.since > HIT_RETENTION:
                tables.hits.delete(past)

    def _measure(self, tables: Lists, sharing: Sharing, now: datetime) -> None:
        waiting = pending_since(tables)
        for name, one in sharing.agencies.items():
            if not one.own and (name in waiting or tables.last_message(name, "out")):
                meters.put(metrics.PARTNER_UNTOLD, name, to=waiting.get(name, now).timestamp())

    def _due(self, now: datetime) -> list[Partner]:
        """Return the partners with messages to send now that have not just failed."""
        with self._file.reading() as tables:
            waiting = pending_since(tables)
            stand = {one.agency for one in tables.offered.all() if one.stands}
            due = []
            for name in sorted(waiting.keys() | stand):
                last = tables.last_message(name, "out")
                heard_lately = last is not None and now - last < CHECK_INTERVAL
                _failed, pause = self._again.get(name, (0, now))
                soon = name in waiting or name in self._again or not heard_lately
                if name in self._partners and pause <= now and soon:
                    due.append(self._partners[name])
        return due

    async def _notify(self, partner: Partner) -> None:
        try:
            client = Client(key_of(self._settings), self._told.bounds, self._clock)
        except RefusedError as error:
            self._failed(partner.name, error.detail)
            return
        try:
            fault = await self._messages.send_due(client, partner)
        finally:
            await client.close()
        if fault:
            await asyncio.to_thread(self._failed, partner.name, fault)
        else:
            self._again.pop(partner.name, None)

    def _failed(self, name: str, fault: str) -> None:
        """Set the pause until the next try, and note the fault in the unsent messages."""
        failed, _at = self._again.get(name, (0, None))
        pause = timedelta(seconds=PAUSES[min(failed, len(PAUSES) - 1)])
        self._again[name] = (failed + 1, self._clock() + pause)
        with self._file.writing() as tables:
            for one in tables.offered.all(name):
                if one.untold_since is not None:
                    tables.offered.put(msgspec.structs.replace(one, fault=fault))
            for hit in tables.hits.all(name):
                if hit.hit is not None:
                    tables.hits.put(msgspec.structs.replace(hit, fault=fault))


def _prefix(source: str) -> bytes:
    return f"{source}:".encode()


class _Logged(suppress):
    """Context in which errors are logged, so that the work is tried again at the next iteration."""

    def __init__(self, doing: str) -> None:
        super().__init__(Exception)
        self._doing = doing

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if isinstance(error, Exception):
            known = isinstance(error, DatabaseError | OSError | RefusedError)
            log.error("%s: %s", self._doing, error if known else type(error).__name__, exc_info=not known)
        return bool(super().__exit__(kind, error, trace))
