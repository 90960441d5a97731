"""Another agency to which entries are offered, by what the document says, not by our code."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from platestream.access.door import Door
from platestream.partners import offers as offering
from platestream.partners.config import read_config
from platestream.partners.received_offers import OfferInbox
from platestream.partners.server import Response, VerifiedRequest
from platestream.partners.signing import JSON, PROBLEM
from platestream.runtime.clock import utc_now
from platestream.schemas.partner_lists import HITS, OFFERS, Offer, OfferedEntry
from tests.support.clock import NOW
from tests.support.partners import COUNTYS, DAY, agency, asker


class ListKeeper:
    """Answers for a `Canned` partner: keeps what it is offered, and forgets what is not said to stand.

    While `down` it answers 503, and a test may set what it `refuses` with, and decisions by offer.
    """

    def __init__(self) -> None:
        self.offers: dict[str, Any] = {}
        self.decisions: dict[str, str] = {}
        self.hits: list[Any] = []
        self.paths: list[str] = []
        self.digests: list[str] = []
        self.numbers: list[int] = []
        self.down = False
        self.refuses = ""

    def answer(self, asking: VerifiedRequest, path: str, body: bytes) -> Response:
        assert asking.agency.own is False
        self.paths.append(path.rpartition("/")[2])
        self.digests.append(sha256(body).hexdigest())
        if self.down:
            return Response(503, PROBLEM, b'{"detail":"not now"}')
        result = msgspec.json.decode(body)
        if path == HITS:
            self.hits.append(result)
            return Response(200, JSON, b"{}")
        self.numbers.append(result["number"])
        if path == OFFERS:
            if self.refuses:
                return Response(403, PROBLEM, msgspec.json.encode({"detail": self.refuses}))
            self.offers[result["offer_id"]] = result
            return Response(200, JSON, msgspec.json.encode(self._decided(result["offer_id"])))
        self.offers = {one: offer for one, offer in self.offers.items() if one in result["offers"]}
        known = [self._decided(one) for one in result["offers"] if one in self.offers]
        return Response(200, JSON, msgspec.json.encode({"offers": known}))

    @property
    def plates(self) -> list[str]:
        """Those that are offered now."""
        return [offer["entry"]["plate"] for offer in self.offers.values()]

    def _decided(self, one: str) -> dict[str, str]:
        return {"offer_id": one, "decision": self.decisions.get(one, "waiting")}


def offer_waits(door: Door, offer: UUID, **changes: Any) -> str:
    """The county offers an entry, which waits for somebody to decide; under which id it is listed here."""
    entry = OfferedEntry(
        **{
            **{"category": "stolen_vehicle", "plate": "ABC1234", "case_number": "26-77", "reason": "Stolen"},
            **{"requested_by": "Dep. Nez", "contact": "928-555-0101", "instructions": "P/C for arrest"},
            **{"expires_at": NOW + 9 * DAY, **changes},
        }
    )
    intake = OfferInbox(door, read_config(door.settings).lists)
    with offering.lists(door.settings).writing() as kept:
        told_by = agency("county", COUNTYS)
        made, refusal = intake.judge(
            kept, told_by, Offer(asker=asker(), number=1, offer_id=offer, entry=entry), utc_now()
        )
        assert refusal == ""
        kept.incoming.put(made)
    return made.entry.entry_id


def short(offer: UUID) -> str:
    """Under which an offer of the county is listed here."""
    return f"partner:county/{offer.hex[:12]}"
