"""Drawing the sample of the yearly audit, and of the audits that a state's law asks for besides.

The seed is 32 random bytes, made when the sample is drawn and written down with it. Inquiries are ordered by
SHA-256 of `seed:inquiry_id` (both as lower-case text), and the first N are the sample; days and cameras
likewise by `seed:YYYY-MM-DD:camera`. So whoever has the log can draw the same again with a hash function, and
nobody can choose. A draw that displeased and was made again stays in the ledger with its number.

Besides these, each inquiry is in the sample that was an account's next one within a day after its password
was set by a one-time code: whoever had that code may have been somebody else.

Drawn are browsing inquiries by employees: those that were allowed and looked at stored data. Acts that show
no detections are none, and neither is what the machine asked by itself.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, run
from schemas.acts import BROWSING
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.profile import Audit as AuditRules
from schemas.profile import Rhythm, span
from schemas.rhythm import Period
from services import records
from services.accounts_audit import searched_after_reset
from services.door import Door

# A draw of before acts were declared drew from all kinds but these, and it must be possible to repeat it.
OLD_RECORDS = ("hotlist", "export", "evidence", "audit", "retention")
FIRST_YEAR = 2000

# Inquiries by employees that looked at stored data. What the machine did by itself is no employee's. Before
# this database had the column that says so, look-backs of the hot list are known by their tool; afterwards a
# tool's name proves nothing, as the caller gives it.
_POPULATION = """
SELECT DISTINCT inquiry_id FROM platestream.inquiry_log
WHERE at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
  AND outcome = 'allowed' AND kind IN {browsing:Array(String)} AND NOT automatic
  AND NOT (tool = 'platestream look-back'
    AND at < (SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = 108))
"""
_OF_OTHERS = f"{_POPULATION} AND agency != '' AND agency NOT IN {{own:Array(String)}}"
_OWN = "SELECT id FROM platestream.registry FINAL WHERE kind = 'agency' AND own ORDER BY id"
_OLD_POPULATION = """
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
    """A sample. `population_sha256` is over the sorted ids, a line each: the log has not changed since.

    `browsing`: drawn from browsing inquiries by employees, as K.3 says; draws of before took all kinds.
    `after_reset` are those of `inquiries` that no chance chose: they followed the redemption of a code, from
    `resets_since` on (None: from the begin of the period). Of the yearly audit that is where the draw before
    it ended, or earlier, so that none falls between two.
    `rhythm` and `period`: of which audit besides the yearly one; `not_of` are this agency's ids where only
    inquiries of others were drawn.
    """

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
    browsing: bool = False
    rhythm: str = ""
    period: str = ""
    not_of: list[str] = []
    after_reset: list[UUID] = []
    resets_since: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """What a draw of `year` would be now: from `population` inquiries made from `since` to `until`.

    The profile asks for `asked_for` of them; `made` are the draws of that year that are there already.
    """

    year: int
    since: datetime
    until: datetime
    population: int
    asked_for: int
    made: Sequence[LedgerEntry]


class TooSoon(ValueError):  # noqa: N818 - an answer
    """There is nothing to draw from, or no such draw."""


def draw(door: Door, year: int, now: datetime, again: str = "") -> LedgerEntry:
    """Draw the sample of `year` at `now`, and put it on record.

    The year that is running is drawn from the months before `now`, a year that is over from its last months.
    `again` says why another draw is made for a year that has one.

    Raises RefusedError for a year that has not begun or was drawn already, TooSoon when nobody looked at
    anything, RefusedInquiry and DatabaseError.
    """
    reason = again or f"Sample of the yearly audit {year}"
    client, rules = door.client(AUDITOR), door.rules.profile.audit
    with door.on_record("audit_draw", f"year {year}", reason=reason):
        since, until = _period(rules, year, now)
        _not_drawn_yet(client, year, again)
        population = inquiries_between(client, since, until)
        if not population:
            raise TooSoon(
                f"no browsing inquiry by an employee from {since:%Y-%m-%d} to {until:%Y-%m-%d}: "
                "nothing to draw from"
            )
    drawn = _drawn(
        client,
        Period(str(year), since, until),
        population,
        rules.inquiries,
        use_since=(until - span(rules.utilization_from)).date(),
        use_days=rules.utilization_days,
        now=now,
        year=year,
        resets_since=min(
            [
                until - span(rules.utilization_from),
                *(drawn.inquiries_until for _entry, drawn in yearly(client)[-1:]),
            ]
        ),
    )
    return records.put(door, "audit_draw", drawn, reason=reason).entry


