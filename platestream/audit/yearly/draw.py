"""The draw of the sample of the yearly audit, and of the other audits that a state's law requires.

The seed is 32 random bytes, made when the sample is drawn and recorded with it. Inquiries are ordered by
SHA-256 of `seed:inquiry_id` (both as lower-case text), and the first N are the sample; days and cameras
likewise by `seed:YYYY-MM-DD:camera`. Anyone with the log can therefore repeat the draw with a hash function,
and nobody can choose the sample. A draw that displeased and was repeated remains in the ledger with its
number.

The N are drawn from searches, which are also hits that were looked up by a plate. A person opens many
pictures and hits for each search, so half as many of these openings are drawn in addition; else they would
fill the sample. Where there are fewer than N searches, more openings are drawn in their place.

Other agencies' people may search more than all employees (K.3 says employees). Their inquiries are a group of
its own, of which half as many are drawn in addition.

The sample also has each inquiry that was an account's first one within a day after its password was set by a
one-time code, because another person may have used that code.

The population is the browsing inquiries by employees: those that were allowed and searched stored data. Acts
that show no detections do not belong to it, and neither do inquiries of system jobs.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.accounts_audit import searched_after_reset
from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.schemas.acts import BROWSING
from platestream.schemas.fields import Instant
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import Profile, Rhythm
from platestream.schemas.rhythm import Period
from platestream.schemas.spans import parse_span

OPENINGS = ("picture", "hits", "partner_picture")
"""Browsing inquiries that open what was found before: all others search, and so do `hits` by a plate."""
SEARCHES = tuple(kind for kind in BROWSING if kind not in OPENINGS)
# Draws before the table of acts drew from all kinds but these, and must be repeatable.
OLD_RECORDS = ("hotlist", "export", "evidence", "audit", "retention")
FIRST_YEAR = 2000

# Employees' searches of stored data, without automatic ones. Before the database had the column `automatic`,
# look-backs of the hot list are recognized by their tool; later a tool's name proves nothing, as the caller
# supplies it.
_POPULATION = """
SELECT DISTINCT inquiry_id FROM platestream.inquiry_log
WHERE at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
  AND outcome = 'allowed' AND kind IN {browsing:Array(String)} AND NOT automatic
  AND NOT (tool = 'platestream look-back'
    AND at < (SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = 108))
"""
_OF_OTHERS = " AND agency != '' AND agency NOT IN {own:Array(String)}"
_OF_OWN = " AND partner = '' AND agency IN {employer:Array(String)}"
_BY_KIND = " AND kind IN {searches:Array(String)}"
_BY_KIND_OR_PLATE = " AND (kind IN {searches:Array(String)} OR (kind = 'hits' AND plate_named))"
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
    """One camera's day: detections, alert hits, and their verifications and actions."""

    day: date
    camera_id: str
    passes: int
    hits: int
    verified: int
    acted_on: int


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """A sample. `population_sha256` is over the sorted ids, one in each line, and detects later changes of
    the log.

    `browsing`: it was drawn from browsing inquiries by employees, as K.3 says; earlier draws took all kinds.
    `after_reset` are the `inquiries` that were not drawn at random: they followed the redemption of a code
    from `resets_since` on (None: from the begin of the period). For the yearly audit that is the end of the
    previous draw, or earlier, so that none is missed between two draws. `rhythm` and `period` name an audit
    other than the yearly one; `not_of` are this agency's ids where only inquiries of other agencies were
    drawn. `openings` are the `inquiries` that opened a picture or a hit, with `searches` the number of
    searches in the population; earlier draws, where it is None, made no difference between the two. With
    `by_plate` hits that were looked up by a plate are searches; in earlier draws they are openings. With
    `employer`, this agency's ids, the population is its employees' inquiries, and `of_others` are those
    `inquiries` that other agencies' people made; earlier draws made no difference between the two.
    """

    year: int
    seed: str
    drawn_at: Instant
    inquiries_since: Instant
    inquiries_until: Instant
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
    resets_since: Instant | None = None
    searches: int | None = None
    openings: list[UUID] = []
    by_plate: bool = False
    employer: list[str] = []
    of_others: list[UUID] = []


