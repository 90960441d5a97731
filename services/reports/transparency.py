"""What an agency can publish of its use of ALPR: figures of a period, and no plate in them.

All are counted from what outlives the 30 days: use by day, hits without their plates, what officers recorded,
inquiries, deliveries, the registry. Definitions stand in docs/hits.md and beside the figures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import sqrt
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from schemas.message import RefusedError

Z = 1.959964  # 95 %

_SCANNED = """
SELECT sum(most), uniqExact(camera_id) FROM (
    SELECT day, camera_id, max(passes) AS most FROM (
        SELECT day, camera_id, passes FROM platestream.utilization FINAL
        UNION ALL
        SELECT toDate(captured_at) AS day, camera_id, uniqExact(detection_id) AS passes
        FROM platestream.detections GROUP BY day, camera_id)
    WHERE day >= {since:Date} AND day < {until:Date} GROUP BY day, camera_id)
"""
_OF_HITS = """
FROM platestream.hit_states AS hit
WHERE captured_at >= {since:Date} AND captured_at < {until:Date} AND source != ''
"""
_HITS = f"""
SELECT countIf(NOT hit.historical) AS alerts, countIf(hit.historical) AS historical,
    countIf(visual = '') AS not_verified, countIf(visual != '') AS verified,
    countIf(visual = 'confirmed') AS plate_and_state_confirmed,
    countIf(visual = 'misread') AS misread, countIf(visual = 'wrong_state') AS wrong_state,
    countIf(current = 'yes') AS confirmed_current, countIf(current = 'no') AS not_current,
    countIf(visual IN ('misread', 'wrong_state') OR current = 'no') AS not_correlated,
    countIf(status = 'acted') AS action_taken, countIf(status = 'closed') AS no_action,
    countIf(hit.actionable) AS actionable, countIf(result = 'arrest') AS arrests,
    countIf(hit.disputed) AS disputed
{_OF_HITS}
"""
_BY = {
    name: f"SELECT toString({column}) AS name, count() {_OF_HITS} GROUP BY name ORDER BY name"
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
_INQUIRIES = """
SELECT concat(kind, ' ', outcome) AS name, count() FROM platestream.inquiry_log
WHERE at >= {since:Date} AND at < {until:Date} GROUP BY name ORDER BY name
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
    """From `since` up to, and not with, `until`; days in UTC."""

    since: date
    until: date

    @classmethod
    def half(cls, text: str) -> "Period":
        """`2026-1` or `2026-2`. Raises RefusedError."""
        match = re.fullmatch(r"(20\d\d)-([12])", text)
        if match is None:
            raise RefusedError("period", "a half-year is written 2026-1 or 2026-2")
        year = int(match[1])
        if match[2] == "1":
            return cls(date(year, 1, 1), date(year, 7, 1))
        return cls(date(year, 7, 1), date(year + 1, 1, 1))


def figures(client: Client, period: Period, agency: str, kept_days: float) -> dict[str, Any]:
    """All figures of a period, by name. `client` needs the auditor's role."""
    if period.until <= period.since:
        raise RefusedError("period", "the period ends before it begins")
    asked = {"since": period.since, "until": period.until}

    def rows(sql: str) -> list[Any]:
        return list(run("counting", partial(client.query, sql, parameters=asked)).result_rows)

    def pairs(sql: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in rows(sql)}

    def named(sql: str) -> dict[str, int]:
        answer = run("counting", partial(client.query, sql, parameters=asked))
        return {name: int(value) for row in answer.named_results() for name, value in row.items()}

    ((scanned, cameras),) = rows(_SCANNED)
    hits = named(_HITS)
    told = rows(_TOLD)
    delivered = next((row for row in told if row[0] == "delivered"), None)
    return {
        "schema": "transparency/1",
        "agency": agency,
        "since": period.since,
        "until": period.until,
        "made_at": datetime.now(UTC).replace(microsecond=0),
        "whole": period.until <= datetime.now(UTC).date(),
        "data_kept_days": kept_days,
        "plates_scanned": int(scanned or 0),
        "cameras_used": int(cameras),
        "hits": hits,
        "hits_share": round(hits["alerts"] / scanned, 8) if scanned else None,
        "field_precision": precision(hits["plate_and_state_confirmed"], hits["verified"]),
        **{name: pairs(sql) for name, sql in _BY.items()},
        "notifications": {str(row[0]): int(row[1]) for row in told},
        "notified_within_s": None
        if delivered is None
        else {"half": round(delivered[2], 2), "99 in 100": round(delivered[3], 2)},
        "alerts_shared_with": pairs(_SHARED),
        "inquiries": pairs(_INQUIRIES),
        "inquiry_findings": pairs(_FINDINGS),
        "registry_now": named(_REGISTERED),
        "incidents": pairs(_INCIDENTS),
        "special_details": pairs(_DETAILS),
        "cameras_with_findings": pairs(_SITES),
    }


