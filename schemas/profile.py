"""An agency's rules as TOML: retention, inquiries, purposes, MOUs, audits, places, evidence schedules.

An error in a profile is reported with its line. `platestream.access.profiles` finds the file. The rules in
force are not the file but the text in the database (`platestream.schemas.gate_rules.AgencyRules`).
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from platestream.schemas import rhythm
from platestream.schemas.acts import ROLES, Role
from platestream.schemas.fields import is_zone
from platestream.schemas.rhythm import Demand, RhythmName
from platestream.schemas.spans import parse_span
from platestream.schemas.toml import read_toml

SHORTEST, LONGEST = timedelta(minutes=3), timedelta(days=150)

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
Law = Literal["", "virginia", "new-jersey", "oregon", "washington"]
PlaceKind = Literal["health_facility", "immigration", "school", "worship", "court", "food_bank", "other"]
Day = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-([0-2]\d|3[01])$")]

CASE_NUMBER = r"(?i)^([A-Z]{1,5}[ ./_-]?)?([0-9]{2}|[0-9]{4})[ ./_-]?([A-Z]{1,4}[ ./_-]?)?[0-9]{2,8}$"
"""Letters, year, letters and number: 26-001234, SJ26-004502, 26-CV-18, 20260113."""
ANYTHING_WITH_A_DIGIT = r"^[A-Za-z0-9 ./_-]*[0-9][A-Za-z0-9 ./_-]*$"
"""Default pattern of earlier releases, in force until another one is put in force."""
_WORDS = """
a an the for of to and my in on investigation investigations investigate investigating investigative
inv invest criminal police patrol law enforcement official officer department business duty use work
case search searching look looking lookup check checking inquiry query test testing alpr lpr plate
vehicle car hit misc other reason purpose purposes needed unknown none na n asdf xxx
"""
BOILERPLATE = tuple(_WORDS.split())


class ProfileError(ValueError):
    """An invalid profile; the message names the file, the line and the field."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; spans of time are text such as `30 days`."""


