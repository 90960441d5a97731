"""What partners say of lists, by signed requests: an offer, what stands, a hit on an entry of ours."""

import threading
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from connectors.partners.lists import HitToTell, Incoming, Offered
from connectors.settings import Settings, open_edge
from schemas import topics
from schemas.alert_hit import AlertHit
from schemas.message import RefusedError
from schemas.partner_lists import HITS, OFFERS, Decided, Decisions, HitElsewhere, Noted, Offer, Standing
from schemas.registry import RegistryRecord
from services.door import Clients, Door, Permit, Why
from services.effects import effect_of
from services.hotlist.log import difference, documentation, entry_reason
from services.hotlist.lookback import publish_hits
from services.inquiries import gate
from services.partners.configured import configured
from services.partners.hits_elsewhere import met
from services.partners.offering import lists
from services.partners.sharing import Sharing
from services.partners.taking import Intake, check_newer

Answer = Decided | Decisions | Noted


class ListDesk:
    """Where they are taken, one after the other: each is judged, on record, and then done."""

    def __init__(self, settings: Settings, tool: str, clients: Clients) -> None:
        self._door = Door(settings, tool, f"platestream {tool}", clients, automatic=True)
        self._rules = configured(settings).lists
        self._file = lists(settings)
        self._lock = threading.Lock()

    def answer(self, agency: RegistryRecord, ident: UUID, path: str, body: bytes, now: datetime) -> Answer:
        """What `agency`, whose signature a request with the id `ident` has, is answered.

        Raises RefusedError and RefusedInquiry, either of which is on record, OldMessage, AskedBefore, what
        msgspec raises, DatabaseError and OSError.
        """
        door = replace(self._door, set_off_by=f"agency:{agency.id}"[:64])
        with self._lock:
            if path == OFFERS:
                return self._offer(door, agency, ident, msgspec.json.decode(body, type=Offer), now)
            if path == HITS:
                return self._hit(door, agency.id, msgspec.json.decode(body, type=HitElsewhere), now)
            return self._standing(door, agency.id, msgspec.json.decode(body, type=Standing), now)

    def _offer(self, door: Door, agency: RegistryRecord, ident: UUID, offer: Offer, now: datetime) -> Decided:
        intake = Intake(door, self._rules)
        with self._file.writing() as kept:
            check_newer(kept, agency.id, offer.number, now)
        with self._file.writing() as kept:
            with door.on_record("partner_told", "offer"):
                made, refusal = intake.judge(kept, agency, offer, now)
            before = kept.incoming.get(agency.id, offer.offer_id)
            self._by_their_person(door, ident, offer, made, before, refusal)
            arrived = intake.arrive(kept, made, now)
        return Decided(offer_id=arrived.offer_id, decision=arrived.decision)

    def _by_their_person(
        self, door: Door, ident: UUID, offer: Offer, made: Incoming, before: Incoming | None, refusal: str
    ) -> Permit:
        """On record as of that agency's person, and judged by the gate. Raises RefusedInquiry."""
        asker, entry = offer.asker, made.entry
        person: gate.Partner = {
            "who": asker.person,
            "partner": made.agency,
            "agency": asker.agency,
            "trained_on": asker.trained_on.isoformat(),
        }
        why: Why = {**documentation(entry), "legal_basis": asker.legal_basis}
        return door.enter_for_partner(
            "partner_offer",
            ident,
            person,
            entry.entry_id,
            change=difference(before.entry if before else None, entry),
            refusal=refusal,
            **why,
        )

    def _standing(self, door: Door, agency: str, told: Standing, now: datetime) -> Decisions:
        with door.on_record("partner_told", "standing"):
            _check_name(agency, told.agency)
        with self._file.writing() as kept:
            check_newer(kept, agency, told.number, now)
            return Decisions(offers=tuple(Intake(door, self._rules).stand(kept, agency, told, now)))

    def _hit(self, door: Door, agency: str, told: HitElsewhere, now: datetime) -> Noted:
        with door.on_record("partner_told", str(told.read.detection_id)):
            _check_name(agency, told.agency)
            Sharing.now(door).check(agency, now)
            with self._file.reading() as kept:
                offered = kept.offered.get(agency, told.offer_id)
            if offered is None or not offered.stands:
                raise RefusedError("partners", "no entry is offered to you under this id, or not any more")
            hit = met(told, agency, offered.entry, now)
        with self._file.writing() as kept:
            if kept.hits.get(agency, hit.hit_id) is None:
                permit = self._note(door, agency, hit, offered)
                self._publish(permit, door, hit)
                done = HitToTell(
                    agency=agency, hit_id=hit.hit_id, entry_id=hit.entry.entry_id, hit=None, since=now
                )
                kept.hits.put(done)
        return Noted()

    def _note(self, door: Door, agency: str, hit: AlertHit, offered: Offered) -> Permit:
        entry = offered.entry
        return door.enter(
            "partner_told",
            str(hit.hit_id),
            change=f"{agency} saw {entry.entry_id} by its camera {hit.detection.camera_id}",
            effect=effect_of(topics.ALERT_HITS, hit),
            case_number=entry.case_number,
            reason=entry_reason(entry),
        )

    def _publish(self, _permit: Permit, door: Door, hit: AlertHit) -> None:
        """As the match flow and look-backs do it: it is told, shown and kept like any other."""
        edge = open_edge(door.settings, follow=False)
        try:
            publish_hits(edge, [hit])
        finally:
            cast(Any, edge.tables).close()


def _check_name(signed: str, said: str) -> None:
    """Raises RefusedError for a body that names another agency than the one that signed it."""
    if signed != said:
        raise RefusedError("partners", "the body names another agency than the one that signed it")
