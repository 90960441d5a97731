"""Findings of the audit flow's checks of inquiries: who, when and which rule, never the content of a
search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.schemas.finding import Finding

_FIELDS = "finding_id, inquiry_id, at, who, agency, kind, rule, grade, detail"
_ABOUT = f"""
SELECT {_FIELDS} FROM platestream.inquiry_findings FINAL
WHERE inquiry_id IN {{inquiries:Array(UUID)}} ORDER BY at, rule
"""  # noqa: S608 - names of our own columns
_BREACHES = f"""
SELECT {_FIELDS} FROM platestream.inquiry_findings FINAL
WHERE at >= {{since:DateTime64(6, 'UTC')}} AND grade = 'breach' ORDER BY at DESC LIMIT {{most:UInt32}}
"""  # noqa: S608 - names of our own columns
_RULES = """
SELECT rule, grade, uniqExact(finding_id) AS findings, max(at) AS latest FROM platestream.inquiry_findings
WHERE at >= {since:DateTime64(6, 'UTC')}
GROUP BY rule, grade ORDER BY indexOf(['breach', 'unusual', 'note'], grade), findings DESC, rule
"""


@dataclass(frozen=True)
class RuleFindings:
    """The number of findings by one rule, and the time of the latest. `grade` is breach, unusual or note."""

    rule: str
    grade: str
    findings: int
    latest: datetime


def by_rule(client: Client, since: datetime) -> list[RuleFindings]:
    """Count the findings in inquiries made since then, breaches first. Raises DatabaseError."""
    return [RuleFindings(*row) for row in read_rows(client, "reading what was found", _RULES, since=since)]


def breaches(client: Client, since: datetime, most: int) -> list[Finding]:
    """Return the newest breaches in inquiries made since then, `most` at most. Raises DatabaseError."""
    return [
        _finding(row)
        for row in read_rows(client, "reading what was found", _BREACHES, since=since, most=most)
    ]


def about(client: Client, inquiries: Sequence[UUID]) -> Mapping[UUID, Sequence[Finding]]:
    """Return the findings of each of these inquiries; one without findings has no key. Raises
    DatabaseError.
    """
    found: dict[UUID, list[Finding]] = {}
    for row in read_rows(client, "reading what was found", _ABOUT, inquiries=[str(one) for one in inquiries]):
        finding = _finding(row)
        found.setdefault(finding.inquiry_id, []).append(finding)
    return found


def _finding(row: Sequence[Any]) -> Finding:
    return Finding(**dict(zip(_FIELDS.split(", "), row, strict=True)))
