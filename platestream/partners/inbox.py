"""Receiver of partners' signed messages about lists: an offer, the current offers, and a hit on our entry."""

import threading
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec

from platestream.access import inquire
from platestream.access.door import Clients, Documentation, Door, Permit
from platestream.access.effects import effect_of
from platestream.hotlist.change_log import difference, documentation, entry_reason
from platestream.hotlist.lookback import publish_hits
from platestream.partners.config import read_config
from platestream.partners.list_store import IncomingOffer, OutgoingOffer, PendingHit
from platestream.partners.offers import lists
from platestream.partners.received_offers import OfferInbox, check_newer
from platestream.partners.remote_hits import receive_hit
from platestream.partners.sharing import Sharing
from platestream.schemas import topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.message import RefusedError
from platestream.schemas.partner_lists import (
    HITS,
    OFFERS,
    CurrentOffers,
    HitReceipt,
    Offer,
    OfferDecision,
    OfferDecisions,
    RemoteHit,
)
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings

Answer = OfferDecision | OfferDecisions | HitReceipt


class ListServer:
    """Receiver of the messages, one after the other: each is judged, logged, and then carried out."""

    def __init__(self, settings: Settings, tool: str, clients: Clients) -> None:
        self._door = Door(settings, tool, f"platestream {tool}", clients, automatic=True)
        self._rules = read_config(settings).lists
        self._file = lists(settings)
        self._lock = threading.Lock()

    def answer(self, agency: RegistryRecord, ident: UUID, path: str, body: bytes, now: datetime) -> Answer:
        """Answer a message of `agency`, signed with the id `ident`.

        Raises RefusedError and RefusedInquiry, which are logged, OldMessage, AskedBefore, the errors of
        msgspec, DatabaseError and OSError.
        """
        door = replace(self._door, set_off_by=f"agency:{agency.id}"[:64])
        with self._lock:
            if path == OFFERS:
                return self._offer(door, agency, ident, msgspec.json.decode(body, type=Offer), now)
            if path == HITS:
                return self._hit(door, agency.id, msgspec.json.decode(body, type=RemoteHit), now)
            return self._standing(door, agency.id, msgspec.json.decode(body, type=CurrentOffers), now)

    def _offer(
        self, door: Door, agency: RegistryRecord, ident: UUID, offer: Offer, now: datetime
    ) -> OfferDecision:
        intake = OfferInbox(door, self._rules)
        with self._file.writing() as tables:
            check_newer(tables, agency.id, offer.number, now)
        with self._file.writing() as tables:
            with door.log_refusal("partner_told", "offer"):
                made, refusal = intake.judge(tables, agency, offer, now)
            before = tables.incoming.get(agency.id, offer.offer_id)
            self._by_their_person(door, ident, offer, made, before, refusal)
            arrived = intake.store(tables, made, now)
        return OfferDecision(offer_id=arrived.offer_id, decision=arrived.decision)

    def _by_their_person(
        self,
        door: Door,
        ident: UUID,
        offer: Offer,
        made: IncomingOffer,
        before: IncomingOffer | None,
        refusal: str,
    ) -> Permit:
        """Log the offer as an act of that agency's person, judged by the gate. Raises RefusedInquiry."""
        asker, entry = offer.asker, made.entry
        person: inquire.Partner = {
            "who": asker.person,
            "partner": made.agency,
            "agency": asker.agency,
            "trained_on": asker.trained_on.isoformat(),
        }
        why: Documentation = {**documentation(entry), "legal_basis": asker.legal_basis}
        return door.enter_for_partner(
            "partner_offer",
            ident,
            person,
            entry.entry_id,
            change=difference(before.entry if before else None, entry),
            refusal=refusal,
            **why,
        )

    def _standing(self, door: Door, agency: str, current: CurrentOffers, now: datetime) -> OfferDecisions:
        with door.log_refusal("partner_told", "standing"):
            _check_name(agency, current.agency)
        with self._file.writing() as tables:
            check_newer(tables, agency, current.number, now)
            return OfferDecisions(
                offers=tuple(OfferInbox(door, self._rules).update_current(tables, agency, current, now))
            )

    def _hit(self, door: Door, agency: str, report: RemoteHit, now: datetime) -> HitReceipt:
        with door.log_refusal("partner_told", str(report.read.detection_id)):
            _check_name(agency, report.agency)
            Sharing.now(door).check(agency, now)
            with self._file.reading() as tables:
                offered = tables.offered.get(agency, report.offer_id)
            if offered is None or not offered.stands:
                raise RefusedError("partners", "no entry is offered to you under this id, or not any more")
            hit = receive_hit(report, agency, offered.entry, now)
        with self._file.writing() as tables:
            if tables.hits.get(agency, hit.hit_id) is None:
                self._note(door, agency, hit, offered)
                publish_hits(door.streams, door.settings, [hit])  # notified and shown like any other
                done = PendingHit(
                    agency=agency, hit_id=hit.hit_id, entry_id=hit.entry.entry_id, hit=None, since=now
                )
                tables.hits.put(done)
        return HitReceipt()

    def _note(self, door: Door, agency: str, hit: AlertHit, offered: OutgoingOffer) -> None:
        entry = offered.entry
        door.enter(
            "partner_told",
            str(hit.hit_id),
            change=f"{agency} saw {entry.entry_id} by its camera {hit.detection.camera_id}",
            effect=effect_of(topics.ALERT_HITS, hit),
            case_number=entry.case_number,
            reason=entry_reason(entry),
        )


def _check_name(signed: str, named: str) -> None:
    """Raise RefusedError for a body that names another agency than the one that signed it."""
    if signed != named:
        raise RefusedError("partners", "the body names another agency than the one that signed it")
