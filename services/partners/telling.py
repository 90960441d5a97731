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
from uuid import uuid4

import msgspec

from connectors.clickhouse_client import DatabaseError
from connectors.clock import Clock, utc_now
from connectors.metrics import meters, serve
from connectors.partners.client import Client, Heard, Partner
from connectors.partners.lists import HitToTell, Lists, Offered
from connectors.settings import Settings, open_topics
from schemas import metrics, topics
from schemas.alert_hit import AlertHit
from schemas.hotlist import OWN_SOURCE, PARTNER_SOURCE, HotListEntry
from schemas.message import RefusedError
from schemas.partner import SAYS
from schemas.partner_lists import (
    HITS,
    OFFERS,
    STANDING,
    Decided,
    Decisions,
    Noted,
    Offer,
    Standing,
    offered,
)
from services import registry
from services.door import Clients, Door
from services.hotlist.importing import entries_of, own_entries
from services.inquiries.gate import RefusedInquiry
from services.partners.asking import key_of
from services.partners.configured import configured
from services.partners.hits_elsewhere import OLDEST, to_tell
from services.partners.offering import end, follow, lists, untold
from services.partners.register import own_agency, public_keys
from services.partners.restoring import WITHDRAWN_SINCE
from services.partners.sharing import Sharing
from services.partners.taking import Intake

EVERY = timedelta(seconds=60)
"""How often an agency hears what stands, also where nothing has changed."""
LOOK = timedelta(seconds=5)
"""How often the registry and the leases are looked at, also where nothing has changed."""
PAUSES = (1, 2, 4, 8)
"""Seconds until an agency that could not be told is tried again."""
ONE_BY_ONE = 20
"""Offers, and hits, that one agency is told at a time."""
KEPT = timedelta(days=8)
"""How long it is known that a hit was told: longer than the topic keeps it."""
TICK_S = 0.5
BUSY, OLD = 429, 409
log = logging.getLogger(__name__)


