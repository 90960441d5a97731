"""Reading accuracy as officers found it: precision of hits, and confused characters.

Figures for the auditor's role, which need no act: no plate and no person is in them.
"""

from dataclasses import dataclass
from datetime import date

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.schemas.confusions import LIKELY, UNMEASURED

_PRECISION = """
SELECT month, source, camera_id, match, hits, verified, confirmed, precision, low, high
FROM platestream.hit_precision ORDER BY month DESC, source, camera_id, match
"""
_CONFUSIONS = """
SELECT actual, read, sum(hits) FROM platestream.hit_confusions GROUP BY actual, read ORDER BY 3 DESC, actual,
read
"""
_CHARACTERS = "SELECT sum(characters) FROM platestream.hit_states WHERE visual IN ('confirmed', 'misread')"


@dataclass(frozen=True)
class Precision:
    """The precision of a group of hits: of `verified` hits `confirmed` were right; `precision` is their
    share, None without a verified hit, with the 95 % interval by Wilson.
    """

    month: date
    source: str
    camera_id: str
    match: str
    hits: int
    verified: int
    confirmed: int
    precision: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Confusion:
    """A confusion: the reader took `actual` for `read` on so many hits. `reckoned` is the share that matching
    assumes.
    """

    actual: str
    read: str
    hits: int
    reckoned: float


@dataclass(frozen=True)
class Confusions:
    """All confusions, the most frequent first, and the number of characters that officers compared."""

    characters_verified: int
    confusions: list[Confusion]


def precision(door: Door) -> list[Precision]:
    """Return the precision by month, list, camera and kind of match, the newest month first. Raises
    DatabaseError.
    """
    client = door.client(AUDITOR)
    rows = read_rows(client, "reading the precision", _PRECISION)
    return [Precision(*row) for row in rows]


def confusions(door: Door) -> Confusions:
    """Return the confused characters. Raises DatabaseError."""
    client = door.client(AUDITOR)
    rows = read_rows(client, "reading confusions", _CONFUSIONS)
    ((characters,),) = read_rows(client, "reading confusions", _CHARACTERS)
    pairs = [
        Confusion(actual, read, hits, LIKELY.get((actual, read), UNMEASURED)) for actual, read, hits in rows
    ]
    return Confusions(characters, pairs)