def precision(right: int, of: int) -> dict[str, float] | None:
    """A share with Wilson's interval (95 %); None of nothing.

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


def markdown(told: dict[str, Any]) -> str:
    """The report as a page."""
    return "\n".join(_page(told)) + "\n"


def _page(told: dict[str, Any]) -> Iterator[str]:
    last = told["until"] - timedelta(days=1)
    hits = told["hits"]
    yield f"# Use of licence plate readers: {told['agency']}"
    yield ""
    yield f"{told['since']} to {last}. Made on {told['made_at']:%Y-%m-%d}."
    if not told["whole"]:
        yield "**The period is not over: figures are of what there is so far.**"
    yield (
        "An alert hit is a lead, never a ground for a stop. Plates and pictures are deleted "
        f"{told['data_kept_days']:g} days after the picture was taken; this report holds none."
    )
    yield ""
    yield from _table(
        "What was seen",
        {
            "plates scanned (vehicle passes)": told["plates_scanned"],
            "cameras used": told["cameras_used"],
            "alert hits": hits["alerts"],
            "finds of look-backs over stored data": hits["historical"],
        },
    )
    yield from _table(
        "What came of the hits",
        {
            "compared with the vehicle by an officer": hits["verified"],
            "- plate and state of issue confirmed": hits["plate_and_state_confirmed"],
            "- misread": hits["misread"],
            "- another state of issue": hits["wrong_state"],
            "entry confirmed as current": hits["confirmed_current"],
            "entry no longer current": hits["not_current"],
            "not correlated (misread, other state, or not current)": hits["not_correlated"],
            "never verified": hits["not_verified"],
            "action taken": hits["action_taken"],
            "marked as Actionable ALPR Hit Related": hits["actionable"],
            "arrests": hits["arrests"],
        },
    )
    if share := told["field_precision"]:
        yield (
            f"Of the hits that were compared with the vehicle, {share['share']:.1%} were right "
            f"(95 % interval {share['low']:.1%} to {share['high']:.1%})."
        )
        yield ""
    for title, name in (
        ("Hits by list", "by_source"),
        ("Hits by category", "by_category"),
        ("Hits by way of matching", "by_match"),
        ("Results", "by_result"),
        ("Notifications by outcome", "notifications"),
        ("Alerts shared with agencies under an MOU", "alerts_shared_with"),
        ("Inquiries into stored data", "inquiries"),
        ("Findings of the checks on inquiries", "inquiry_findings"),
        ("Cameras with findings on their approval", "cameras_with_findings"),
        ("Special details", "special_details"),
        ("Incidents on record", "incidents"),
        ("Registered today", "registry_now"),
    ):
        if told[name]:
            yield from _table(title, {key.replace("_", " "): count for key, count in told[name].items()})


def _table(title: str, rows: dict[str, int]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| | |"
    yield "|---|---:|"
    for name, count in rows.items():
        yield f"| {name} | {count:,} |"
    yield ""


def as_json(told: dict[str, Any]) -> str:
    """The figures as JSON, a page of it."""
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"
