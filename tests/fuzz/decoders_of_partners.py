"""Decoders of requests and answers between agencies, as functions of bytes."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from platestream.access.signing_keys import OwnKey
from platestream.edges.files import FileTopics
from platestream.partners import exchange, received_offers, register, remote_hits
from platestream.partners import inbox as receiving
from platestream.partners import transport as partner_client
from platestream.partners.http_server import application as partner_application
from platestream.partners.server import PartnerServer
from platestream.partners.signing import JSON, PROBLEM, Answer, sign_answer, sign_request, verify_request
from platestream.partners.signing import Request as SignedRequest
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.partner import INQUIRIES, PICTURES, Pictures, Reads
from platestream.schemas.partner_lists import (
    CURRENT_OFFERS,
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
from platestream.schemas.topics import REGISTRY
from platestream.settings import Settings
from tests.fuzz.decoders import NOW
from tests.fuzz.doors import Door
from tests.fuzz.watch import Decode
from tests.support.partners import ADDRESS, COUNTYS, OURS, agency

# Partners: their clock is told, and what an agency has is told to it, so that no database is asked.

REQUEST_ID = UUID(int=1)
PATHS = (INQUIRIES, PICTURES, OFFERS, CURRENT_OFFERS, HITS)
ANSWERS: tuple[type[Reads | Pictures | OfferDecision | OfferDecisions | HitReceipt], ...] = (
    *(Reads, Pictures, OfferDecision, OfferDecisions, HitReceipt),
)
COUNTY = agency("county", COUNTYS)
PARTNER = partner_client.Partner("county", ADDRESS, {COUNTYS.fingerprint: COUNTYS.key.public_key()})
LISTED = HotListEntry(
    entry_id="sjpd:26-1", source="sjpd", category="stolen_vehicle", plate="ABC1234", case_number="26-1",
    reason="Stolen", requested_by="Ofc. Vale", contact="555-0114", instructions="P/C for arrest",
    expires_at=NOW + timedelta(days=9), listed_at=NOW - timedelta(days=1),
)  # fmt: skip


class PartnerLists(receiving.ListServer):
    """What is read of a body, and what an entry or a hit would be made of it: without gate and database."""

    def _offer(
        self, _door: Any, told_by: RegistryRecord, _ident: UUID, offer: Offer, _now: datetime
    ) -> OfferDecision:
        received_offers.as_listed(told_by, offer)
        return OfferDecision(offer_id=offer.offer_id, decision="waiting")

    def _standing(self, _door: Any, told_by: str, result: CurrentOffers, _now: datetime) -> OfferDecisions:
        receiving._check_name(told_by, result.agency)
        return OfferDecisions(
            offers=tuple(OfferDecision(offer_id=one, decision="taken") for one in result.offers)
        )

    def _hit(self, _door: Any, told_by: str, result: RemoteHit, now: datetime) -> HitReceipt:
        receiving._check_name(told_by, result.agency)
        remote_hits.receive_hit(result, told_by, LISTED, now)
        return HitReceipt()


class PartnerDesk(PartnerServer):
    """Of an agency that knows the county; what its tables would find is nothing."""

    def __init__(self, folder: Path) -> None:
        streams = FileTopics(folder, follow=False)
        streams.append(REGISTRY, [REGISTRY.encode(COUNTY)])
        settings = Settings(data=folder)
        with register.own_key_store(settings)._file.writing() as kept:
            kept[OURS.fingerprint] = OURS
        super().__init__(settings, 1_000_000_000, lambda: NOW)
        self._lists = PartnerLists(settings, "partners", self._clients)

    def identify(self, request: SignedRequest, body: bytes) -> Any:
        self._seen.clear()  # else the same request counts once
        self._asked.clear()
        return super().identify(request, body)

    def _run_search(self, *_told: Any) -> list[Any]:
        return []


def partner_http(folder: Path) -> Decode:
    """The server for partners: a raw request."""
    return Door(partner_application(PartnerDesk(folder), ADDRESS), "https")


def partner_body(folder: Path) -> Decode:
    """The same, where the body is signed as the county does it; its first byte says of which path."""
    door = partner_http(folder)

    def decode(data: bytes) -> None:
        path, body = PATHS[data[0] % len(PATHS) if data else 0], data[1:]
        result = sign_request(COUNTYS, ADDRESS + path, body, REQUEST_ID, NOW).headers
        lines = [f"POST {path} HTTP/1.1", "host: a", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in result.items()]
        door("\r\n".join([*lines, "", ""]).encode() + body)

    return decode


def _http_headers(head: bytes) -> httpx.Headers:
    """As they come by HTTP: also the same name again."""
    result = (line.partition(b":") for line in head.split(b"\n"))
    return httpx.Headers([(name.strip(), value.strip()) for name, _colon, value in result])


def partner_signature(data: bytes) -> None:
    """Headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    request = SignedRequest("POST", ADDRESS + OFFERS, _http_headers(head))
    verify_request(request, body, PARTNER.keys, NOW)


def partner_request(key: OwnKey = OURS, path: str = OFFERS, body: bytes = b"{}") -> SignedRequest:
    return sign_request(key, ADDRESS + path, body, REQUEST_ID, NOW)


def _heard(result: Answer, body: bytes, kind: type[Any]) -> None:
    def kept(_by: str) -> SignedExchange:
        return exchange.record_exchange("county", OURS, b"{}", COUNTYS.key.public_key(), result, body, NOW)

    partner_client._check_answer(PARTNER, result, body, NOW, kind, kept)


def partner_answer(data: bytes) -> None:
    """What a partner answers: its status, headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    status, _line, lines = head.partition(b"\n")
    code = int(status) if status.isdigit() and len(status) == 3 else 200
    _heard(Answer(code, partner_request(), _http_headers(lines)), body, OfferDecision)


def partner_answer_body(data: bytes) -> None:
    """A body that is signed, of which the first byte says what was asked, and whether it is a refusal."""
    first, body = data[0] if data else 0, data[1:]
    status, kind = (403, PROBLEM) if first & 8 else (200, JSON)
    request = partner_request()
    result = Answer(status, request, sign_answer(COUNTYS, request, status, kind, body, NOW))
    _heard(result, body, ANSWERS[(first & 7) % len(ANSWERS)])
