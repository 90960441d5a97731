"""What the checks look at, and what one of them says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors.changelog import newest
from connectors.clickhouse_client import run
from connectors.edge import Topics
from connectors.query_log import LOG
from schemas import topics
from schemas.hotlist import HotListEntry
from schemas.message import RefusedError
from schemas.profile import Profile, span

NAMED = 5  # ids that a fault names; the rest are counted


@dataclass(frozen=True)
class Live:
    """An agency's data now. `client` has the auditor's role: figures, and no plate.

    `data` is the embedded edge's folder, None where a broker has the topics; `broker` is how that is reached.
    """

    client: Client
    topics: Topics
    profile_name: str
    profile: Profile
    now: datetime
    data: Path | None = None
    broker: Mapping[str, str] | None = None
    embedded: bool = True
    query_log: str = LOG

    @cached_property
    def hot_list(self) -> tuple[list[HotListEntry], list[str]]:
        """Entries on the list now, and the keys of what cannot be read as one."""
        entries, unread = [], []
        for key, message in newest(self.topics, topics.HOTLIST).items():
            try:
                change = topics.HOTLIST.decode(message)
            except RefusedError:
                unread.append(key.decode(errors="replace"))
                continue
            if change.entry is not None:
                entries.append(change.entry)
        return entries, unread

    @property
    def year(self) -> datetime:
        """From when what was found counts: as far back as the yearly audit looks."""
        return self.now - span(self.profile.audit.utilization_from)

    @property
    def period(self) -> timedelta:
        """How long data is kept."""
        return self.profile.retention.span

    def rows(self, sql: str, **asked: Any) -> list[tuple[Any, ...]]:
        """The answer to a query. Raises DatabaseError."""
        answer = run("checking the policy", partial(self.client.query, sql, parameters=asked)).result_rows
        return [tuple(row) for row in answer]

    def found(self, *rules: str) -> list[str]:
        """Breaches by these rules that the audit flow found in the past year, one sentence for all."""
        sql = """
            SELECT uniqExact(inquiry_id), arraySort(groupUniqArray(who)) FROM platestream.inquiry_findings
            WHERE at > {since:DateTime64(6, 'UTC')} AND grade = 'breach' AND rule IN {rules:Array(String)}
        """
        ((count, people),) = self.rows(sql, since=self.year, rules=list(rules))
        return [f"{count} looks that broke it, by {named(people)}"] if count else []


@dataclass(frozen=True)
class Told:
    """A check's figure, and what is wrong, a sentence each; without faults it is passed."""

    figure: str
    faults: tuple[str, ...] = ()


def told(figure: str, *faults: str | list[str]) -> Told:
    """Faults may come one by one or as lists; empty ones are left out."""
    flat = [one for fault in faults for one in ([fault] if isinstance(fault, str) else fault)]
    return Told(figure, tuple(one for one in flat if one))


def named(things: Any) -> str:
    """The first few, and how many more."""
    every = [str(one) for one in things]
    rest = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + rest


def counted(number: int, thing: str) -> str:
    """`1 hold`, `2 holds`; a last y becomes ies."""
    if number == 1:
        return f"1 {thing}"
    return f"{number} {thing[:-1]}ies" if thing.endswith("y") else f"{number} {thing}s"
