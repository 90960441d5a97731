"""Telling partners, by the clock: what is offered, what stands, and hits on what they offered; again until
they have heard, with pauses that grow to some seconds, over restarts. It runs inside `platestream partners
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

from connectors.clickhouse_client import DatabaseError
from connectors.clock import Clock, utc_now
from connectors.metrics import meters, serve
from connectors.partners.client import Client, Partner
from connectors.partners.lists import HitToTell, Lists
from connectors.settings import Settings, open_topics
from schemas import metrics, topics
from schemas.alert_hit import AlertHit
from schemas.hotlist import OWN_SOURCE, PARTNER_SOURCE, HotListEntry
from schemas.message import RefusedError
from services import registry
from services.door import Clients, Door, starter_of
from services.hotlist.importing import entries_of, own_entries
from services.partners.asking import key_of
from services.partners.configured import configured
from services.partners.hits_elsewhere import to_tell
from services.partners.messages import Messages
from services.partners.offering import follow, lists, untold
from services.partners.register import own_agency, public_keys
from services.partners.sharing import Sharing
from services.partners.taking import Intake

EVERY = timedelta(seconds=60)
"""How often an agency hears what stands, also where nothing has changed."""
LOOK = timedelta(seconds=5)
"""How often the registry and the leases are looked at, also where nothing has changed."""
PAUSES = (1, 2, 4, 8)
"""Seconds until an agency that could not be told is tried again."""
KEPT = timedelta(days=8)
"""How long it is known that a hit was told: longer than the topic keeps it."""
TICK_S = 0.5
log = logging.getLogger(__name__)


class Teller:
    """One at a time for a data folder. `turn` does what is due now; `run` goes on until it is stopped."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings, self._clock = settings, clock
        self._told = configured(settings)
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
        self._looked_at: datetime | None = None
        self._see_again = clock()
        self._version = -1
        self._own: dict[str, HotListEntry] = {}
        self._partners: dict[str, Partner] = {}

    def turn(self) -> None:
        """Look at everything, and tell all that is due. Raises what the database and the topics raise."""
        self._list_changed.set()
        for message in self._door.streams.read_to_end(topics.ALERT_HITS, _prefix(PARTNER_SOURCE)):
            self._came.put(topics.ALERT_HITS.decode(message))
        self._look(self._clock())
        asyncio.run(self._all_due())
        self._look_back()

    def run(self, stop: threading.Event) -> None:
        """Until it is stopped. What fails is said in the log, and done again."""
        for topic in (topics.HOTLIST, topics.ALERT_HITS):
            threading.Thread(target=self._follow, args=(topic, stop), daemon=True).start()
        asyncio.run(self._until(stop))

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _follow(self, topic: topics.Topic[Any], stop: threading.Event) -> None:
        """What comes to a topic, from its beginning where nobody would know what came before."""
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
        for message in messages:
            if (message.key or b"").startswith(_prefix(PARTNER_SOURCE)):
                self._came.put(topics.ALERT_HITS.decode(message))

    def _changed(self, messages: Any) -> None:
        ours = (_prefix(OWN_SOURCE), _prefix(PARTNER_SOURCE))
        if any((message.key or b"").startswith(ours) for message in messages):
            self._list_changed.set()

    async def _until(self, stop: threading.Event) -> None:
        telling: dict[str, asyncio.Task[None]] = {}
        seeing: asyncio.Task[None] | None = None
        while not stop.is_set():
            with _Logged("looking at lists"):
                await asyncio.to_thread(self._look, self._clock())
                for partner in await asyncio.to_thread(self._due, self._clock()):
                    if partner.name not in telling:
                        telling[partner.name] = asyncio.create_task(self._tell(partner))
                if seeing is None or seeing.done():
                    seeing = asyncio.create_task(asyncio.to_thread(self._look_back))
            await asyncio.sleep(TICK_S)
            for name in [name for name, task in telling.items() if task.done()]:
                with _Logged(f"telling {name}"):
                    telling.pop(name).result()
        for task in telling.values():
            task.cancel()

    async def _all_due(self) -> None:
        await asyncio.gather(*map(self._tell, self._due(self._clock())))

    def _look(self, now: datetime) -> None:
        """Offers follow their entries, and taken ones their agencies; hits that came are to be told."""
        version = self._file.version
        stale = self._looked_at is None or now - self._looked_at >= LOOK
        changed = self._list_changed.is_set()
        if not (changed or stale or version != self._version or not self._came.empty()):
            return
        self._list_changed.clear()
        with self._file.writing() as kept:
            sharing, intake = Sharing.now(self._door), Intake(self._door, self._told.lists)
            if changed:
                self._own = own_entries(self._door.streams)
            if changed or version != self._version:
                intake.compare(kept, entries_of(self._door.streams, PARTNER_SOURCE))
            follow(kept, self._own, sharing, now)
            intake.keep(kept, sharing, now)
            self._take_hits(kept, now)
            self._measure(kept, sharing, now)
        # Of one with which nothing is shared any more, too: it is to hear that nothing stands.
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
        self._see_again = now + EVERY  # unless it goes well
        with _Logged("looking back"):
            Intake(self._door, self._told.lists).look_back(self._file, now)
            self._see_again = now

    def _take_hits(self, kept: Lists, now: datetime) -> None:
        theirs = {one.entry.entry_id: one for one in kept.incoming.all() if one.listed}
        own = own_agency(registry.records(self._door.streams))
        while not self._came.empty():
            hit = self._came.get()
            one = theirs.get(hit.entry.entry_id)
            if one is None or own is None or hit.historical or kept.hits.get(one.agency, hit.hit_id):
                continue
            told = to_tell(hit, own.id, one.offer_id)
            kept.hits.put(
                HitToTell(
                    agency=one.agency, hit_id=hit.hit_id, entry_id=hit.entry.entry_id, hit=told, since=now
                )
            )
        for past in kept.hits.all():
            if now - past.since > KEPT:
                kept.hits.delete(past)

    def _measure(self, kept: Lists, sharing: Sharing, now: datetime) -> None:
        waiting = untold(kept)
        for name, one in sharing.agencies.items():
            if not one.own and (name in waiting or kept.last_message(name, "out")):
                meters.put(metrics.PARTNER_UNTOLD, name, to=waiting.get(name, now).timestamp())

    def _due(self, now: datetime) -> list[Partner]:
        """Those who have something to hear now, and have not failed just before."""
        with self._file.reading() as kept:
            waiting = untold(kept)
            stand = {one.agency for one in kept.offered.all() if one.stands}
            due = []
            for name in sorted(waiting.keys() | stand):
                last = kept.last_message(name, "out")
                heard_lately = last is not None and now - last < EVERY
                _failed, pause = self._again.get(name, (0, now))
                soon = name in waiting or name in self._again or not heard_lately
                if name in self._partners and pause <= now and soon:
                    due.append(self._partners[name])
        return due

    async def _tell(self, partner: Partner) -> None:
        try:
            client = Client(key_of(self._settings), self._told.bounds, self._clock)
        except RefusedError as error:
            self._failed(partner.name, error.detail)
            return
        try:
            fault = await self._messages.tell(client, partner)
        finally:
            await client.close()
        if fault:
            await asyncio.to_thread(self._failed, partner.name, fault)
        else:
            self._again.pop(partner.name, None)

    def _failed(self, name: str, fault: str) -> None:
        """It is tried again after a pause, and what it has not heard says why."""
        failed, _at = self._again.get(name, (0, None))
        pause = timedelta(seconds=PAUSES[min(failed, len(PAUSES) - 1)])
        self._again[name] = (failed + 1, self._clock() + pause)
        with self._file.writing() as kept:
            for one in kept.offered.all(name):
                if one.untold_since is not None:
                    kept.offered.put(msgspec.structs.replace(one, fault=fault))
            for hit in kept.hits.all(name):
                if hit.hit is not None:
                    kept.hits.put(msgspec.structs.replace(hit, fault=fault))


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on `port`. Raises PortTakenError."""
    serve(port)


def _prefix(source: str) -> bytes:
    return f"{source}:".encode()


class _Logged(suppress):
    """What fails inside is a line of the log, and is done again at the next turn."""

    def __init__(self, doing: str) -> None:
        super().__init__(Exception)
        self._doing = doing

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if isinstance(error, Exception):
            known = isinstance(error, DatabaseError | OSError | RefusedError)
            log.error("%s: %s", self._doing, error if known else type(error).__name__, exc_info=not known)
        return bool(super().__exit__(kind, error, trace))