def draw_rhythm(
    door: Door, name: str, rhythm: Rhythm, period: Period, now: datetime, again: str = ""
) -> LedgerEntry:
    """Draw for one period of an audit that comes round besides the yearly one, and put it on record.

    Where nobody looked at anything, that is what the audit is of. Raises RefusedError for a period that is
    not over or was drawn already, RefusedInquiry and DatabaseError.
    """
    reason = again or f"Sample of the audit {name} of {period.name}"
    client, rules = door.client(AUDITOR), door.rules.profile.audit
    with door.on_record("audit_draw", f"{name} {period.name}", reason=reason):
        if period.until > now:
            raise RefusedError("period", f"{period.name} is not over: all of its inquiries are audited")
        made = ", ".join(str(entry.number) for entry, _drawn in draws_of(client, name, period.name))
        if made and not again.strip():
            raise RefusedError(
                "period",
                f"{name} of {period.name} has a draw already ({made}); another one needs a reason, which "
                "goes on record",
            )
    not_of = [str(row[0]) for row in _rows(client, _OWN)] if rhythm.of == "others" else []
    population = inquiries_between(client, period.since, period.until, not_of)
    drawn = _drawn(
        client,
        period,
        population,
        rhythm.inquiries or len(population),
        use_since=period.since.date(),
        use_days=rules.utilization_days,
        now=now,
        year=period.since.year,
        rhythm=name,
        period_name=period.name,
        not_of=not_of,
    )
    return records.put(door, "audit_draw", drawn, reason=reason).entry


def _drawn(
    client: Client,
    period: Period,
    population: Sequence[UUID],
    count: int,
    *,
    use_since: date,
    use_days: int,
    now: datetime,
    year: int,
    rhythm: str = "",
    period_name: str = "",
    not_of: Sequence[str] = (),
    resets_since: datetime | None = None,
) -> Draw:
    seed = secrets.token_hex(32)
    use = use_between(client, use_since, period.until.date())
    chosen = choose(population, seed, count)
    resets_since = resets_since or period.since
    besides = _after_reset(client, resets_since, period.until, not_of, chosen)
    return Draw(
        year=year,
        seed=seed,
        drawn_at=now,
        inquiries_since=period.since,
        inquiries_until=period.until,
        population=len(population),
        population_sha256=digest(population),
        inquiries=[*chosen, *besides],
        use_since=use_since,
        use_until=period.until.date(),
        use_population=len(use),
        use=choose_use(use, seed, use_days),
        browsing=True,
        rhythm=rhythm,
        period=period_name,
        not_of=list(not_of),
        after_reset=besides,
        resets_since=resets_since,
    )


def _after_reset(
    client: Client, since: datetime, until: datetime, not_of: Sequence[str], chosen: Iterable[UUID]
) -> list[UUID]:
    others = set(inquiries_between(client, since, until, not_of)) - set(chosen)
    return [one for one in searched_after_reset(client, since, until) if one in others]


def plan(door: Door, year: int, now: datetime) -> Plan:
    """What `draw` would do now; nothing is drawn.

    Raises RefusedError for a year that has not begun, RefusedInquiry and DatabaseError.
    """
    door.enter("audit_show", f"plan of the draw for {year}")
    client, rules = door.client(AUDITOR), door.rules.profile.audit
    since, until = _period(rules, year, now)
    population = len(inquiries_between(client, since, until))
    made = [entry for entry, _drawn in draws(client, year)]
    return Plan(year, since, until, population, rules.inquiries, made)


def _period(rules: AuditRules, year: int, now: datetime) -> tuple[datetime, datetime]:
    until = end_of_period(year, now)
    return until - span(rules.inquiries_from), until


def end_of_period(year: int, now: datetime) -> datetime:
    """Up to when inquiries are drawn for `year`: its end, or `now` while it is running.

    Raises RefusedError for a year that has not begun.
    """
    if not FIRST_YEAR <= year <= now.year:
        raise RefusedError(
            "year",
            f"an audit is of a year from {FIRST_YEAR} to {now.year}: its inquiries are of the six months "
            "before the draw (order, section K.3)",
        )
    return min(now, datetime(year + 1, 1, 1, tzinfo=UTC))