class Agency(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agency, and the law or order that it follows. Dates in its documents are in `time_zone` (IANA).

    `boundary`: corners of the polygon within which the agency's fixed cameras are, and cameras that move are
    read, each as latitude and longitude; if empty, locations are not compared. `law`: the state law that
    `platestream policy check` goes through; empty: order 41.37.
    """

    name: Text
    order: Text
    law: Law = ""
    state: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    time_zone: Text = "UTC"
    memorandum_to: Text
    memorandum_from: Text = "ALPR Administrator"
    boundary: list[tuple[Latitude, Longitude]] = []

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)


class Retention(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The retention of a detection from the capture of its image: 3 minutes to 150 days."""

    data: str
    citation: Text

    @property
    def span(self) -> timedelta:
        """`data` as a span of time; a month is 30 days."""
        return parse_span(self.data).fixed


class Inquiries(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The documentation that an inquiry needs.

    It is the form of a case number (RE2), the least number of letters of a reason, and words in lower case
    that alone are no reason. `case_required`: a reason alone does not document a search.
    """

    case_number: Text = CASE_NUMBER
    case_required: bool = False
    reason_letters: Annotated[int, Meta(ge=1, le=1000)] = 5
    boilerplate: tuple[Text, ...] = BOILERPLATE


Vehicles24 = Annotated[int, Meta(ge=1, le=1_000_000)]


class Vehicles(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of different vehicles that a person is shown in 24 hours, by role.

    A supervisor's act can raise it. `agency`: the number for all people of one other agency together, whose
    names that agency supplies.
    """

    officer: Vehicles24 = 200
    analyst: Vehicles24 = 1000
    supervisor: Vehicles24 = 1000
    agency: Vehicles24 = 500
    citation: Annotated[str, Meta(max_length=300)] = "F.1, I.3"


class Purposes(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prohibited purposes (RE2 patterns, lower case) and, if listed, the only allowed ones.

    `look_back` is the allowed purpose of a look-back for a new hot list entry. A search for one of
    `violation_for` names the violation under investigation: one of `violations`, if they are listed.
    """

    prohibited: list[Text]
    allowed: list[Text] = []
    violation_for: list[Text] = []
    violations: list[Text] = []
    look_back: Annotated[str, Meta(max_length=300)] = ""
    citation: Text


class Sharing(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The demands on other agencies: an MOU, a written declaration, and the agency's own state.

    A declaration is required of all other agencies, or of those of `other_states` only. It is valid for
    `declaration_holds` from its day (empty: without end). Its text is one of `declaration_texts` by SHA-256
    (empty: any text), and is signed.

    With `send_reads` this agency's own systems may be sent all reads as they come, of registered cameras
    that do not move, and without pictures.
    """

    mou_required: bool
    written_declaration: bool = False
    declaration_of: Literal["all", "other_states"] = "all"
    declaration_holds: str = ""
    declaration_texts: list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]] = []
    out_of_state: bool = True
    send_reads: bool = False
    citation: Text


class Training(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The longest time since the training of a person who makes an inquiry."""

    renewed_every: str
    citation: Text


class Audit(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The audit of inquiries: sample size, periods, and deadlines as days of the year (MM-DD)."""

    inquiries: Annotated[int, Meta(ge=1, le=10_000)]
    inquiries_from: str
    utilization_from: str
    utilization_days: Annotated[int, Meta(ge=1, le=366)] = 10
    due: Day | Annotated[list[Day], Meta(min_length=1, max_length=12)] = "12-31"
    certification: bool = False
    citation: Text


class SignIn(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people who sign in to the console with a second factor: `everybody`, `nobody`, or those with one of
    the listed roles.

    Without it nobody has to, as before this rule; a person who has set up a second factor always needs it.
    `programs`: acts that ask a person for the second factor again, and that programs with a token of that
    person and commands may do without it. `command_line_hours`: the life of a command line's sign-in.
    `notice`: terms of use on the pages of sign-in, instead of the built-in text.
    """

    second_factor: Literal["everybody", "nobody"] | tuple[Role, ...] | None = None
    programs: tuple[Literal["hit_dispose", "hotlist_import"], ...] = ()
    command_line_hours: Annotated[int, Meta(ge=1, le=24)] = 8
    notice: Annotated[str, Meta(max_length=2000)] = ""
    citation: Annotated[str, Meta(max_length=300)] = ""

    def requires_second_factor(self, roles: Iterable[str]) -> bool:
        """Return whether a person with these roles needs a second factor. A person without a role may do
        nothing, and needs none.
        """
        if self.second_factor is None or self.second_factor == "nobody":
            return False
        return bool(set(roles) & set(ROLES if self.second_factor == "everybody" else self.second_factor))


class Places(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places where no camera may be: kinds of places of the registry, and a margin around them in meters."""

    refused: tuple[PlaceKind, ...] = ()
    margin_m: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    citation: Annotated[str, Meta(max_length=300)] = ""


class Cameras(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handling of frames from unapproved cameras: quarantine for a day, refusal, or reading (`watch`)."""

    unapproved: Literal["quarantine", "refuse", "watch"] = "quarantine"


CameraReads = Literal["either", "reader", "agree"]


class Alerts(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least confidence of a read, and of another reading of its plate, for an alert.

    `disproved_for`: how long a pair of plate and entry that an officer found wrong is remembered, so that its
    next hits are not sent to phones; empty: as long as the data are stored, which is the longest.

    Of cameras that read by themselves, a hit is made of what `either` reads, of what the `reader` reads, or
    only where both `agree`. With `unseen` a read that came without a picture may alert alone.
    """

    least_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.0
    least_alternative: Annotated[float, Meta(ge=0, le=1)] = 0.01
    disproved_for: Annotated[str, Meta(max_length=50)] = ""
    camera_reads: CameraReads = "either"
    unseen: bool = False


class Rhythm(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recurring audit or report besides the yearly audit: see `platestream.schemas.rhythm.Demand`.

    An audit draws `inquiries` of those made in its period (0: all), of everybody or of other agencies only; a
    report draws none (`audit = false`). With `camera_places` a publication gives the locations of the
    cameras, else only their number.
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
        """The demand of this rhythm."""
        return Demand(self.every, self.begins, self.audit, self.within, self.publish)


class SearchLog(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The search log in publications: the least number of searches and people in a row; 0: none is published.

    If it is published, no report distinguishes searches by less (`platestream.reports.search_log`).
    """

    least_searches: Annotated[int, Meta(ge=0, le=1000)] = 0
    least_people: Annotated[int, Meta(ge=1, le=1000)] = 3
    citation: Annotated[str, Meta(max_length=300)] = ""

    @property
    def published(self) -> bool:
        """True if a search log is published."""
        return self.least_searches > 0


class Evidence(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The records retention schedule: the names of the series and their retention."""

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
    sign_in: SignIn = SignIn()
    places: Places = Places()
    cameras: Cameras = Cameras()
    alerts: Alerts = Alerts()
    rhythms: dict[RhythmName, Rhythm] = {}
    search_log: SearchLog = SearchLog()
    evidence: Evidence

    @property
    def disproved_for(self) -> timedelta:
        """The time for which a disproved pair of plate and entry is remembered."""
        return (
            parse_span(self.alerts.disproved_for).fixed if self.alerts.disproved_for else self.retention.span
        )


def parse(text: str, name: str) -> Profile:
    """Return the profile in `text`; `name` is for messages. Raises ProfileError with line and field."""
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
    """Yield the fields with unusable values, each with a description of the fault."""
    refused = set()
    for field, check in _CHECKS.items():
        section, key = field.split(".")
        try:
            check(getattr(getattr(profile, section), key))
        except (ValueError, re.error) as error:
            refused.add(field)
            yield field, str(error)
    if profile.purposes.allowed and profile.purposes.look_back not in profile.purposes.allowed:
        yield "purposes.look_back", "is none of the allowed purposes"
    if (
        not refused & {"retention.data", "alerts.disproved_for"}
        and profile.disproved_for > profile.retention.span
    ):
        yield "alerts.disproved_for", "is longer than the data are stored, and a pair is of stored data"
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


def flatten(profile: Profile) -> dict[str, object]:
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
    """Return the differences between two profiles, each as `path: before -> after`."""
    old, new = flatten(before), flatten(after)
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
    if not SHORTEST <= parse_span(text).fixed <= LONGEST:
        raise ValueError("data are kept 3 minutes at least and 150 days at most")


def _holds(text: str) -> None:
    if text:
        parse_span(text)


def _schedules(schedules: dict[str, str]) -> None:
    if not schedules:
        raise ValueError("no schedule: evidence needs one")
    for name, period in schedules.items():
        try:
            parse_span(period)
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
    "training.renewed_every": parse_span,
    "alerts.disproved_for": _holds,
    "audit.inquiries_from": parse_span,
    "audit.utilization_from": parse_span,
    "audit.due": _due,
    "evidence.schedules": _schedules,
}


def _refusal(text: str, name: str, field: str, message: str) -> str:
    unknown = re.search(r"contains unknown field `(\w+)`", message)
    missing = re.search(r"missing required field `(\w+)`", message)
    line = _line(text, [*filter(None, field.split(".")), *([unknown[1]] if unknown else [])])
    where = f", line {line}" if line else ""
    place = f"{field}: " if field else ""
    return f"{name}{where}: {place}{f'`{missing[1]}` is missing' if missing else message}"


def _line(text: str, field: list[str]) -> int:
    """Return the line of the innermost known part of `field`, or 0 if there is none."""
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
    """Return the days by which an audit of `year` must be filed, in order."""
    days = profile.audit.due
    return sorted(date.fromisoformat(f"{year}-{day}") for day in ([days] if isinstance(days, str) else days))
