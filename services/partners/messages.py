"""What one partner is told, message by message: what stands, offers that are new or changed, and hits on what
it offered. What it said is kept; what could not be said is tried again by `telling`.
"""

import asyncio
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from connectors.clock import Clock
from connectors.partners.client import Client, Heard, Partner
from connectors.partners.lists import HitToTell, ListFile, Offered
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
from services.door import Door
from services.inquiries.gate import RefusedInquiry
from services.partners.hits_elsewhere import OLDEST
from services.partners.offering import end
from services.partners.register import own_agency
from services.partners.restoring import WITHDRAWN_SINCE
from services.partners.sharing import Sharing

ONE_BY_ONE = 20
"""Offers, and hits, that one agency is told at a time."""
BUSY, OLD = 429, 409


class Messages:
    """Of the machine, through `door`, by what `file` has."""

    def __init__(self, door: Door, file: ListFile, clock: Clock) -> None:
        self._door, self._file, self._clock = door, file, clock

    async def tell(self, client: Client, partner: Partner) -> str:
        """All that it has to hear; why that could not be, or nothing."""
        # What has ended goes first: nothing that waits holds it up.
        fault = await self._standing(client, partner) or await self._offers(client, partner)
        return fault or await self._hits(client, partner)

    async def _offers(self, client: Client, partner: Partner) -> str:
        """Offers that are new or changed; why that could not be, or nothing."""
        for one, body in await asyncio.to_thread(self._offers_to_tell, partner.name):
            heard = await client.ask(partner, OFFERS, body, uuid4(), Decided)
            if fault := _passing(heard):
                return fault
            await asyncio.to_thread(self._offer_told, one, _effect(body), heard)
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

    def _offer_told(self, one: Offered, effect: str, heard: Heard[Decided]) -> None:
        now = self._clock()
        if heard.answer is None:
            change = f"{one.agency} does not take {one.entry.entry_id}: {heard.said}"
            told = {"refused": heard.said or SAYS[heard.outcome], "decision": ""}
        else:
            change = f"{one.agency} has been offered {one.entry.entry_id}: {heard.answer.decision}"
            told = {"refused": "", "decision": heard.answer.decision}
        case = one.entry.case_number
        self._door.enter("partner_tell", one.entry.entry_id, change=change, effect=effect, case_number=case)
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
        said = heard.answer
        await asyncio.to_thread(self._standing_told, partner.name, _effect(body), named, ended, said)
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
        self, name: str, effect: str, named: list[Offered], ended: list[Offered], answer: Decisions
    ) -> None:
        now = self._clock()
        told = [(one.entry.entry_id, f"{name} has been told that it stands no more") for one in ended]
        self._door.enter_several("partner_tell", told, effects=[effect] * len(told))
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
            await asyncio.to_thread(self._hit_done, one, _effect(body), f"{partner.name} {said}")
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
            body = msgspec.json.encode(one.hit)
            if not one.recorded:
                change = f"{name} is told of a hit on {one.entry_id} by camera {camera}"
                self._door.enter("partner_tell", str(one.hit_id), change=change, effect=_effect(body))
                with self._file.writing() as kept:
                    kept.hits.put(msgspec.structs.replace(one, recorded=True))
            found.append((one, body))
        return found

    def _hit_done(self, one: HitToTell, effect: str, change: str) -> None:
        self._door.enter("partner_tell", str(one.hit_id), change=change, effect=effect)
        self._forget(one)

    def _forget(self, one: HitToTell) -> None:
        with self._file.writing() as kept:
            kept.hits.put(msgspec.structs.replace(one, hit=None, fault=""))


def _effect(body: bytes) -> str:
    """SHA-256 of a message as it was sent, which the act holds."""
    return sha256(body).hexdigest()


def _passing(heard: Heard[Any]) -> str:
    """Why it is to be tried again; empty for an answer, and for a refusal, which is one."""
    final = heard.outcome == "answered" or (heard.outcome == "refused" and heard.status not in (BUSY, OLD))
    return "" if final else _fault(heard)


def _fault(heard: Heard[Any]) -> str:
    return f"{SAYS[heard.outcome]}: {heard.said}" if heard.said else SAYS[heard.outcome]
