"""Checks for unusual inquiries of a person: at hours or in numbers that differ from the last 30 days.

| rule | finding |
|---|---|
| `hours` | no inquiry within two hours of this time of day, in 30 days with 20 inquiries on 5 days or more |
| `volume` | over three times their usual day, or over a busy day where no habit is known yet |
| `volume` | refused at the limit of vehicles, or a search of every plate at every camera: a day's first |
| `volume` | a search that may show over 1,000 vehicles, whatever the limits: a day's first |
| `refusals` | so many refused attempts in a day |
| `no_action` | an inquiry, and in 7 days no follow-up: export, evidence, hot list, a step on a hit |

All but the last come once for each person and day, with the inquiry itself. All are leads for an auditor, no
verdicts. Acts of system jobs are not counted here.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from platestream.operators.inquiry_checks.order import CheckRules, is_browsing
from platestream.schemas.finding import Finding
from platestream.schemas.inquiry import Inquiry

KNOWN_DAYS, KNOWN_SEARCHES = 5, 20
NEAR_HOURS = 2
REMEMBERED_DAYS = 30
LIMIT = "as many vehicles as one person"  # beginning of the gate's refusal at the limit


class Person(msgspec.Struct, array_like=True):
    """30 days of one person: inquiries, today's refusals, and inquiries without follow-up.

    Inquiries are counted by day and hour (UTC); days are ordinals. `waiting` is the first inquiry of each
    day, without the content of the search.
    """

    looks: dict[int, list[int]] = {}
    refused: tuple[int, int] = (0, 0)
    found: dict[str, int] = {}
    waiting: dict[int, Inquiry] = {}

    def forget(self, before: int) -> bool:
        """Drop days before this ordinal. Returns whether nothing is left."""
        for day in [day for day in self.looks if day < before]:
            del self.looks[day]
        return not self.looks and not self.waiting


def find_unusual(person: Person, inquiry: Inquiry, rules: CheckRules) -> Iterator[Finding]:
    """Count the inquiry and yield findings about unusual ones."""
    if inquiry.automatic is True:
        return
    today, hour = inquiry.at.toordinal(), inquiry.at.hour
    if inquiry.outcome == "refused":
        if inquiry.refusal.startswith(LIMIT) and _is_first(person, "limit", today):
            yield Finding.of(inquiry, "volume", "unusual", "asked for more vehicles than are shown in a day")
        count = person.refused[1] + 1 if person.refused[0] == today else 1
        person.refused = (today, count)
        if count >= rules.refusals and _is_first(person, "refusals", today):
            yield Finding.of(inquiry, "refusals", "unusual", f"{count} refused attempts in a day")
        return
    if not is_browsing(inquiry):
        return
    if _is_unlimited(inquiry) and _is_first(person, "everything", today):
        yield Finding.of(inquiry, "volume", "unusual", "a search of every plate at every camera")
    if (inquiry.vehicles or 0) > rules.day_vehicles and _is_first(person, "many", today):
        yield Finding.of(inquiry, "volume", "unusual", f"a search of {inquiry.vehicles} vehicles at once")
    person.forget(today - REMEMBERED_DAYS)
    before = [hours for day, hours in person.looks.items() if day != today]
    now = person.looks.setdefault(today, [0] * 24)
    now[hour] += 1
    if (
        not any(_near(hours, hour) for hours in before)
        and _known(before)
        and _is_first(person, "hours", today)
    ):
        yield Finding.of(inquiry, "hours", "unusual", f"at {hour:02} h UTC, in 30 days never near that hour")
    usual = sum(map(sum, before)) / max(len(before), 1)
    limit = max(rules.quiet_day, 3 * usual) if _known(before) else rules.busy_day
    if sum(now) > limit and _is_first(person, "volume", today):
        yield Finding.of(inquiry, "volume", "unusual", f"{sum(now)} looks in a day, usually {usual:.0f}")


def expect_follow_up(person: Person, inquiry: Inquiry) -> None:
    """Note that an inquiry of this day waits for a follow-up."""
    if inquiry.outcome == "allowed" and is_browsing(inquiry):
        bare = msgspec.structs.replace(
            inquiry, pattern="", other="", reason="", case_number="", cameras=(), query_id=""
        )
        person.waiting.setdefault(inquiry.at.toordinal(), bare)


def missing_follow_ups(person: Person, now: datetime, rules: CheckRules) -> Iterator[Finding]:
    """Yield findings for the inquiries without a follow-up in time."""
    for day in [day for day, one in person.waiting.items() if one.at + rules.follow <= now]:
        detail = f"nothing on record came of it in {rules.follow.days} days"
        yield Finding.of(person.waiting.pop(day), "no_action", "note", detail)


def _is_first(person: Person, rule: str, today: int) -> bool:
    """Return whether this is the first time on that day, and remember it."""
    first = person.found.get(rule) != today
    person.found[rule] = today
    return first


def _is_unlimited(inquiry: Inquiry) -> bool:
    """Return whether a search covers everything: one known character still matches so many plates."""
    known = sum(char not in "*?" for char in inquiry.pattern)
    return inquiry.kind in ("search", "partner_search") and not inquiry.cameras and known < 2


def _known(before: list[list[int]]) -> bool:
    return len(before) >= KNOWN_DAYS and sum(map(sum, before)) >= KNOWN_SEARCHES


def _near(hours: list[int], hour: int) -> bool:
    return any(hours[(hour + apart) % 24] for apart in range(-NEAR_HOURS, NEAR_HOURS + 1))
