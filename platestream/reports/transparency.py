"""The transparency report: figures of a period about the agency's use of ALPR, without plates.

All figures are counted from records that outlive the retention period: use by day, hits without their plates,
officers' steps, inquiries, deliveries, and the registry. The definitions are in
docs/how-to/supervisor/shifts-and-reports.md and beside the figures. They are for the auditor's role and need
no act: they have no plate, person, case or camera.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from math import sqrt
from typing import Any, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows, run
from platestream.schemas.acts import BROWSING
from platestream.schemas.message import RefusedError

Z = 1.959964  # quantile of the 95 % interval

OF_SCANS = """
FROM (
    SELECT day, camera_id, max(passes) AS most FROM (
        SELECT day, camera_id, passes FROM platestream.utilization FINAL
        UNION ALL
        SELECT toDate(captured_at) AS day, camera_id, uniqExact(detection_id) AS passes
        FROM platestream.detections GROUP BY day, camera_id)
    WHERE day >= {since:Date} AND day < {until:Date} GROUP BY day, camera_id)
"""
_SCANNED = f"SELECT sum(most), uniqExact(camera_id) {OF_SCANS}"
OF_HITS = """
FROM platestream.hit_states AS hit
WHERE captured_at >= {since:Date} AND captured_at < {until:Date} AND source != '' AND NOT hit.historical
"""
_HITS = f"""
SELECT count() AS alerts,
    countIf(visual = '') AS not_verified, countIf(visual != '') AS verified,
    countIf(visual = 'confirmed') AS plate_and_state_confirmed,
    countIf(visual = 'misread') AS misread, countIf(visual = 'wrong_state') AS wrong_state,
    countIf(current = 'yes') AS confirmed_current, countIf(current = 'no') AS not_current,
    countIf(visual IN ('misread', 'wrong_state') OR current = 'no') AS not_correlated,
    countIf(status = 'acted') AS action_taken, countIf(status = 'closed') AS no_action,
    countIf(hit.actionable) AS actionable, countIf(result = 'arrest') AS arrests,
    countIf(hit.disputed) AS disputed
{OF_HITS}
"""
_NO_ALERTS = """
SELECT
    (SELECT uniqExact(hit_id) FROM platestream.hit_facts
    WHERE captured_at >= {since:Date} AND captured_at < {until:Date} AND historical) AS historical,
    (SELECT uniqExact(hit_id) FROM platestream.deliveries
    WHERE captured_at >= {since:Date} AND captured_at < {until:Date} AND outcome = 'disproved')
    AS disproved_before
"""
_BY = {
    name: f"SELECT toString({column}) AS name, count() {OF_HITS} GROUP BY name ORDER BY name"
    for name, column in (
        ("by_source", "source"),
        ("by_category", "category"),
        ("by_match", "match"),
        ("by_result", "if(result = '', 'none', result)"),
    )
}
_TOLD = """
SELECT outcome, count(), quantileExactIf(0.5)(seconds, outcome = 'delivered') AS middle,
    quantileExactIf(0.99)(seconds, outcome = 'delivered') AS slow
FROM platestream.deliveries FINAL WHERE at >= {since:Date} AND at < {until:Date} GROUP BY outcome ORDER BY
outcome
"""
_SHARED = """
SELECT agency, count() FROM platestream.deliveries FINAL
WHERE agency != '' AND outcome = 'delivered' AND at >= {since:Date} AND at < {until:Date}
GROUP BY agency ORDER BY agency
"""
# People's searches, their other acts, and automatic acts are counted separately.
_INQUIRIES = """
SELECT multiIf(automatic, 'automatic_acts', kind IN {looks:Array(String)}, 'inquiries', 'other_acts') AS part,
    concat(kind, ' ', outcome) AS name, count() FROM platestream.inquiry_log
WHERE at >= {since:Date} AND at < {until:Date} GROUP BY part, name ORDER BY part, name
"""
_FINDINGS = """
SELECT grade, uniqExact(finding_id) FROM platestream.inquiry_findings
WHERE at >= {since:Date} AND at < {until:Date} GROUP BY grade ORDER BY grade
"""
_SITES = """
SELECT rule, uniqExact(camera_id) FROM platestream.deployment_findings
WHERE day >= {since:Date} AND day < {until:Date} GROUP BY rule ORDER BY rule
"""
_REGISTERED = """
SELECT countIf(kind = 'camera' AND active AND approved_by != '') AS cameras_approved,
    countIf(kind = 'camera' AND active AND approved_by = '') AS cameras_not_approved,
    countIf(kind = 'user' AND active) AS users,
    countIf(kind = 'agency' AND active AND NOT own AND mou_from > toDateTime64(0, 3)
        AND (mou_until <= toDateTime64(0, 3) OR mou_until > now64(3))) AS agencies_with_mou
