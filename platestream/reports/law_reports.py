"""Public reports that a state's law requires: figures of a period, made by this program, and the log of their
publication with its place and its bytes.

Counts by purpose and violation are by the agency's own lists: other texts are counted as `other`, so that no
free text is published. A report has no plate, person or case. Small counts are exact, as in the transparency
report, because the laws ask for the numbers. Where the profile publishes a search log, searches are counted
by its rows, which are never small (`platestream.reports.search_log`). Days are UTC days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import msgspec

from platestream.access.door import Door
from platestream.audit.yearly.periodic import audits_between, period_of, rhythm_named
from platestream.edges.clickhouse_client import AUDITOR
from platestream.ledger import records
from platestream.reports import search_log, transparency
from platestream.reports.search_log import NOTHING_APART, Minimum, PersonSearches, SearchRow
from platestream.reports.transparency import Counts, Transparency
from platestream.schemas.acts import BROWSING
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import Profile
from platestream.schemas.rhythm import Published

OTHER, OWN, NONE = "other", "this agency", "none named"
_SEARCHES = """
SELECT toStartOfMonth(at) AS month, agency, purpose, violation, who, count() FROM platestream.inquiry_log
WHERE at >= {since:Date} AND at < {until:Date} AND outcome = 'allowed' AND NOT automatic
  AND kind IN {looks:Array(String)} GROUP BY month, agency, purpose, violation, who
"""
_STOPS = """
SELECT category, count() FROM (
    SELECT hit_id FROM platestream.hit_actions FINAL
    WHERE stopped AND at >= {since:Date} AND at < {until:Date} GROUP BY hit_id) AS stop
LEFT JOIN (SELECT hit_id, category FROM platestream.hit_facts FINAL) AS fact ON stop.hit_id = fact.hit_id
GROUP BY category ORDER BY category
"""
_REQUESTS = """
SELECT count() FROM platestream.inquiry_log WHERE at >= {since:Date} AND at < {until:Date}
  AND outcome = 'allowed' AND requester != '' AND kind IN {looks:Array(String)}
"""
_RULES = """
SELECT toString(toDate(at)), change FROM platestream.inquiry_log
WHERE at >= {since:Date} AND at < {until:Date} AND outcome = 'allowed' AND kind = 'rules' ORDER BY at
"""
_NOW = """
SELECT kind, id, name, JSONExtractBool(record, 'moves') AS moves, own,
    JSONExtractFloat(record, 'latitude') AS north, JSONExtractFloat(record, 'longitude') AS east