@dataclass(frozen=True)
class Plan:
    """The draw of `year` as it would be now: from `population` inquiries made from `since` to `until`.

    The profile requires `asked_for` of them; `made` are the existing draws of that year.
    """

    year: int
    since: datetime
    until: datetime
    population: int
    asked_for: int
    made: Sequence[LedgerEntry]


class TooSoon(ValueError):  # noqa: N818 - an answer
    """Error where there is nothing to draw from, or no such draw."""


def draw(door: Door, year: int, now: datetime, again: str = "") -> LedgerEntry:
    """Draw the sample of `year` at `now`, and record it.

    The current year is drawn from the months before `now`, a past year from its last months. `again` is the
    reason for another draw of a year that has one.

    Raises RefusedError for a year that has not begun or was drawn already, TooSoon where there are no
    inquiries, RefusedInquiry and DatabaseError.
    """
    reason = again or f"Sample of the yearly audit {year}"
    client, profile = door.client(AUDITOR), door.rules.profile
    rules, zone = profile.audit, profile.agency.zone
    with door.log_refusal("audit_draw", f"year {year}", reason=reason):
        since, until = _period(profile, year, now)
        _refuse_second_draw(client, year, again)
        employer = _employer(client)
        population = inquiries_between(client, since, until, employer=employer)
        if not population:
            raise TooSoon(
                f"no browsing inquiry by an employee from {since:%Y-%m-%d} to {until:%Y-%m-%d}: "
                "nothing to draw from"
            )
    use_since = parse_span(rules.utilization_from).before(until, zone)
    drawn = _drawn(
        client,
        Period(str(year), since, until),
        population,
        rules.inquiries,
        use_since=use_since.date(),
        use_days=rules.utilization_days,
        now=now,
        year=year,
        employer=employer,
        resets_since=min(
            [
                use_since,
                *(drawn.inquiries_until for _entry, drawn in yearly(client)[-1:]),
            ]
        ),
    )
    return records.put(door, "audit_draw", drawn, reason=reason).entry