FROM platestream.registry FINAL
"""
_INCIDENTS = """
SELECT outcome, count() FROM platestream.deployments
WHERE kind = 'incident' AND since >= {since:Date} AND since < {until:Date} GROUP BY outcome ORDER BY outcome
"""
_DETAILS = """
SELECT if(approved_by = '', 'not approved', 'approved') AS name, count() FROM platestream.deployments
WHERE kind = 'detail' AND since < {until:Date} AND until >= {since:Date} GROUP BY name ORDER BY name
"""


@dataclass(frozen=True)
class Period:
    """A period from `since` up to and excluding `until`; days in UTC."""

    since: date
    until: date

    @classmethod
    def half(cls, text: str) -> "Period":
        """Parse a half-year, `2026-1` or `2026-2`. Raises RefusedError."""
        match = re.fullmatch(r"(20\d\d)-([12])", text)
        if match is None:
            raise RefusedError("period", "a half-year is written 2026-1 or 2026-2")
        year = int(match[1])
        if match[2] == "1":
            return cls(date(year, 1, 1), date(year, 7, 1))
        return cls(date(year, 7, 1), date(year + 1, 1, 1))


class Counts(NamedTuple):
    """Queries for the figures of one period."""

    client: Client
    asked: dict[str, Any]

    def rows(self, sql: str) -> list[Any]:
        """Return the rows of a query."""
        return list(read_rows(self.client, "counting", sql, **self.asked))

    def pairs(self, sql: str) -> dict[str, int]:
        """Return a count for each name."""
        return {str(name): int(count) for name, count in self.rows(sql)}

    def named(self, sql: str) -> dict[str, int]:
        """Return a count for each column of one row."""
        result = run("counting", partial(self.client.query, sql, parameters=self.asked))
        return {name: int(value) for row in result.named_results() for name, value in row.items()}

    def parts(self, sql: str) -> dict[str, dict[str, int]]:
        """Return counts by part and name."""
        found: dict[str, dict[str, int]] = {}
        for part, name, count in self.rows(sql):
            found.setdefault(part, {})[name] = int(count)
        return found


class Transparency(msgspec.Struct, tag_field="schema", tag="transparency/1", frozen=True, kw_only=True):
    """The figures of a period, with counts by name. `whole`: the period is over.

    `inquiries` are people's searches of stored data, `other_acts` are their other acts, and `automatic_acts`
    those of system jobs.
    """

    agency: str
    since: date
    until: date
    made_at: datetime
    whole: bool
    data_kept_days: float
    plates_scanned: int
    cameras_used: int
    hits: dict[str, int]
    hits_share: float | None
    field_precision: dict[str, float] | None
    by_source: dict[str, int]
    by_category: dict[str, int]
    by_match: dict[str, int]
    by_result: dict[str, int]
    notifications: dict[str, int]
    notified_within_s: dict[str, float] | None
    alerts_shared_with: dict[str, int]
    inquiries: dict[str, int]
    other_acts: dict[str, int]
    automatic_acts: dict[str, int]
    inquiry_findings: dict[str, int]
    registry_now: dict[str, int]
    incidents: dict[str, int]
    special_details: dict[str, int]
    cameras_with_findings: dict[str, int]


def figures(door: Door, period: Period, now: datetime) -> Transparency:
    """Return all figures of a period. The account needs the auditor's role; no act is needed.

    Raises RefusedError for a period that ends before it begins, ProfileError and DatabaseError.
    """
    if period.until <= period.since:
        raise RefusedError("period", "the period ends before it begins")
    profile = door.rules.profile
    times: dict[str, Any] = {"since": period.since, "until": period.until, "looks": list(BROWSING)}
    counts = Counts(door.client(AUDITOR), times)
    ((scanned, cameras),) = counts.rows(_SCANNED)
    hits = {**counts.named(_HITS), **counts.named(_NO_ALERTS)}
    notifications, acts = counts.rows(_TOLD), counts.parts(_INQUIRIES)
    by = {name: counts.pairs(sql) for name, sql in _BY.items()}
    return Transparency(
        agency=profile.agency.name,
        since=period.since,
        until=period.until,
        made_at=now.replace(microsecond=0),
        whole=period.until <= now.date(),
        data_kept_days=profile.retention.span / timedelta(days=1),
        plates_scanned=int(scanned or 0),
        cameras_used=int(cameras),
        hits=hits,
        hits_share=round(hits["alerts"] / scanned, 8) if scanned else None,
        field_precision=precision(hits["plate_and_state_confirmed"], hits["verified"]),
        **by,
        notifications={str(row[0]): int(row[1]) for row in notifications},
        notified_within_s=_within(notifications),
        alerts_shared_with=counts.pairs(_SHARED),
        inquiries=acts.get("inquiries", {}),
        other_acts=acts.get("other_acts", {}),
        automatic_acts=acts.get("automatic_acts", {}),
        inquiry_findings=counts.pairs(_FINDINGS),
        registry_now=counts.named(_REGISTERED),
        incidents=counts.pairs(_INCIDENTS),
        special_details=counts.pairs(_DETAILS),
        cameras_with_findings=counts.pairs(_SITES),
    )


def _within(rows: list[Any]) -> dict[str, float] | None:
    """Return the seconds within which half, and 99 in 100, of the delivered notifications were delivered."""
    for outcome, _count, middle, slow in rows:
        if outcome == "delivered":
            return {"half": round(middle, 2), "99 in 100": round(slow, 2)}
    return None


def precision(right: int, of: int) -> dict[str, float] | None:
    """Return a share with Wilson's interval (95 %); None of zero.

    >>> precision(8, 10)
    {'share': 0.8, 'low': 0.4902, 'high': 0.9433}
    """
    if of == 0:
        return None
    share = right / of
    middle = share + Z * Z / (2 * of)
    half = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    whole = 1 + Z * Z / of
    return {
        "share": round(share, 4),
        "low": round(max(0.0, (middle - half) / whole), 4),
        "high": round(min(1.0, (middle + half) / whole), 4),
    }


def markdown(report: Transparency) -> str:
    """Format the report as Markdown."""
    return "\n".join(_page(report)) + "\n"


def as_json(report: msgspec.Struct) -> str:
    """Format the figures of a report as indented JSON, which is published."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def _page(report: Transparency) -> Iterator[str]:
    last = report.until - timedelta(days=1)
    yield f"# Use of license plate readers: {report.agency}"
    yield ""
    yield f"{report.since} to {last}. Made on {report.made_at:%Y-%m-%d}."
    if not report.whole:
        yield "**The period is not over: figures are of what there is so far.**"
    yield (
        "An alert hit is a lead, never a ground for a stop. Plates and pictures are deleted "
        f"{report.data_kept_days:g} days after the picture was taken; this report holds none."
    )
    yield ""
    for title, rows in tables(report):
        yield from _table(title, rows)
        if title == CAME and (right := right_of_verified(report)):
            yield right
            yield ""


