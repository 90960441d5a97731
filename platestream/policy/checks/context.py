"""The data that the checks use, and the answer of a check."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self, TypeVar

from clickhouse_connect.driver.client import Client

from platestream.access import accounts
from platestream.access.door import Door
from platestream.access.rules_reader import RulesError, contradictions, in_force_row, other_files
from platestream.edges.changelog import read_to_end
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.edges.edge import Topics
from platestream.edges.inquiry_log import LOG as INQUIRY_LOG
from platestream.edges.inquiry_log import readable_log
from platestream.edges.kafka_client import BrokerError
from platestream.edges.query_log import LOG
from platestream.schemas import topics
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.pluralize import pluralize
from platestream.schemas.profile import Profile
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.spans import parse_span
from platestream.schemas.topics import Topic
from platestream.settings import Settings

T = TypeVar("T")
MOST_NAMED = 5  # ids that a fault names; the others are only counted
FLOW_DELAY = timedelta(minutes=10)  # tolerated delay of the audit flow, which polls every second

_A_WAY = re.compile(r"platestream [a-z]|PLATESTREAM_[A-Z]|flows\.[a-z]|^once |\[[a-z._]+\]|^counsel's word")

_UNSEALED = """
SELECT count(), min(at) FROM platestream.inquiry_log
WHERE at < {before:DateTime64(6, 'UTC')} AND entry NOT IN (SELECT entry FROM platestream.inquiry_seals)
"""


@dataclass(frozen=True)
class Unchecked:
    """Something that was not checked: the reason, and what would make it checkable.

    `needs` names the command, setting, flow or part of the profile that makes it checkable, or the event
    after which it is. Raises ValueError for a text that names none.
    """

    why: str
    needs: str

    def __post_init__(self) -> None:
        if not (self.why and _A_WAY.search(self.needs)):
            raise ValueError(f"{self.why or 'a gap'}: no command, setting or event in {self.needs!r}")


@dataclass(frozen=True)
class Answer:
    """The answer of a check: its figure, its faults, one sentence each, and its gaps."""

    figure: str
    faults: tuple[str, ...] = ()
    gaps: tuple[Unchecked, ...] = ()

    @classmethod
    def of(cls, figure: str, *found: str | Unchecked | Sequence[str | Unchecked]) -> Self:
        """Build an answer; faults and gaps may come one by one or as lists, and empty texts are left out."""
        flat: list[str | Unchecked] = []
        for part in found:
            flat.extend([part] if isinstance(part, str | Unchecked) else part)
        faults = tuple(one for one in flat if isinstance(one, str) and one)
        return cls(figure, faults, tuple(one for one in flat if isinstance(one, Unchecked)))


@dataclass(frozen=True)
class CheckData:
    """An agency's current data. `client` has the auditor's role: figures, and no plate.

    `data` is the embedded edge's folder, None where a broker has the topics; `broker` has the broker's
    properties. Without `names` people are counted and not named. `open_log` returns the inquiry log for
    reading it as a whole. `contradicted` are differences between the settings here and the rules in force.
    `notifies`: rules of notification are named here. `sign_ins` returns the people with a console password,
    None where that is not known here. `settings` name the data folder of the console, None where it is not
    known here. `found` has what one check found and another one needs, too.
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
    names: bool = False
    open_log: Callable[[], str] = lambda: INQUIRY_LOG
    contradicted: tuple[str, ...] = ()
    notifies: bool = False
    sign_ins: Callable[[], Collection[str] | None] = lambda: None
    settings: Settings | None = None
    found: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    _silent: list[BrokerError] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, door: Door, now: datetime, *, names: bool = False) -> Self:
        """Open the data that the settings name, in the auditor's role.

        Figures need no act. Only an auditor may see people's names and whole inquiries, which is the act
        `audit_show`: other people are refused, and that is logged. Raises RefusedInquiry, RulesError,
        ConnectError and DatabaseError.
        """

        def open_log() -> str:
            return readable_log(door.enter("audit_show", "policy check").inquiry_id)

        if names:
            opened = open_log()
            open_log = lambda: opened  # noqa: E731
        settings, rules = door.settings, in_force_row(door.client(AUDITOR)).rules
        kafka = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
        return cls(
            client=door.client(AUDITOR),
            topics=door.streams,
            profile_name=rules.name,
            profile=rules.profile,
            now=now,
            data=None if settings.kafka else settings.data,
            broker=kafka if settings.kafka else None,
            embedded=settings.in_process,
            names=names,
            open_log=open_log,
            contradicted=tuple(_contradicted(settings, rules)),
            notifies=settings.notify_file is not None,
            sign_ins=partial(_sign_ins, settings),
            settings=settings,
        )

    @cached_property
    def hot_list(self) -> tuple[list[HotListEntry], list[str]]:
        """The current entries of the list, and the keys of unreadable ones."""
        changes, unread = _decoded(topics.HOTLIST, self._newest(topics.HOTLIST))
        return [one.entry for one in changes if one.entry is not None], unread

    @cached_property
    def registry(self) -> tuple[dict[str, RegistryRecord], list[str]]:
        """The current registry topic by key, and the keys of unreadable records."""
        records, unread = _decoded(topics.REGISTRY, self.registry_messages)
        return {one.key: one for one in records}, unread

    @cached_property
    def registry_messages(self) -> dict[bytes, Message]:
        """The newest message of each key of the registry's topic."""
        return self._newest(topics.REGISTRY)

    def messages(self, topic: Topic[Any]) -> Iterable[Message]:
        """Yield all messages of a topic up to its current end. A broker that did not answer is not asked
        again.
        """
        if self._silent:
            raise self._silent[0]
        try:
            yield from read_to_end(self.topics, topic)
        except BrokerError as error:
            self._silent.append(error)
            raise

    def _newest(self, topic: Topic[Any]) -> dict[bytes, Message]:
        found: dict[bytes, Message] = {}
        for message in self.messages(topic):
            if message.value is None:
                found.pop(message.key or b"", None)
            else:
                found[message.key or b""] = message
        return found

    def registered(self, kind: str) -> list[RegistryRecord]:
        """Return the newest records of a kind, ended ones included."""
        return [record for record in self.registry[0].values() if record.kind == kind]

    @property
    def year(self) -> datetime:
        """The begin of the period in which findings count: as far back as the yearly audit goes."""
        return self.year_before(self.now)

    def year_before(self, at: datetime) -> datetime:
        """Return the begin of such a period that ends at `at`."""
        return parse_span(self.profile.audit.utilization_from).before(at, self.profile.agency.zone)

    @cached_property
    def upgraded(self) -> datetime:
        """The time since which acts name their effect and automatic acts their starter, by the database's
        clock.
        """
        return self.applied(160)

    def applied(self, migration: int) -> datetime:
        """Return the time at which the database applied a migration, by its own clock."""
        sql = "SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = {version:UInt16}"
        at: datetime = self.rows(sql, version=migration)[0][0]
        return at.astimezone(UTC)

    @property
    def period(self) -> timedelta:
        """The retention period."""
        return self.profile.retention.span

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query; return its rows. Raises DatabaseError."""
        answer = read_rows(self.client, "checking the policy", sql, **parameters)
        return [tuple(row) for row in answer]

    def flow_breaches(self, *rules: str) -> list[str]:
        """Return breaches of these rules that the audit flow found in the past year, in one sentence."""
        sql = """
            SELECT uniqExact(inquiry_id), arraySort(groupUniqArray(who)) FROM platestream.inquiry_findings
            WHERE at > {since:DateTime64(6, 'UTC')} AND grade = 'breach' AND rule IN {rules:Array(String)}
        """
        ((count, people),) = self.rows(sql, since=self.year, rules=list(rules))
        return [f"{pluralize(count, 'inquiry')} that broke it, by {self.people(people)}"] if count else []

    @cached_property
    def unsealed(self) -> tuple[int, datetime]:
        """The number of inquiries that have long awaited the audit flow, and the oldest one's time (1970:
        none).
        """
        ((count, first),) = self.rows(_UNSEALED, before=self.now - FLOW_DELAY)
        return count, first

    @cached_property
    def missing_findings(self) -> list[Unchecked]:
        """The reasons why findings of the audit flow may be missing; empty when it has checked everything."""
        since = "SELECT count() FROM platestream.inquiry_log WHERE at > {since:DateTime64(6, 'UTC')}"
        if not self.rows(since, since=self.year)[0][0]:
            return [
                Unchecked(
                    "nobody has done anything that is on record in a year",
                    "once somebody does an act (platestream search)",
                )
            ]
        if not self.rows("SELECT count() FROM platestream.inquiry_seals")[0][0]:
            return [
                Unchecked("the audit flow has checked nothing yet", "platestream.flows.audit_flow running")
            ]
        if self.unsealed[0]:
            waiting = pluralize(self.unsealed[0], "inquiry")
            return [
                Unchecked(
                    f"{waiting} not yet checked by the audit flow", "platestream.flows.audit_flow running"
                )
            ]
        return []

    def people(self, names: Any) -> str:
        """Return people's names where the caller may see them, otherwise their number."""
        every = sorted({str(name) for name in names})
        return first_few(every) if self.names else f"{len(every)} {'person' if len(every) == 1 else 'people'}"