FROM platestream.registry FINAL WHERE active AND kind IN ('camera', 'agency', 'user') ORDER BY kind, id
"""
# Fields that describe the day of the report, not its period.
_OF_TODAY = ("made_at", "whole", "cameras", "cameras_registered", "agencies_with_access", "authorized_users")


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """A registered camera; one that moves has no place."""

    camera: str
    latitude: float | None
    longitude: float | None


class AuditResult(msgspec.Struct, frozen=True, kw_only=True):
    """An audit that was filed in the period: the number of audited inquiries, and of those that met the
    rules.
    """

    audit: str
    inquiries: int
    met: int
    data_errors: int


class PublicReport(msgspec.Struct, tag_field="schema", tag="public/1", frozen=True, kw_only=True):
    """The figures of one period of a rhythm. `not_kept` lists figures that a law may require and that are not
    recorded here.

    `cameras` is empty where the rhythm does not publish their places. `searches` are people's searches of
    stored data, by the agency's purposes and violations and by the searcher's agency; `search_log` is empty
    where the profile publishes none.
    """

    agency: str
    order: str
    rhythm: str
    period: str
    since: date
    until: date
    made_at: datetime
    whole: bool
    data_kept_days: float
    plates_scanned: int
    cameras_used: int
    alerts: dict[str, int]
    results: dict[str, int]
    hits_by_category: dict[str, int]
    stops_by_reason_of_alert: dict[str, int]
    alerts_shared_with: dict[str, int]
    searches: int
    searches_by_purpose: dict[str, int]
    searches_by_violation: dict[str, int]
    searches_by_agency: dict[str, int]
    search_log: list[SearchRow] = []
    search_log_least: dict[str, int] = {}
    searches_refused: int
    requests_from_outside: int
    findings_of_checks: dict[str, int]
    audits: list[AuditResult]
    rules_changed: list[str]
    authorized_users: int
    agencies_with_access: list[str]
    cameras_registered: int
    cameras: list[Camera]
    not_kept: tuple[str, ...] = (
        "subsequent prosecutions",
        "race, ethnicity, age and gender of people stopped: not kept here by intention",
        "which searches found something",
        "stops that officers did not record with the alert",
    )


@dataclass(frozen=True)
class Publication:
    """A logged publication."""

    entry: LedgerEntry
    published: Published


def figures(door: Door, name: str, period: str, now: datetime) -> PublicReport:
    """Return the figures of a period of a rhythm. The account needs the auditor's role; no act is needed.

    Raises RefusedError for an unknown rhythm or period, ProfileError and DatabaseError.
    """
    profile = door.rules.profile
    rhythm = rhythm_named(profile, name)
    found = period_of(door, name, period, now)
    days = transparency.Period(found.since.date(), max(found.until.date(), found.since.date()))
    if days.since == days.until:  # the first day of a rhythm of days
        raise RefusedError("period", f"{found.name} has no whole day yet")
    log = profile.search_log
    least = Minimum(log.least_searches, log.least_people) if log.published else None
    if least and not rhythm.demand.months:
        raise RefusedError("rhythm", "with a search log, reports are of the calendar: other periods overlap")
    transparency_report = transparency.figures(door, days, now)
    client = door.client(AUDITOR)
    asked: dict[str, Any] = {"since": days.since, "until": days.until, "looks": list(BROWSING)}
    counts = Counts(client, asked)
    registered = counts.rows(_NOW)
    agencies = {row[1]: bool(row[4]) for row in registered if row[0] == "agency"}
    asked_for = named(counts.rows(_SEARCHES), profile, agencies)
    searches = search_log.rows(asked_for, NOTHING_APART if least and now < found.until else least)
    return PublicReport(
        agency=profile.agency.name,
        order=profile.agency.order,
        rhythm=name,
        period=found.name,
        since=days.since,
        until=days.until,
        made_at=transparency_report.made_at,
        whole=found.until <= now,
        data_kept_days=transparency_report.data_kept_days,
        plates_scanned=transparency_report.plates_scanned,
        cameras_used=transparency_report.cameras_used,
        alerts=transparency_report.hits,
        results=transparency_report.by_result,
        hits_by_category=transparency_report.by_category,
        stops_by_reason_of_alert=counts.pairs(_STOPS),
        alerts_shared_with=transparency_report.alerts_shared_with,
        searches=sum(row.searches for row in searches),
        searches_by_purpose=search_log.by("purpose", searches),
        searches_by_violation=search_log.by("violation", searches),
        searches_by_agency=search_log.by("agency", searches),
        search_log=searches if least else [],
        search_log_least=least._asdict() if least else {},
        searches_refused=_refused(transparency_report),
        requests_from_outside=int(counts.rows(_REQUESTS)[0][0]),
        findings_of_checks=transparency_report.inquiry_findings,
        audits=[
            AuditResult(
                audit=f"{one.rhythm} {one.period}" if one.rhythm else f"yearly {one.year}",
                inquiries=one.inquiries,
                met=one.met,
                data_errors=one.data_errors,
            )
            for one in audits_between(client, found.since, found.until)
        ],
        rules_changed=[f"{day}: {change}" for day, change in counts.rows(_RULES)],
        authorized_users=sum(row[0] == "user" for row in registered),
        agencies_with_access=sorted(row[2] for row in registered if row[0] == "agency" and not row[4]),
        cameras_registered=sum(row[0] == "camera" for row in registered),
        cameras=[_camera(row) for row in registered if row[0] == "camera" and rhythm.camera_places],
    )


def publish(door: Door, name: str, period: str, where: str, content: bytes, now: datetime) -> Publication:
    """Log that `content`, a report that `as_json` made, was published at `where`.

    The time of the publication is the time of this act. Raises RefusedError, which is logged, where the file
    is no such report, is of another agency or period or of one that is not over, or has other figures than
    the records; RefusedInquiry and DatabaseError.
    """
    about = f"{name} {period}"
    with door.log_refusal("audit_publish", about, reason=f"Published at {where}"):
        _same(door, name, period, content, now)
        if not where.strip():
            raise RefusedError("where", "say where it was published, such as its address")
    digest = sha256(content).hexdigest()
    record = Published(rhythm=name, period=period, where=where.strip()[:500], sha256=digest)
    entry, permit = records.put(door, "audit_publish", record, reason=f"Published at {record.where}")
    records.store(permit, door, {f"public-{name}-{period}.json": content})
    return Publication(entry, record)


def _same(door: Door, name: str, period: str, content: bytes, now: datetime) -> None:
    try:
        report = msgspec.json.decode(content, type=PublicReport)
    except (msgspec.ValidationError, *NOT_JSON):
        raise RefusedError(
            "file", "is no report as `platestream report public` makes them: publish that file as it is"
        ) from None
    profile: Profile = door.rules.profile
    if (report.agency, report.rhythm, report.period) != (profile.agency.name, name, period):
        raise RefusedError("file", f"is of {report.agency}, {report.rhythm} {report.period}")
    if not report.whole:
        raise RefusedError("file", f"was made before {period} was over: make it anew")
    now_told = figures(door, name, period, now)
    differ = [
        field
        for field in PublicReport.__struct_fields__
        if field not in _OF_TODAY and getattr(report, field) != getattr(now_told, field)
    ]
    if differ:
        raise RefusedError(
            "file", f"says other figures than the records: {', '.join(differ)}; make it anew and publish that"
        )


def named(rows: Iterable[Any], profile: Profile, agencies: dict[str, bool]) -> Iterator[PersonSearches]:
    """Replace names that may not be published: a name in no list becomes `other`, an empty one `none named`.

    Rows have month, agency, purpose, violation, person and count; `agencies` are the registered ones, with
    True for this one.
    """
    for month, agency, purpose, violation, who, count in rows:
        yield PersonSearches(
            month,
            OWN if not agency or agencies.get(agency) else agency if agency in agencies else OTHER,
            _name(purpose, profile.purposes.allowed),
            _name(violation, profile.purposes.violations),
            who,
            int(count),
        )


def _name(name: str, names: list[str]) -> str:
    return name if name in names else OTHER if name else NONE


def _refused(report: Transparency) -> int:
    return sum(count for name, count in report.inquiries.items() if name.endswith(" refused"))


def _camera(row: Any) -> Camera:
    moves = bool(row[3])
    return Camera(
        camera=row[1], latitude=None if moves else float(row[5]), longitude=None if moves else float(row[6])
    )
