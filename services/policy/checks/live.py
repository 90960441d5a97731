"""What the checks look at, and what one of them answers."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from clickhouse_connect.driver.client import Client

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR, run
from connectors.edge import Topics
from connectors.inquiry_log import LOG as INQUIRY_LOG
from connectors.inquiry_log import logged
from connectors.kafka_client import BrokerError
from connectors.query_log import LOG
from connectors.rules_in_force import RulesError, contradictions, in_force_row, other_files
from connectors.settings import Settings
from schemas import topics
from schemas.counted import counted
from schemas.gate_rules import AgencyRules
from schemas.hotlist import HotListEntry
from schemas.message import Message, RefusedError
from schemas.profile import Profile, span
from schemas.registry import RegistryRecord
from schemas.topics import Topic
from services import accounts
from services.door import Door

NAMED = 5  # ids that a fault names; the rest are counted
BEHIND = timedelta(minutes=10)  # of the audit flow; it polls every second

_A_WAY = re.compile(r"platestream [a-z]|PLATESTREAM_[A-Z]|flows\.[a-z]|^once |\[[a-z._]+\]|^counsel's word")

_UNSEALED = """
SELECT count(), min(at) FROM platestream.inquiry_log
WHERE at < {before:DateTime64(6, 'UTC')} AND entry NOT IN (SELECT entry FROM platestream.inquiry_seals)
"""


@dataclass(frozen=True)
class Gap:
    """Something that was not looked at: why, and what would make it checkable.

    `needs` names the command, setting, flow or part of the profile by which a reader makes it checkable, or
    the event after which it is. Raises ValueError for a text that names none.
    """

    why: str
    needs: str

    def __post_init__(self) -> None:
        if not (self.why and _A_WAY.search(self.needs)):
            raise ValueError(f"{self.why or 'a gap'}: no command, setting or event in {self.needs!r}")


@dataclass(frozen=True)
class Answer:
    """A check's figure; what is wrong, one sentence each; and what it could not look at."""

    figure: str
    faults: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Live:
    """An agency's data now. `client` has the auditor's role: figures, and no plate.

    `data` is the embedded edge's folder, None where a broker has the topics; `broker` is how that is reached.
    Without `names` people are counted and not named. `open_log` gives the inquiry log to read whole.
    `contradicted`: what the settings here say otherwise than the rules in force. `notifies`: rules of
    notification are named here. `sign_ins` gives who has a password of the console; None: not known here.
    `settings` name the data folder of the console; None: not known here.
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
    _silent: list[BrokerError] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, door: Door, now: datetime, *, names: bool = False) -> Self:
        """What the settings name, seen with the auditor's eyes.

        Figures need no act. People's names and whole inquiries are the auditor's to see, which is the act
        `audit_show`: others are refused, and that is logged. Raises RefusedInquiry, RulesError,
        ConnectError and DatabaseError.
        """

        def open_log() -> str:
            return logged(door.enter("audit_show", "policy check").inquiry_id)

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
            embedded=settings.clickhouse.startswith("chdb:"),
            names=names,
            open_log=open_log,
            contradicted=tuple(_contradicted(settings, rules)),
            notifies=settings.notify_file is not None,
            sign_ins=partial(_sign_ins, settings),
            settings=settings,
        )

    @cached_property
    def hot_list(self) -> tuple[list[HotListEntry], list[str]]:
        """Entries on the list now, and the keys of what cannot be read as one."""
        entries, unread = [], []
        for key, message in self._newest(topics.HOTLIST).items():
            try:
                change = topics.HOTLIST.decode(message)
            except RefusedError:
                unread.append(key.decode(errors="replace"))
                continue
            if change.entry is not None:
                entries.append(change.entry)
        return entries, unread

    @cached_property
    def registry(self) -> tuple[dict[str, RegistryRecord], list[str]]:
        """The registry's topic now, by key, and the keys of what cannot be read as a record."""
        found, unread = {}, []
        for key, message in self.registry_messages.items():
            try:
                record = topics.REGISTRY.decode(message)
            except RefusedError:
                unread.append(key.decode(errors="replace"))
                continue
            found[record.key] = record
        return found, unread

    @cached_property
    def registry_messages(self) -> dict[bytes, Message]:
        """The newest message of each key of the registry's topic."""
        return self._newest(topics.REGISTRY)

    def messages(self, topic: Topic[Any]) -> Iterable[Message]:
        """All of a topic up to the end it has now. A broker that gave no answer is not asked again."""
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
        """The newest records of a kind, ended ones too."""
        return [record for record in self.registry[0].values() if record.kind == kind]

    @property
    def year(self) -> datetime:
        """From when what was found counts: as far back as the yearly audit looks."""
        return self.now - span(self.profile.audit.utilization_from)

    @cached_property
    def upgraded(self) -> datetime:
        """Since when acts name their effect and automatic acts their starter, by the database's clock."""
        return self.applied(160)

    def applied(self, migration: int) -> datetime:
        """Return when the database took a migration, by its own clock."""
        sql = "SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = {version:UInt16}"
        at: datetime = self.rows(sql, version=migration)[0][0]
        return at.astimezone(UTC)

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
        return [f"{counted(count, 'inquiry')} that broke it, by {self.people(people)}"] if count else []

    @cached_property
    def unsealed(self) -> tuple[int, datetime]:
        """How many inquiries wait for the audit flow for long, and the oldest's time (1970: none)."""
        ((count, first),) = self.rows(_UNSEALED, before=self.now - BEHIND)
        return count, first

    @cached_property
    def unfound(self) -> list[Gap]:
        """Why findings of the audit flow may be missing; empty when it has checked what is there."""
        since = "SELECT count() FROM platestream.inquiry_log WHERE at > {since:DateTime64(6, 'UTC')}"
        if not self.rows(since, since=self.year)[0][0]:
            return [
                Gap(
                    "nobody has done anything that is on record in a year",
                    "once somebody does an act (platestream search)",
                )
            ]
        if not self.rows("SELECT count() FROM platestream.inquiry_seals")[0][0]:
            return [Gap("the audit flow has checked nothing yet", "flows.audit_flow running")]
        if self.unsealed[0]:
            waiting = counted(self.unsealed[0], "inquiry")
            return [Gap(f"{waiting} not yet checked by the audit flow", "flows.audit_flow running")]
        return []

    def people(self, names: Any) -> str:
        """People, named for whoever may see that, else counted."""
        every = sorted({str(name) for name in names})
        return named(every) if self.names else f"{len(every)} {'person' if len(every) == 1 else 'people'}"


def _sign_ins(settings: Settings) -> Collection[str] | None:
    """Return who has a password, where the console's are here and people sign in with nothing else."""
    here = settings.oidc_file is None and accounts.file(settings).exists()
    return accounts.passwords(settings).names() if here else None


def _contradicted(settings: Settings, rules: AgencyRules) -> list[str]:
    try:
        found = [f"PLATESTREAM_PROFILE: {one}" for one in contradictions(settings, rules)]
        return [*found, *other_files(settings, rules)]
    except RulesError as error:
        return [str(error)]


def answer(figure: str, *found: str | Gap | Sequence[str | Gap]) -> Answer:
    """Faults and gaps may come one by one or as lists; empty texts are left out."""
    flat: list[str | Gap] = []
    for part in found:
        flat.extend([part] if isinstance(part, str | Gap) else part)
    faults = tuple(one for one in flat if isinstance(one, str) and one)
    return Answer(figure, faults, tuple(one for one in flat if isinstance(one, Gap)))


def unless(there: object, why: str, needs: str) -> list[Gap]:
    """A gap where there is nothing to look at."""
    return [] if there else [Gap(why, needs)]


def named(things: Any) -> str:
    """The first few, and how many more."""
    every = [str(one) for one in things]
    rest = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + rest
