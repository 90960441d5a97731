"""An agency's rules as TOML: retention, inquiries, purposes, MOU demands, audits, places, evidence schedules.

Anything wrong in a profile is refused with its line. `connectors.profiles` finds the file. In force is not a
file but the text in the database (`schemas.gate_rules.AgencyRules`).
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas import rhythm
from schemas.fields import is_zone
from schemas.rhythm import Demand, RhythmName
from schemas.toml import read_toml

SHORTEST, LONGEST = timedelta(minutes=3), timedelta(days=150)
DAY = timedelta(days=1)
_SPAN = re.compile(r"(\d+) (minute|hour|day|month|year)s?")
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
Law = Literal["", "virginia", "new-jersey", "oregon", "washington"]
PlaceKind = Literal["health_facility", "immigration", "school", "worship", "court", "food_bank", "other"]
Day = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-([0-2]\d|3[01])$")]

CASE_NUMBER = r"(?i)^([A-Z]{1,5}[ ./_-]?)?([0-9]{2}|[0-9]{4})[ ./_-]?([A-Z]{1,4}[ ./_-]?)?[0-9]{2,8}$"
"""Letters, year, letters and number: 26-001234, SJ26-004502, 26-CV-18, 20260113."""
ANYTHING_WITH_A_DIGIT = r"^[A-Za-z0-9 ./_-]*[0-9][A-Za-z0-9 ./_-]*$"
"""The pattern of profiles of earlier releases that named none: in force until another is put in force."""
_WORDS = """
a an the for of to and my in on investigation investigations investigate investigating investigative
inv invest criminal police patrol law enforcement official officer department business duty use work
case search searching look looking lookup check checking inquiry query test testing alpr lpr plate
vehicle car hit misc other reason purpose purposes needed unknown none na n asdf xxx
"""
BOILERPLATE = tuple(_WORDS.split())


class ProfileError(ValueError):
    """A profile that cannot be used; names the file, the line and the field."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; `spans` of it are text such as `30 days`."""


