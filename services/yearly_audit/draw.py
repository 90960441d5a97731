"""Drawing the sample of the yearly audit.

The seed is 32 random bytes, made when the sample is drawn and written down with it. Inquiries are ordered by
SHA-256 of `seed:inquiry_id` (both as lower-case text), and the first N are the sample; days and cameras
likewise by `seed:YYYY-MM-DD:camera`. So whoever has the log can draw the same again with a hash function, and
nobody can choose. A draw that displeased and was made again stays in the ledger with its number.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime
from functools import partial
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import run
from schemas.ledger import LedgerEntry
from schemas.profile import Profile, span
from services import records

TOOL = "platestream audit"
# What is put on record and opens no view is no browsing inquiry; refused attempts looked at nothing.
RECORDED = ("hotlist", "export", "evidence", "audit", "retention")

_POPULATION = """
SELECT DISTINCT inquiry_id FROM platestream.inquiry_log
WHERE at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
  AND outcome = 'allowed' AND kind NOT IN {recorded:Array(String)}
"""
_USE = """
SELECT day, camera_id, passes, hits, verified, acted_on FROM platestream.utilization FINAL
WHERE day >= {since:Date} AND day < {until:Date} ORDER BY day, camera_id
"""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """A day of one camera: detections, alert hits, and what came of these."""

    day: date
    camera_id: str
    passes: int
    hits: int
    verified: int
    acted_on: int


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """A sample. `population_sha256` is over the sorted ids, a line each: the log has not changed since."""

    year: int
    seed: str
    drawn_at: datetime
    inquiries_since: datetime
    inquiries_until: datetime
    population: int
    population_sha256: str
    inquiries: list[UUID]
    use_since: date
    use_until: date
    use_population: int
    use: list[Use]


class TooSoon(ValueError):  # noqa: N818 - an answer
    """There is nothing to draw from, or no such draw."""


def draw(client: Client, profile: Profile, year: int, now: datetime, *, who: str, reason: str) -> LedgerEntry:
    """Draw the sample of `year` at `now`, and put it on record. `client` needs the auditor's role.

    Raises TooSoon when nobody looked at anything, RefusedInquiry and DatabaseError.
    """
    rules = profile.audit
    seed = secrets.token_hex(32)
    since = now - span(rules.inquiries_from)
    population = inquiries_between(client, since, now)
    if not population:
        raise TooSoon(f"no inquiry since {since:%Y-%m-%d}: nothing to draw from")
    use_since = (now - span(rules.utilization_from)).date()
    use = use_between(client, use_since, now.date())
    drawn = Draw(
        year=year,
        seed=seed,
        drawn_at=now,
        inquiries_since=since,
        inquiries_until=now,
        population=len(population),
        population_sha256=digest(population),
        inquiries=choose(population, seed, rules.inquiries),
        use_since=use_since,
        use_until=now.date(),
        use_population=len(use),
        use=choose_use(use, seed, rules.utilization_days),
    )
    return records.put(client, "audit", "draw", drawn, who=who, tool=TOOL, reason=reason)


def choose(population: Iterable[UUID], seed: str, count: int) -> list[UUID]:
    """The first `count` of `population` in the order of SHA-256(`seed:id`); all when there are fewer."""
    return sorted(set(population), key=lambda one: _rank(f"{seed}:{one}"))[:count]


def choose_use(use: Iterable[Use], seed: str, count: int) -> list[Use]:
    """The first `count` in the order of SHA-256(`seed:YYYY-MM-DD:camera`), then by day."""
    ranked = sorted(use, key=lambda one: _rank(f"{seed}:{one.day}:{one.camera_id}"))
    return sorted(ranked[:count], key=lambda one: (one.day, one.camera_id))


def again(client: Client, drawn: Draw) -> list[str]:
    """Draw again from the seed; what differs, a sentence each. Days that were counted since may differ."""
    population = inquiries_between(client, drawn.inquiries_since, drawn.inquiries_until)
    faults = []
    if digest(population) != drawn.population_sha256:
        faults.append(
            f"the log of the period differs: {len(population)} inquiries, {drawn.population} drawn from"
        )
    if choose(population, drawn.seed, len(drawn.inquiries)) != drawn.inquiries:
        faults.append("the seed gives other inquiries than were drawn")
    return faults


def draws(client: Client, year: int | None = None) -> list[tuple[LedgerEntry, Draw]]:
    """All draws, of `year` where one is named, in order."""
    found = [
        (entry, msgspec.json.decode(entry.record, type=Draw))
        for entry, _hash in ledger.read(client, "audit", "draw")
    ]
    return [(entry, drawn) for entry, drawn in found if year in (None, drawn.year)]


def inquiries_between(client: Client, since: datetime, until: datetime) -> list[UUID]:
    """Ids of the looks at stored data in a period."""
    asked = {"since": since, "until": until, "recorded": list(RECORDED)}
    return [
        row[0]
        for row in run("reading the log", partial(client.query, _POPULATION, parameters=asked)).result_rows
    ]


def use_between(client: Client, since: date, until: date) -> list[Use]:
    """Use by day and camera."""
    asked = {"since": since, "until": until}
    rows = run("reading use", partial(client.query, _USE, parameters=asked)).result_rows
    return [Use(**dict(zip(Use.__struct_fields__, row, strict=True))) for row in rows]


def digest(population: Iterable[UUID]) -> str:
    """SHA-256 over the sorted ids, a line each, in hex."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(map(str, population))).encode()).hexdigest()


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