def tables(report: Transparency) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the figures under their titles, in words, without empty ones."""
    hits = report.hits
    yield (
        "What was seen",
        {
            "plates scanned (vehicle passes)": report.plates_scanned,
            "cameras used": report.cameras_used,
            "alert hits": hits["alerts"],
            "finds of look-backs over stored data": hits["historical"],
        },
    )
    yield CAME, {text: hits[name] for name, text in CAMEOF_HITS.items()}
    for name, title in TABLES.items():
        if rows := getattr(report, name):
            yield title, {key.replace("_", " "): count for key, count in rows.items()}


def right_of_verified(report: Transparency) -> str:
    """Return the share of correct hits among the verified ones, in a sentence; empty where none was
    verified.
    """
    share = report.field_precision
    if share is None:
        return ""
    return (
        f"Of the hits that were compared with the vehicle, {share['share']:.1%} were right "
        f"(95 % interval {share['low']:.1%} to {share['high']:.1%})."
    )


CAME = "What came of the hits"
CAMEOF_HITS = {
    "verified": "compared with the vehicle by an officer",
    "plate_and_state_confirmed": "- plate and state of issue confirmed",
    "misread": "- misread",
    "wrong_state": "- another state of issue",
    "confirmed_current": "entry confirmed as current",
    "not_current": "entry no longer current",
    "not_correlated": "not correlated (misread, other state, or not current)",
    "not_verified": "never verified",
    "disproved_before": "found wrong before and not sent to phones",
    "action_taken": "action taken",
    "actionable": "marked as Actionable ALPR Hit Related",
    "arrests": "arrests",
}
TABLES = {
    "by_source": "Hits by list",
    "by_category": "Hits by category",
    "by_match": "Hits by way of matching",
    "by_result": "Results",
    "notifications": "Notifications by outcome",
    "alerts_shared_with": "Alerts shared with agencies under an MOU",
    "inquiries": "Inquiries of people into stored data",
    "other_acts": "Other acts of people",
    "automatic_acts": "What the machine did by itself (look-backs, imports, retention)",
    "inquiry_findings": "Findings of the checks on inquiries",
    "cameras_with_findings": "Cameras with findings on their approval",
    "special_details": "Special details",
    "incidents": "Incidents on record",
    "registry_now": "Registered today",
}


def _table(title: str, rows: dict[str, int]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| | |"
    yield "|---|---:|"
    for name, count in rows.items():
        yield f"| {name} | {count:,} |"
    yield ""
