"""Pairs of plate and entry that an officer compared with the vehicle and found wrong.

The newest comparison of a pair decides, whichever hit it was made on: a later confirmation ends the disproof.
A pair is named by a hash, so that it is looked up without a plate.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import md5
from typing import NamedTuple
from uuid import UUID

from platestream.schemas import plates
from platestream.schemas.alert_hit import AlertHit

REASONS: Mapping[str, str] = {
    "misread": "the vehicle had another plate",
    "wrong_state": "the plate was of another state",
}


class Disproof(NamedTuple):
    """The newest comparison of a pair, which found it wrong: `kind` is of REASONS, `hit_id` the hit."""

    kind: str
    by: str
    at: datetime
    hit_id: UUID

    @property
    def reason(self) -> str:
        """The finding in words."""
        return REASONS[self.kind]


Disproofs = Mapping[str, Disproof]
"""Disproofs by the name of their pair."""


def pair_of(plate: str, entry_id: str, listed_plate: str) -> str:
    """Return the name of a pair, 32 hex digits, as in the view `platestream.disproved`.

    O and 0 of the plate as read are one, and an entry that changes its plate makes new pairs.
    """
    named = f"{plates.equate(plate)}|{entry_id}|{listed_plate}"
    return md5(named.encode(), usedforsecurity=False).hexdigest()


def find(known: Disproofs, hit: AlertHit) -> Disproof | None:
    """Return the disproof of the hit's pair by another hit, or None."""
    pair = pair_of(hit.detection.plate, hit.entry.entry_id, hit.entry.plate)
    found = known.get(pair)
    return None if found is None or found.hit_id == hit.hit_id else found


def matches_exactly(plate: str, state: str | None, listed_plate: str, listed_state: str | None) -> bool:
    """Return whether plate and state are exactly the listed ones, of an entry without a state the plate.

    Such a hit alerts, whatever was found before.
    """
    return plate == listed_plate and (not listed_state or state == listed_state)