class Agency(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who follows these rules, and by what right; dates that people write are of `time_zone` (IANA).

    `boundary`: corners of the polygon that the agency's fixed cameras stand in, each latitude and longitude;
    none: where they stand is not compared.

    `law` is the state's law that `platestream policy check` goes through; empty: the order 41.37.
    """

    name: Text
    order: Text
    law: Law = ""
    state: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    time_zone: Text = "UTC"
    memorandum_to: Text
    memorandum_from: Text = "ALPR Administrator"
    boundary: list[tuple[Latitude, Longitude]] = []


class Retention(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a detection is kept from the capture of its image: 3 minutes to 150 days."""

    data: str
    citation: Text

    @property
    def span(self) -> timedelta:
        """`data` as a span."""
        return span(self.data)


class Inquiries(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What documents an inquiry: the form of a case number (RE2), letters that a reason has at least, and
    words, lower case, that alone are no reason. `case_required`: a reason alone documents no search."""

    case_number: Text = CASE_NUMBER
    case_required: bool = False
    reason_letters: Annotated[int, Meta(ge=1, le=1000)] = 5
    boilerplate: tuple[Text, ...] = BOILERPLATE


Vehicles24 = Annotated[int, Meta(ge=1, le=1_000_000)]


class Vehicles(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Different vehicles that a person is shown in 24 hours, by role; more takes a supervisor's act.

    `agency`: all people of one other agency together, whose names that agency gives.
    """

    officer: Vehicles24 = 200
    analyst: Vehicles24 = 1000
    supervisor: Vehicles24 = 1000
    agency: Vehicles24 = 500
    citation: Annotated[str, Meta(max_length=300)] = "F.1, I.3"


class Purposes(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nobody looks for (RE2 patterns, lower case), and the only purposes there are, if listed.

    `look_back` is the one of these that looking back for a new hot list entry serves. A search for one of
    `violation_for` names the violation that is investigated: one of `violations`, where they are listed.
    """

    prohibited: list[Text]
    allowed: list[Text] = []
    violation_for: list[Text] = []
    violations: list[Text] = []
    look_back: Annotated[str, Meta(max_length=300)] = ""
    citation: Text


class Sharing(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is demanded of other agencies: an MOU, a written declaration, and to be of the agency's state.

    A declaration is asked of all other agencies, or of those of `other_states` only; it holds for
    `declaration_holds` from its day (empty: for good), and its text is one of these, by SHA-256, signed by
    somebody (empty: any text).
    """

    mou_required: bool
    written_declaration: bool = False
    declaration_of: Literal["all", "other_states"] = "all"
    declaration_holds: str = ""
    declaration_texts: list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]] = []
    out_of_state: bool = True
    citation: Text


class Training(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When training must have been, to look."""

    renewed_every: str
    citation: Text


class Audit(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The audit of inquiries: how many, from when, and by which days of the year (MM-DD) it must be filed."""

    inquiries: Annotated[int, Meta(ge=1, le=10_000)]
    inquiries_from: str
    utilization_from: str
    utilization_days: Annotated[int, Meta(ge=1, le=366)] = 10
    due: Day | Annotated[list[Day], Meta(min_length=1, max_length=12)] = "12-31"
    certification: bool = False
    citation: Text


class Places(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where no camera may stand: kinds of places of the registry, and how far around them."""

    refused: tuple[PlaceKind, ...] = ()
    margin_m: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    citation: Annotated[str, Meta(max_length=300)] = ""


class Cameras(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frames of cameras that nobody approved: quarantined for a day, refused, or read (`watch`)."""

    unapproved: Literal["quarantine", "refuse", "watch"] = "quarantine"


class Alerts(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least confidence of a read, and of another reading of its plate, that may alert."""

    least_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.0
    least_alternative: Annotated[float, Meta(ge=0, le=1)] = 0.01


class Rhythm(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An audit or a report that comes round besides the yearly audit: see `schemas.rhythm.Demand`.

    An audit draws `inquiries` of those that were made in its period (0: all), of everybody or of other
    agencies only; a report asks for none (`audit = false`). With `camera_places` what is published says where
    cameras stand, else only how many there are.
    """

    every: str
    begins: date | None = None
    audit: bool = True
    inquiries: Annotated[int, Meta(ge=0, le=10_000)] = 0
    of: Literal["everybody", "others"] = "everybody"
    within: str = "0 days"
    publish: str = ""
    camera_places: bool = False
    citation: Text

    @property
    def demand(self) -> Demand:
        """What it asks."""
        return Demand(self.every, self.begins, self.audit, self.within, self.publish)


class SearchLog(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The search log in what is published: searches and people that a row has at least; 0: none is published.

    With one, searches are told apart in no report by less (`services.reports.search_log`).
    """

    least_searches: Annotated[int, Meta(ge=0, le=1000)] = 0
    least_people: Annotated[int, Meta(ge=1, le=1000)] = 3
    citation: Annotated[str, Meta(max_length=300)] = ""

    @property
    def published(self) -> bool:
        """Whether there is one."""
        return self.least_searches > 0


class Evidence(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The records retention schedule: name of a series, and how long it is kept."""

    schedules: dict[str, str]
    citation: Text


class Profile(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules of an agency."""

    agency: Agency
    retention: Retention
    inquiries: Inquiries = Inquiries()
    vehicles: Vehicles = Vehicles()
    purposes: Purposes
    sharing: Sharing
    training: Training
    audit: Audit
    places: Places = Places()
    cameras: Cameras = Cameras()
    alerts: Alerts = Alerts()
    rhythms: dict[RhythmName, Rhythm] = {}
    search_log: SearchLog = SearchLog()
    evidence: Evidence


def span(text: str) -> timedelta:
    """`30 days` as a span; a month is 30 days, a year 365. Raises ValueError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError("expected a number and minutes, hours, days, months or years, such as '30 days'")
    return int(match[1]) * _UNITS[match[2]]


def parse(text: str, name: str) -> Profile:
    """The profile in `text`; `name` is for messages. Raises ProfileError with line and field."""
    try:
        profile = msgspec.convert(read_toml(text), Profile)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}: {error}") from None
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        raise ProfileError(_refusal(text, name, where.rstrip("`"), message)) from None
    for field, said in faults(profile):
        raise ProfileError(_refusal(text, name, field, said))
    return profile


def faults(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield the fields whose values cannot be used, each with what is wrong."""
    for field, check in _CHECKS.items():
        section, key = field.split(".")
        try:
            check(getattr(getattr(profile, section), key))
        except (ValueError, re.error) as error:
            yield field, str(error)
    if profile.purposes.allowed and profile.purposes.look_back not in profile.purposes.allowed:
        yield "purposes.look_back", "is none of the allowed purposes"
    if strange := set(profile.purposes.violation_for) - set(profile.purposes.allowed):
        yield "purposes.violation_for", f"{min(strange)} is none of the allowed purposes"
    if not profile.sharing.out_of_state and not profile.agency.state:
        yield "agency", "`state` is missing, which `sharing.out_of_state = false` goes by"
    if profile.sharing.declaration_of == "other_states" and not profile.agency.state:
        yield "agency", '`state` is missing, which `sharing.declaration_of = "other_states"` goes by'
    for name, one in profile.rhythms.items():
        try:
            rhythm.check(one.demand)
        except ValueError as error:
            yield f"rhythms.{name}.every", str(error)
            continue
        if profile.search_log.published and one.publish and not one.demand.months:
            said = "with a search log, reports are of the calendar: periods of days would overlap its months"
            yield f"rhythms.{name}.every", said


def flat(profile: Profile) -> dict[str, object]:
    """Return every value of a profile by its dotted path, such as `evidence.schedules.felony`."""
    found: dict[str, object] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else key)
        else:
            found[path] = value

    walk(msgspec.to_builtins(profile), "")
    return found


def differences(before: Profile, after: Profile) -> list[str]:
    """Return what differs between two profiles, a sentence a value: `path: before -> after`."""
    old, new = flat(before), flat(after)
    return [
        f"{path}: {_shown(old.get(path))} -> {_shown(new.get(path))}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)


def _kept(text: str) -> None:
    if not SHORTEST <= span(text) <= LONGEST:
        raise ValueError("data are kept 3 minutes at least and 150 days at most")


def _holds(text: str) -> None:
    if text:
        span(text)


def _schedules(schedules: dict[str, str]) -> None:
    if not schedules:
        raise ValueError("no schedule: evidence needs one")
    for name, kept in schedules.items():
        try:
            span(kept)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def _patterns(patterns: list[str]) -> None:
    for pattern in patterns:
        re.compile(pattern)


def _pattern(pattern: str) -> None:
    re.compile(pattern)


def _due(days: str | list[str]) -> None:
    for day in [days] if isinstance(days, str) else days:
        date.fromisoformat(f"2023-{day}")


def _boundary(corners: list[tuple[float, float]]) -> None:
    if corners and len(set(corners)) < 3:
        raise ValueError("a boundary has three corners at least")


def _zone(name: str) -> None:
    if not is_zone(name):
        raise ValueError("is no IANA time zone, such as America/Phoenix")


_CHECKS: dict[str, Callable[[Any], object]] = {
    "agency.time_zone": _zone,
    "agency.boundary": _boundary,
    "retention.data": _kept,
    "inquiries.case_number": _pattern,
    "purposes.prohibited": _patterns,
    "sharing.declaration_holds": _holds,
    "training.renewed_every": span,
    "audit.inquiries_from": span,
    "audit.utilization_from": span,
    "audit.due": _due,
    "evidence.schedules": _schedules,
}


def _refusal(text: str, name: str, field: str, message: str) -> str:
    unknown = re.search(r"contains unknown field `(\w+)`", message)
    missing = re.search(r"missing required field `(\w+)`", message)
    line = _line(text, [*filter(None, field.split(".")), *([unknown[1]] if unknown else [])])
    where = f", line {line}" if line else ""
    told = f"{field}: " if field else ""
    return f"{name}{where}: {told}{f'`{missing[1]}` is missing' if missing else message}"


def _line(text: str, field: list[str]) -> int:
    """The line that the innermost known part of `field` is on; 0 when there is none."""
    wanted = [re.sub(r"\[.*", "", part) for part in field]
    section: list[str] = []
    best = (0, 0)
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([\w.-]+)\]", line):
            section = header[1].split(".")
            found = section
        elif key := re.match(r"\s*\"?([\w-]+)\"?\s*=", line):
            found = [*section, key[1]]
        else:
            continue
        if found == wanted[: len(found)] and len(found) > best[0]:
            best = (len(found), number)
    return best[1]


def due(profile: Profile, year: int) -> list[date]:
    """The days by which an audit of `year` must be filed, in order."""
    days = profile.audit.due
    return sorted(date.fromisoformat(f"{year}-{day}") for day in ([days] if isinstance(days, str) else days))


def cutoff(profile: Profile, now: datetime) -> datetime:
    """What was captured before must be gone."""
    return now - profile.retention.span