def _decoded(topic: Topic[T], messages: Mapping[bytes, Message]) -> tuple[list[T], list[str]]:
    """Return the records of messages, and the keys of unreadable ones."""
    records, unread = [], []
    for key, message in messages.items():
        try:
            records.append(topic.decode(message))
        except RefusedError:
            unread.append(key.decode(errors="replace"))
    return records, unread


def _sign_ins(settings: Settings) -> Collection[str] | None:
    """Return the people with a password, where the console's passwords are here and the only way to sign
    in.
    """
    here = settings.oidc_file is None and accounts.password_path(settings).exists()
    return accounts.passwords(settings).names() if here else None


def _contradicted(settings: Settings, rules: AgencyRules) -> list[str]:
    try:
        found = [f"PLATESTREAM_PROFILE: {one}" for one in contradictions(settings, rules)]
        return [*found, *other_files(settings, rules)]
    except RulesError as error:
        return [str(error)]


def fault_of(text: str, things: Collection[Any], join: Callable[[Any], str] | None = None) -> str:
    """Return a fault that names these things, by default the first few; empty where there are none."""
    return f"{text}: {(join or first_few)(things)}" if things else ""


def gap_unless(there: object, why: str, needs: str) -> list[Unchecked]:
    """Return a gap where there is nothing to check."""
    return [] if there else [Unchecked(why, needs)]


def first_few(things: Any) -> str:
    """Return the first few, and the number of the others."""
    every = [str(one) for one in things]
    rest = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(every[:MOST_NAMED]) + rest
