"""Messages to one partner: current offers, new or changed offers, and hits on the partner's own offers.

Answers are stored. A message that fails is sent again by `telling`.
"""

import asyncio
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from platestream.access import registry
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.partners.list_store import ListFile, OutgoingOffer, PendingHit
from platestream.partners.offers import end
from platestream.partners.register import own_agency
from platestream.partners.remote_hits import OLDEST
from platestream.partners.restored_offers import WITHDRAWN_SINCE
from platestream.partners.sharing import Sharing
from platestream.partners.transport import Client, Partner, PartnerResult
from platestream.runtime.clock import Clock
from platestream.schemas.partner import OUTCOME_TEXTS
from platestream.schemas.partner_lists import (
    CURRENT_OFFERS,
    HITS,
    OFFERS,
    CurrentOffers,
    HitReceipt,
    Offer,
    OfferDecision,
    OfferDecisions,
    offered_fields,
)

ONE_BY_ONE = 20
"""Most offers, and most hits, that are sent to one agency at a time."""
BUSY, OLD = 429, 409


class Messages:
    """Sender of messages to partners, for a system job's `door` and the state in `file`."""

    def __init__(self, door: Door, file: ListFile, clock: Clock) -> None:
        self._door, self._file, self._clock = door, file, clock

    async def send_due(self, client: Client, partner: Partner) -> str:
        """Send everything that is due; return the reason of a failure, or nothing."""
        # Ended offers are sent first, so that nothing delays them.
        fault = await self._send_current(client, partner) or await self._offers(client, partner)
        return fault or await self._hits(client, partner)

    async def _offers(self, client: Client, partner: Partner) -> str:
        """Send new and changed offers; return the reason of a failure, or nothing."""
        for one, body in await asyncio.to_thread(self._pending_offers, partner.name):
            heard = await client.ask(partner, OFFERS, body, uuid4(), OfferDecision)
            if fault := _transient_fault(heard):
                return fault
            await asyncio.to_thread(self._note_offer_sent, one, _effect(body), heard)
        return ""

    def _pending_offers(self, name: str) -> list[tuple[OutgoingOffer, bytes]]:
        now = self._clock()
        with self._file.writing() as tables:
            waiting = [
                one
                for one in tables.offered.all(name)
                if one.stands and one.untold_since is not None and not one.restored
            ]
            return [
                (
                    one,
                    msgspec.json.encode(
                        Offer(
                            asker=one.by,
                            number=tables.next_number(name, now),
                            offer_id=one.offer_id,
                            entry=offered_fields(one.entry),
                        )
                    ),
                )
                for one in waiting[:ONE_BY_ONE]
            ]

    def _note_offer_sent(self, one: OutgoingOffer, effect: str, heard: PartnerResult[OfferDecision]) -> None:
        now = self._clock()
        if heard.answer is None:
            change = f"{one.agency} does not take {one.entry.entry_id}: {heard.text}"
            answer = {"refused": heard.text or OUTCOME_TEXTS[heard.outcome], "decision": ""}
        else:
            change = f"{one.agency} has been offered {one.entry.entry_id}: {heard.answer.decision}"
            answer = {"refused": "", "decision": heard.answer.decision}
        case = one.entry.case_number
        self._door.enter("partner_tell", one.entry.entry_id, change=change, effect=effect, case_number=case)
        with self._file.writing() as tables:
            current = tables.offered.get(one.agency, one.offer_id)
            if current is not None and current.stands and current.entry == one.entry:
                tables.offered.put(
                    msgspec.structs.replace(current, untold_since=None, fault="", told_at=now, **answer)
                )

    async def _send_current(self, client: Client, partner: Partner) -> str:
        """Send the list of current offers, by which the partner learns which ones have ended."""
        body, named, ended = await asyncio.to_thread(self._pending_current, partner.name)
        if not body:
            return ""
        heard = await client.ask(partner, CURRENT_OFFERS, body, uuid4(), OfferDecisions)
        if heard.answer is None:
            return _fault(heard)
        answer = heard.answer
        await asyncio.to_thread(self._note_current_sent, partner.name, _effect(body), named, ended, answer)
        return ""

    def _pending_current(self, name: str) -> tuple[bytes, list[OutgoingOffer], list[OutgoingOffer]]:
        """Return the body, its offers, and the ended ones. Offers that were not sent yet, or were refused,
        are not in it, because the partner does not have them. Offers from a backup are in it: the partner's
        answer says whether it still has them. The body is empty where nothing was ever offered.
        """
        now = self._clock()
        with self._file.writing() as tables:
            all_of_it = tables.offered.all(name)
            if not all_of_it:
                return b"", [], []
            named = [one for one in all_of_it if one.stands and (one.decision or one.restored)]
            ended = [one for one in all_of_it if not one.stands and one.untold_since is not None]
            own = own_agency(registry.records(self._door.streams))
            current = CurrentOffers(
                agency=own.id if own else "nobody",
                number=tables.next_number(name, now),
                offers=tuple(one.offer_id for one in named),
            )
        return msgspec.json.encode(current), named, ended

    def _note_current_sent(
        self,
        name: str,
        effect: str,
        named: list[OutgoingOffer],
        ended: list[OutgoingOffer],
        answer: OfferDecisions,
    ) -> None:
        now = self._clock()
        changes = [(one.entry.entry_id, f"{name} was informed that it is no longer listed") for one in ended]
        self._door.enter_several("partner_tell", changes, effects=[effect] * len(changes))
        decisions = {one.offer_id: one.decision for one in answer.offers}
        with self._file.writing() as tables:
            for one in ended:
                current = tables.offered.get(name, one.offer_id)
                if current is not None:
                    tables.offered.put(
                        msgspec.structs.replace(current, untold_since=None, told_at=now, decision="")
                    )
            for one in named:
                current = tables.offered.get(name, one.offer_id)
                if current is None or not current.stands:
                    continue
                if one.offer_id in decisions:
                    tables.offered.put(
                        msgspec.structs.replace(
                            current, decision=decisions[one.offer_id], told_at=now, restored=False
                        )
                    )
                elif current.restored:  # perhaps withdrawn since the backup, so never offered again
                    gone = end(tables, current, WITHDRAWN_SINCE, now)
                    tables.offered.put(
                        msgspec.structs.replace(gone, untold_since=None, decision="", told_at=now)
                    )
                else:  # the partner lost the offer, so it is offered again
                    tables.offered.put(msgspec.structs.replace(current, decision="", untold_since=now))

    async def _hits(self, client: Client, partner: Partner) -> str:
        """Send hits on the partner's offers."""
        for one, body in await asyncio.to_thread(self._pending_hits, partner.name):
            heard = await client.ask(partner, HITS, body, uuid4(), HitReceipt)
            if fault := _transient_fault(heard):
                return fault
            outcome = "has noted it" if heard.answer is not None else f"refused it: {heard.text}"
            await asyncio.to_thread(self._hit_done, one, _effect(body), f"{partner.name} {outcome}")
        return ""

    def _pending_hits(self, name: str) -> list[tuple[PendingHit, bytes]]:
        """Return the hits to send, each logged before it is sent; a hit that may not be sent, or is too old,
        is logged as refused.
        """
        now, sharing = self._clock(), Sharing.now(self._door)
        with self._file.reading() as tables:
            waiting = [one for one in tables.hits.all(name) if one.hit is not None][:ONE_BY_ONE]
        found = []
        for one in waiting:
            assert one.hit is not None
            camera = one.hit.read.camera_id
            against = sharing.objection(name, now)
            if not against and not sharing.shows(name, camera):
                against = "the MOU with it does not share this camera (I.2)"
            if not against and now - one.hit.read.captured_at > OLDEST:
                against = f"it could not be notified for an hour: {one.fault or 'nothing here sent it'}"
            if against:
                with suppress(RefusedInquiry):
                    self._door.enter("partner_tell", str(one.hit_id), refusal=f"{name}: {against}")
                self._forget(one)
                continue
            body = msgspec.json.encode(one.hit)
            if not one.recorded:
                change = f"{name} is notified of a hit on {one.entry_id} by camera {camera}"
                self._door.enter("partner_tell", str(one.hit_id), change=change, effect=_effect(body))
                with self._file.writing() as tables:
                    tables.hits.put(msgspec.structs.replace(one, recorded=True))
            found.append((one, body))
        return found

    def _hit_done(self, one: PendingHit, effect: str, change: str) -> None:
        self._door.enter("partner_tell", str(one.hit_id), change=change, effect=effect)
        self._forget(one)

    def _forget(self, one: PendingHit) -> None:
        with self._file.writing() as tables:
            tables.hits.put(msgspec.structs.replace(one, hit=None, fault=""))


def _effect(body: bytes) -> str:
    """Return the SHA-256 of a message as sent, which the act holds."""
    return sha256(body).hexdigest()


def _transient_fault(heard: PartnerResult[Any]) -> str:
    """Return why a message is to be sent again; empty for an answer, and for a refusal, which is final."""
    final = heard.outcome == "answered" or (heard.outcome == "refused" and heard.status not in (BUSY, OLD))
    return "" if final else _fault(heard)


def _fault(heard: PartnerResult[Any]) -> str:
    return f"{OUTCOME_TEXTS[heard.outcome]}: {heard.text}" if heard.text else OUTCOME_TEXTS[heard.outcome]
