"""What is unusual for a person: looks at hours, or in numbers, that the last 30 days do not know of them.

| rule | finding |
|---|---|
| `hours` | no look within two hours of this time of day, in 30 days with 20 looks on 5 days or more |
| `volume` | over three times their usual day, or over a busy day where no habit is known yet |
| `volume` | refused at the limit of vehicles, or a search of every plate at every camera: a day's first |
| `refusals` | so many refused attempts in a day |
| `no_action` | looked, and in 7 days nothing followed: export, evidence, hot list, a step on a hit |

The first four come once for each person and day, with the look itself. All are leads for an auditor, no
verdicts. What the machine does by itself is nobody's habit: it is not counted here.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from operators.inquiry_checks.order import CheckRules, is_look
from schemas.finding import Finding
from schemas.inquiry import Inquiry

KNOWN_DAYS, KNOWN_LOOKS = 5, 20
NEAR_HOURS = 2
REMEMBERED_DAYS = 30
LIMIT = "as many vehicles as one person"  # so the gate's refusal at the limit begins


class Person(msgspec.Struct, array_like=True):
    """30 days of one person: looks by day and hour (UTC), refusals today, and looks nothing came of yet.

    Days are ordinals. `waiting` is the first look of each day, without what was searched.
    """

    looks: dict[int, list[int]] = {}
    refused: tuple[int, int] = (0, 0)
    found: dict[str, int] = {}
    waiting: dict[int, Inquiry] = {}

    def forget(self, before: int) -> bool:
        """Drop days before this ordinal; whether nothing is left."""
        for day in [day for day in self.looks if day < before]:
            del self.looks[day]
        return not self.looks and not self.waiting


def unusual(person: Person, inquiry: Inquiry, rules: CheckRules) -> Iterator[Finding]:
    """Count the inquiry and say what is unusual about it."""
    if inquiry.automatic is True:
        return
    today, hour = inquiry.at.toordinal(), inquiry.at.hour
    if inquiry.outcome == "refused":
        if inquiry.refusal.startswith(LIMIT) and _first(person, "limit", today):
            yield Finding.of(inquiry, "volume", "unusual", "asked for more vehicles than are shown in a day")
        count = person.refused[1] + 1 if person.refused[0] == today else 1
        person.refused = (today, count)
        if count >= rules.refusals and _first(person, "refusals", today):
            yield Finding.of(inquiry, "refusals", "unusual", f"{count} refused attempts in a day")
        return
    if not is_look(inquiry):
        return
    if _of_everything(inquiry) and _first(person, "everything", today):
        yield Finding.of(inquiry, "volume", "unusual", "a search of every plate at every camera")
    person.forget(today - REMEMBERED_DAYS)
    before = [hours for day, hours in person.looks.items() if day != today]
    now = person.looks.setdefault(today, [0] * 24)
    now[hour] += 1
    if not any(_near(hours, hour) for hours in before) and _known(before) and _first(person, "hours", today):
        yield Finding.of(inquiry, "hours", "unusual", f"at {hour:02} h UTC, in 30 days never near that hour")
    usual = sum(map(sum, before)) / max(len(before), 1)
    limit = max(rules.quiet_day, 3 * usual) if _known(before) else rules.busy_day
    if sum(now) > limit and _first(person, "volume", today):
        yield Finding.of(inquiry, "volume", "unusual", f"{sum(now)} looks in a day, usually {usual:.0f}")


def expect(person: Person, inquiry: Inquiry) -> None:
    """From now on a look of this day waits for something to come of it."""
    if inquiry.outcome == "allowed" and is_look(inquiry):
        bare = msgspec.structs.replace(
            inquiry, pattern="", other="", reason="", case_number="", cameras=(), query_id=""
        )
        person.waiting.setdefault(inquiry.at.toordinal(), bare)


def led_nowhere(person: Person, now: datetime, rules: CheckRules) -> Iterator[Finding]:
    """Findings for the looks whose time to lead to something is over."""
    for day in [day for day, one in person.waiting.items() if one.at + rules.follow <= now]:
        detail = f"nothing on record came of it in {rules.follow.days} days"
        yield Finding.of(person.waiting.pop(day), "no_action", "note", detail)


def _first(person: Person, rule: str, today: int) -> bool:
    """Whether this is the first time on that day, which is remembered."""
    first = person.found.get(rule) != today
    person.found[rule] = today
    return first


def _of_everything(inquiry: Inquiry) -> bool:
    """One known character still fits so many plates that what is shown says where everybody was."""
    known = sum(char not in "*?" for char in inquiry.pattern)
    return inquiry.kind == "search" and not inquiry.cameras and known < 2


def _known(before: list[list[int]]) -> bool:
    return len(before) >= KNOWN_DAYS and sum(map(sum, before)) >= KNOWN_LOOKS


def _near(hours: list[int], hour: int) -> bool:
    return any(hours[(hour + apart) % 24] for apart in range(-NEAR_HOURS, NEAR_HOURS + 1))