def draw_rhythm(
    door: Door, name: str, rhythm: Rhythm, period: Period, now: datetime, again: str = ""
) -> LedgerEntry:
    """Draw for one period of a recurring audit other than the yearly one, and record it.

    The draw is empty where there were no inquiries. Raises RefusedError for a period that is not over or was
    drawn already, RefusedInquiry and DatabaseError.
    """
    reason = again or f"Sample of the audit {name} of {period.name}"
    client, rules = door.client(AUDITOR), door.rules.profile.audit
    with door.log_refusal("audit_draw", f"{name} {period.name}", reason=reason):
        if period.until > now:
            raise RefusedError("period", f"{period.name} is not over: all of its inquiries are audited")
        made = ", ".join(str(entry.number) for entry, _drawn in draws_of(client, name, period.name))
        if made and not again.strip():
            raise RefusedError(
                "period",
                f"{name} of {period.name} has a draw already ({made}); another one needs a reason, which "
                "goes on record",
            )
    not_of = _own(client) if rhythm.of == "others" else []
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
    employer: Sequence[str] = (),
    resets_since: datetime | None = None,
) -> Draw:
    seed = secrets.token_hex(32)
    use = use_between(client, use_since, period.until.date())
    searches = inquiries_between(client, period.since, period.until, not_of, _BY_KIND_OR_PLATE, employer)
    chosen, openings = choose_both(searches, set(population) - set(searches), seed, count)
    every = inquiries_between(client, period.since, period.until) if employer else []
    of_others = choose(set(every) - set(population), seed, -(-count // 2))
    resets_since = resets_since or period.since
    besides = _after_reset(client, resets_since, period.until, not_of, [*chosen, *openings, *of_others])
    return Draw(
        year=year,
        seed=seed,
        drawn_at=now,
        inquiries_since=period.since,
        inquiries_until=period.until,
        population=len(population),
        population_sha256=digest(population),
        inquiries=[*chosen, *openings, *of_others, *besides],
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
        searches=len(searches),
        openings=openings,
        by_plate=True,
        employer=list(employer),
        of_others=of_others,
    )


def _own(client: Client) -> list[str]:
    return [str(row[0]) for row in read_rows(client, "reading the log", _OWN)]


def _employer(client: Client) -> list[str]:
    """Return the agencies of employees' inquiries: before there was a registry, none was named."""
    return ["", *_own(client)]


def _after_reset(
    client: Client, since: datetime, until: datetime, not_of: Sequence[str], chosen: Iterable[UUID]
) -> list[UUID]:
    others = set(inquiries_between(client, since, until, not_of)) - set(chosen)
    return [one for one in searched_after_reset(client, since, until) if one in others]


def plan(door: Door, year: int, now: datetime) -> Plan:
    """Return what `draw` would do now; nothing is drawn.

    Raises RefusedError for a year that has not begun, RefusedInquiry and DatabaseError.
    """
    door.enter("audit_show", f"plan of the draw for {year}")
    client, profile = door.client(AUDITOR), door.rules.profile
    since, until = _period(profile, year, now)
    population = len(inquiries_between(client, since, until, employer=_employer(client)))
    made = [entry for entry, _drawn in draws(client, year)]
    return Plan(year, since, until, population, profile.audit.inquiries, made)


def _period(profile: Profile, year: int, now: datetime) -> tuple[datetime, datetime]:
    zone = profile.agency.zone
    until = end_of_period(year, now, zone)
    return parse_span(profile.audit.inquiries_from).before(until, zone), until


def end_of_period(year: int, now: datetime, zone: tzinfo) -> datetime:
    """Return the end of the period for `year` in `zone`: its end, or `now` in the current year.

    Raises RefusedError for a year that has not begun.
    """
    current = now.astimezone(zone).year
    if not FIRST_YEAR <= year <= current:
        raise RefusedError(
            "year",
            f"an audit is of a year from {FIRST_YEAR} to {current}: its inquiries are of the six months "
            "before the draw (order, section K.3)",
        )
    return min(now, datetime(year + 1, 1, 1, tzinfo=zone).astimezone(UTC))


def _refuse_second_draw(client: Client, year: int, again: str) -> None:
    made = ", ".join(str(entry.number) for entry, _drawn in draws(client, year))
    if made and not again.strip():
        raise RefusedError(
            "year",
            f"{year} has a draw already ({made}); another one needs a reason, which goes on record "
            "(order, section K.3)",
        )


def choose(population: Iterable[UUID], seed: str, count: int) -> list[UUID]:
    """Return the first `count` of `population` in the order of SHA-256(`seed:id`); all when there are
    fewer.
    """
    return sorted(set(population), key=lambda one: _rank(f"{seed}:{one}"))[:count]


def choose_both(
    searches: Iterable[UUID], openings: Iterable[UUID], seed: str, count: int
) -> tuple[list[UUID], list[UUID]]:
    """Choose `count` searches, and half as many openings, or more where there are fewer searches."""
    chosen = choose(searches, seed, count)
    return chosen, choose(openings, seed, max(-(-count // 2), count - len(chosen)))


def choose_use(use: Iterable[Use], seed: str, count: int) -> list[Use]:
    """Choose the first `count` in the order of SHA-256(`seed:YYYY-MM-DD:camera`); return them by day."""
    ranked = sorted(use, key=lambda one: _rank(f"{seed}:{one.day}:{one.camera_id}"))
    return sorted(ranked[:count], key=lambda one: (one.day, one.camera_id))


def verify_draw(client: Client, drawn: Draw) -> list[str]:
    """Repeat the draw from the seed; return differences, a sentence each. Days that were counted since may
    differ.
    """
    times = drawn.inquiries_since, drawn.inquiries_until
    population = (
        inquiries_between(client, *times, drawn.not_of, employer=drawn.employer)
        if drawn.browsing
        else _old_inquiries_between(client, *times)
    )
    faults = []
    if digest(population) != drawn.population_sha256:
        faults.append(
            f"the log of the period differs: {len(population)} inquiries, {drawn.population} drawn from"
        )
    count = len(drawn.inquiries) - len(drawn.after_reset) - len(drawn.openings) - len(drawn.of_others)
    if drawn.searches is None:
        chosen = choose(population, drawn.seed, count)
    else:
        only = _BY_KIND_OR_PLATE if drawn.by_plate else _BY_KIND
        searches = inquiries_between(client, *times, drawn.not_of, only, drawn.employer)
        openings = choose(set(population) - set(searches), drawn.seed, len(drawn.openings))
        others = set(inquiries_between(client, *times) if drawn.employer else ()) - set(population)
        of_others = choose(others, drawn.seed, len(drawn.of_others))
        chosen = [*choose(searches, drawn.seed, count), *openings, *of_others]
        if (len(searches), openings) != (drawn.searches, drawn.openings):
            faults.append("the searches, or the openings that were drawn, are not those of the log")
    since = drawn.resets_since or drawn.inquiries_since
    besides = _after_reset(client, since, drawn.inquiries_until, drawn.not_of, chosen)
    if [*chosen, *besides] != drawn.inquiries or besides != drawn.after_reset:
        faults.append("the seed gives other inquiries than were drawn")
    return faults


def draws(client: Client, year: int | None = None) -> list[tuple[LedgerEntry, Draw]]:
    """Return all draws in order or, with a year, those of its yearly audit."""
    found = ledger.read_records(client, "audit", "draw", Draw)
    return [one for one in found if year is None or (one[1].year == year and not one[1].rhythm)]


def yearly(client: Client) -> list[tuple[LedgerEntry, Draw]]:
    """Return the draws of yearly audits, in order."""
    return [one for one in draws(client) if not one[1].rhythm]


def draws_of(client: Client, rhythm: str, period: str) -> list[tuple[LedgerEntry, Draw]]:
    """Return the draws of one period of a recurring audit other than the yearly one."""
    return [one for one in draws(client) if (one[1].rhythm, one[1].period) == (rhythm, period)]


def drawn_as(client: Client, number: int) -> tuple[LedgerEntry, Draw]:
    """Return the draw with this number in the ledger. Raises TooSoon where there is none."""
    for entry, drawn in draws(client):
        if entry.number == number:
            return entry, drawn
    raise TooSoon(f"no draw {number}")


def inquiries_between(
    client: Client,
    since: datetime,
    until: datetime,
    not_of: Sequence[str] = (),
    only: str = "",
    employer: Sequence[str] = (),
) -> list[UUID]:
    """Return the ids of people's browsing inquiries in a period; with `not_of`, those by people of other
    agencies than these, with `employer` those by people of these. `only` is one more condition in SQL, about
    `SEARCHES`.
    """
    asked: dict[str, Any] = {"since": since, "until": until, "browsing": list(BROWSING)}
    asked |= {"own": list(not_of)} if not_of else {}
    asked |= {"searches": list(SEARCHES)} if only else {}
    asked |= {"employer": list(employer)} if employer else {}
    whose = f"{_OF_OTHERS if not_of else ''}{_OF_OWN if employer else ''}"
    return _ids(client, f"{_POPULATION}{whose}{only}", **asked)


def _old_inquiries_between(client: Client, since: datetime, until: datetime) -> list[UUID]:
    return _ids(client, _OLD_POPULATION, since=since, until=until, recorded=list(OLD_RECORDS))


def _ids(client: Client, sql: str, **parameters: Any) -> list[UUID]:
    return [row[0] for row in read_rows(client, "reading the log", sql, **parameters)]


def use_between(client: Client, since: date, until: date) -> list[Use]:
    """Return the use by day and camera."""
    rows = read_rows(client, "reading use", _USE, since=since, until=until)
    return [Use(**dict(zip(Use.__struct_fields__, row, strict=True))) for row in rows]


def digest(population: Iterable[UUID]) -> str:
    """Return the SHA-256 over the sorted ids, one in each line, in hex."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(map(str, population))).encode()).hexdigest()


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