def _not_drawn_yet(client: Client, year: int, again: str) -> None:
    made = ", ".join(str(entry.number) for entry, _drawn in draws(client, year))
    if made and not again.strip():
        raise RefusedError(
            "year",
            f"{year} has a draw already ({made}); another one needs a reason, which goes on record "
            "(order, section K.3)",
        )


def choose(population: Iterable[UUID], seed: str, count: int) -> list[UUID]:
    """The first `count` of `population` in the order of SHA-256(`seed:id`); all when there are fewer."""
    return sorted(set(population), key=lambda one: _rank(f"{seed}:{one}"))[:count]


def choose_use(use: Iterable[Use], seed: str, count: int) -> list[Use]:
    """The first `count` in the order of SHA-256(`seed:YYYY-MM-DD:camera`), then by day."""
    ranked = sorted(use, key=lambda one: _rank(f"{seed}:{one.day}:{one.camera_id}"))
    return sorted(ranked[:count], key=lambda one: (one.day, one.camera_id))


def again(client: Client, drawn: Draw) -> list[str]:
    """Draw again from the seed; what differs, a sentence each. Days that were counted since may differ."""
    times = drawn.inquiries_since, drawn.inquiries_until
    population = (
        inquiries_between(client, *times, drawn.not_of)
        if drawn.browsing
        else _old_inquiries_between(client, *times)
    )
    faults = []
    if digest(population) != drawn.population_sha256:
        faults.append(
            f"the log of the period differs: {len(population)} inquiries, {drawn.population} drawn from"
        )
    chosen = choose(population, drawn.seed, len(drawn.inquiries) - len(drawn.after_reset))
    since = drawn.resets_since or drawn.inquiries_since
    besides = _after_reset(client, since, drawn.inquiries_until, drawn.not_of, chosen)
    if [*chosen, *besides] != drawn.inquiries or besides != drawn.after_reset:
        faults.append("the seed gives other inquiries than were drawn")
    return faults


def draws(client: Client, year: int | None = None) -> list[tuple[LedgerEntry, Draw]]:
    """All draws in order; where a year is named, those of its yearly audit."""
    found = [
        (entry, msgspec.json.decode(entry.record, type=Draw))
        for entry, _hash in ledger.read(client, "audit", "draw")
    ]
    return [one for one in found if year is None or (one[1].year == year and not one[1].rhythm)]


def yearly(client: Client) -> list[tuple[LedgerEntry, Draw]]:
    """Return the draws of yearly audits, in order."""
    return [one for one in draws(client) if not one[1].rhythm]


def draws_of(client: Client, rhythm: str, period: str) -> list[tuple[LedgerEntry, Draw]]:
    """The draws of one period of an audit that comes round besides the yearly one."""
    return [one for one in draws(client) if (one[1].rhythm, one[1].period) == (rhythm, period)]


def drawn_as(client: Client, number: int) -> tuple[LedgerEntry, Draw]:
    """The draw with this number in the ledger. Raises TooSoon where there is none."""
    for entry, drawn in draws(client):
        if entry.number == number:
            return entry, drawn
    raise TooSoon(f"no draw {number}")


def inquiries_between(
    client: Client, since: datetime, until: datetime, not_of: Sequence[str] = ()
) -> list[UUID]:
    """Ids of the browsing inquiries that employees made in a period; with `not_of`, those of people of other
    agencies than these.
    """
    asked: dict[str, Any] = {"since": since, "until": until, "browsing": list(BROWSING)}
    if not_of:
        return _ids(client, _OF_OTHERS, **asked, own=list(not_of))
    return _ids(client, _POPULATION, **asked)


def _old_inquiries_between(client: Client, since: datetime, until: datetime) -> list[UUID]:
    return _ids(client, _OLD_POPULATION, since=since, until=until, recorded=list(OLD_RECORDS))


def _ids(client: Client, sql: str, **asked: Any) -> list[UUID]:
    return [row[0] for row in _rows(client, sql, **asked)]


def _rows(client: Client, sql: str, **asked: Any) -> Sequence[Sequence[Any]]:
    return list(run("reading the log", partial(client.query, sql, parameters=asked)).result_rows)


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