class Teller:
    """One at a time for a data folder. `turn` does what is due now; `run` goes on until it is stopped."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings, self._clock = settings, clock
        self._told = configured(settings)
        self._clients = Clients(settings, automatic=True)
        self._door = Door(settings, "partners", "platestream partners", self._clients, automatic=True)
        self._file = lists(settings)
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
            # What has ended goes first: nothing that waits holds it up.
            fault = await self._standing(client, partner) or await self._offers(client, partner)
            fault = fault or await self._hits(client, partner)
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

    async def _offers(self, client: Client, partner: Partner) -> str:
        """Offers that are new or changed; why that could not be, or nothing."""
        for one, body in await asyncio.to_thread(self._offers_to_tell, partner.name):
            heard = await client.ask(partner, OFFERS, body, uuid4(), Decided)
            if fault := _passing(heard):
                return fault
            await asyncio.to_thread(self._offer_told, one, heard)
        return ""

    def _offers_to_tell(self, name: str) -> list[tuple[Offered, bytes]]:
        now = self._clock()
        with self._file.writing() as kept:
            waiting = [
                one
                for one in kept.offered.all(name)
                if one.stands and one.untold_since is not None and not one.restored
            ]
            return [
                (
                    one,
                    msgspec.json.encode(
                        Offer(
                            asker=one.by,
                            number=kept.next_number(name, now),
                            offer_id=one.offer_id,
                            entry=offered(one.entry),
                        )
                    ),
                )
                for one in waiting[:ONE_BY_ONE]
            ]

    def _offer_told(self, one: Offered, heard: Heard[Decided]) -> None:
        now = self._clock()
        if heard.answer is None:
            change = f"{one.agency} does not take {one.entry.entry_id}: {heard.said}"
            told = {"refused": heard.said or SAYS[heard.outcome], "decision": ""}
        else:
            change = f"{one.agency} has been offered {one.entry.entry_id}: {heard.answer.decision}"
            told = {"refused": "", "decision": heard.answer.decision}
        self._door.enter("partner_tell", one.entry.entry_id, change=change, case_number=one.entry.case_number)
        with self._file.writing() as kept:
            current = kept.offered.get(one.agency, one.offer_id)
            if current is not None and current.stands and current.entry == one.entry:
                kept.offered.put(
                    msgspec.structs.replace(current, untold_since=None, fault="", told_at=now, **told)
                )

    async def _standing(self, client: Client, partner: Partner) -> str:
        """What stands of all that it was offered: what is not in it has ended."""
        body, named, ended = await asyncio.to_thread(self._standing_to_tell, partner.name)
        if not body:
            return ""
        heard = await client.ask(partner, STANDING, body, uuid4(), Decisions)
        if heard.answer is None:
            return _fault(heard)
        await asyncio.to_thread(self._standing_told, partner.name, named, ended, heard.answer)
        return ""

    def _standing_to_tell(self, name: str) -> tuple[bytes, list[Offered], list[Offered]]:
        """Where more is offered than was told yet, or it was refused, it is not named: it is not there. What
        a backup had is named: its agency says whether it still has it. No body where nothing was offered at
        all.
        """
        now = self._clock()
        with self._file.writing() as kept:
            all_of_it = kept.offered.all(name)
            if not all_of_it:
                return b"", [], []
            named = [one for one in all_of_it if one.stands and (one.decision or one.restored)]
            ended = [one for one in all_of_it if not one.stands and one.untold_since is not None]
            own = own_agency(registry.records(self._door.streams))
            told = Standing(
                agency=own.id if own else "nobody",
                number=kept.next_number(name, now),
                offers=tuple(one.offer_id for one in named),
            )
        return msgspec.json.encode(told), named, ended

    def _standing_told(
        self, name: str, named: list[Offered], ended: list[Offered], answer: Decisions
    ) -> None:
        now = self._clock()
        told = [(one.entry.entry_id, f"{name} has been told that it stands no more") for one in ended]
        self._door.enter_several("partner_tell", told)
        said = {one.offer_id: one.decision for one in answer.offers}
        with self._file.writing() as kept:
            for one in ended:
                current = kept.offered.get(name, one.offer_id)
                if current is not None:
                    kept.offered.put(
                        msgspec.structs.replace(current, untold_since=None, told_at=now, decision="")
                    )
            for one in named:
                current = kept.offered.get(name, one.offer_id)
                if current is None or not current.stands:
                    continue
                if one.offer_id in said:
                    kept.offered.put(
                        msgspec.structs.replace(
                            current, decision=said[one.offer_id], told_at=now, restored=False
                        )
                    )
                elif current.restored:  # withdrawn since the backup, as far as anybody knows: never anew
                    gone = end(kept, current, WITHDRAWN_SINCE, now)
                    kept.offered.put(
                        msgspec.structs.replace(gone, untold_since=None, decision="", told_at=now)
                    )
                else:  # it has forgotten the offer: it is offered again
                    kept.offered.put(msgspec.structs.replace(current, decision="", untold_since=now))

    async def _hits(self, client: Client, partner: Partner) -> str:
        """Hits on what it offered."""
        for one, body in await asyncio.to_thread(self._hits_to_tell, partner.name):
            heard = await client.ask(partner, HITS, body, uuid4(), Noted)
            if fault := _passing(heard):
                return fault
            said = "has noted it" if heard.answer is not None else f"refused it: {heard.said}"
            await asyncio.to_thread(self._hit_done, one, f"{partner.name} {said}")
        return ""

    def _hits_to_tell(self, name: str) -> list[tuple[HitToTell, bytes]]:
        """Each is on record before it goes out; what may not, or is too old, is on record as refused."""
        now, sharing = self._clock(), Sharing.now(self._door)
        with self._file.reading() as kept:
            waiting = [one for one in kept.hits.all(name) if one.hit is not None][:ONE_BY_ONE]
        found = []
        for one in waiting:
            assert one.hit is not None
            camera = one.hit.read.camera_id
            against = sharing.against(name, now)
            if not against and not sharing.shows(name, camera):
                against = "the MOU with it does not share this camera (I.2)"
            if not against and now - one.hit.read.captured_at > OLDEST:
                against = f"it could not be told for an hour: {one.fault or 'nothing here told it'}"
            if against:
                with suppress(RefusedInquiry):
                    self._door.enter("partner_tell", str(one.hit_id), refusal=f"{name}: {against}")
                self._forget(one)
                continue
            if not one.recorded:
                change = f"{name} is told of a hit on {one.entry_id} by camera {camera}"
                self._door.enter("partner_tell", str(one.hit_id), change=change)
                with self._file.writing() as kept:
                    kept.hits.put(msgspec.structs.replace(one, recorded=True))
            found.append((one, msgspec.json.encode(one.hit)))
        return found

    def _hit_done(self, one: HitToTell, change: str) -> None:
        self._door.enter("partner_tell", str(one.hit_id), change=change)
        self._forget(one)

    def _forget(self, one: HitToTell) -> None:
        with self._file.writing() as kept:
            kept.hits.put(msgspec.structs.replace(one, hit=None, fault=""))


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on `port`. Raises PortTakenError."""
    serve(port)


def _prefix(source: str) -> bytes:
    return f"{source}:".encode()


def _passing(heard: Heard[Any]) -> str:
    """Why it is to be tried again; empty for an answer, and for a refusal, which is one."""
    final = heard.outcome == "answered" or (heard.outcome == "refused" and heard.status not in (BUSY, OLD))
    return "" if final else _fault(heard)


def _fault(heard: Heard[Any]) -> str:
    return f"{SAYS[heard.outcome]}: {heard.said}" if heard.said else SAYS[heard.outcome]


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
