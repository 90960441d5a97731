"""Another agency to which entries are offered, by what the document says, not by our code."""

from typing import Any
from uuid import UUID

import msgspec

from connectors.partners.signing import JSON, PROBLEM
from schemas.partner_lists import HITS, OFFERS
from services.partners.answering import Asking, Said


class ListKeeper:
    """Answers for a `Canned` partner: keeps what it is offered, and forgets what is not said to stand.

    While `down` it answers 503, and a test may set what it `refuses` with, and decisions by offer.
    """

    def __init__(self) -> None:
        self.offers: dict[str, Any] = {}
        self.decisions: dict[str, str] = {}
        self.hits: list[Any] = []
        self.paths: list[str] = []
        self.numbers: list[int] = []
        self.down = False
        self.refuses = ""

    def answer(self, asking: Asking, path: str, body: bytes) -> Said:
        assert asking.agency.own is False
        self.paths.append(path.rpartition("/")[2])
        if self.down:
            return Said(503, PROBLEM, b'{"detail":"not now"}')
        told = msgspec.json.decode(body)
        if path == HITS:
            self.hits.append(told)
            return Said(200, JSON, b"{}")
        self.numbers.append(told["number"])
        if path == OFFERS:
            if self.refuses:
                return Said(403, PROBLEM, msgspec.json.encode({"detail": self.refuses}))
            self.offers[told["offer_id"]] = told
            return Said(200, JSON, msgspec.json.encode(self._decided(told["offer_id"])))
        self.offers = {one: offer for one, offer in self.offers.items() if one in told["offers"]}
        known = [self._decided(one) for one in told["offers"] if one in self.offers]
        return Said(200, JSON, msgspec.json.encode({"offers": known}))

    @property
    def plates(self) -> list[str]:
        """Those that are offered now."""
        return [offer["entry"]["plate"] for offer in self.offers.values()]

    def _decided(self, one: str) -> dict[str, str]:
        return {"offer_id": one, "decision": self.decisions.get(one, "waiting")}


def short(offer: UUID) -> str:
    """Under which an offer of the county is listed here."""
    return f"partner:county/{offer.hex[:12]}"
