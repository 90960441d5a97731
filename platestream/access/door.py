"""The door: every act of a person passes here, from the command line, the console or another agency.

The person comes from a sign-in. The database judges whether they may do the act, and whether it is
documented, as the act is logged (`clickhouse/views/gate.sql`, by the table in `schemas/acts.py`). The log is
therefore what was judged, before anything is done, and refused acts are logged, too. A service needs the
`Permit` of an act to read or change data.

Acts of system jobs pass the same door, marked as automatic, with the person who set them off.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self, Unpack, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

from platestream.access import inquire
from platestream.access.inquire import Documentation as Documentation
from platestream.access.rules_reader import in_force
from platestream.edges.clickhouse_client import DOOR, ConnectError, Dsn, connect, read_rows, run
from platestream.edges.edge import Topics
from platestream.keys.key_folder import Sealer
from platestream.schemas.acts import BY_NAME
from platestream.schemas.gate_rules import AgencyRules
from platestream.settings import Settings, open_keys, open_topics, system_account

_Act = tuple[str, str, inquire.ActorDocumentation]
"""Act, subject and documentation."""
SERVICES = frozenset({"platestream_console", "platestream_flows", "platestream_retention_job"})
"""Service accounts of a server; `PLATESTREAM_STARTED_BY` names the person who started their processes."""


class UnconfirmedError(Exception):
    """Error for an act that needs the second factor again; nothing was logged, and nothing is done."""


@dataclass(frozen=True)
class Permit:
    """An act that is logged as allowed, which services require. Only the door makes it."""

    inquiry_id: UUID
    act: str
    who: str
    effect: str = ""


class Clients:
    """Connections to the database by role, each opened at its first use."""

    def __init__(self, settings: Settings, *, automatic: bool = False) -> None:
        self._settings, self._automatic = settings, automatic
        self._open: dict[str | None, Client] = {}
        self._machine: Clients | None = None
        self._doing: Clients | None = None

    def __call__(self, role: str | None) -> Client:
        if role not in self._open:
            plain = self._settings.allow_plaintext
            dsn = self._settings.clickhouse_for(role, automatic=self._automatic)
            self._open[role] = connect(dsn, role, allow_plaintext=plain)
        return self._open[role]

    @property
    def service_account(self) -> "Clients":
        """The connections of the service account; closed with these."""
        if self._machine is None:
            self._machine = Clients(self._settings, automatic=True)
        return self._machine

    @property
    def for_acts(self) -> "Clients":
        """The connections of the account that enters acts with an effect and writes their records, separate
        from the person's own account, which is for searches. Raises ConnectError.
        """
        if self._doing is None:
            own = self._settings.clickhouse_for(None, automatic=self._automatic)
            other = self._settings.clickhouse_for(None, automatic=True)
            self._doing = self if other == own else self._machine_beside(Dsn.parse(own), Dsn.parse(other))
        return self._doing

    def _machine_beside(self, own: Dsn, other: Dsn) -> "Clients":
        if (own.host, own.port) != (other.host, other.port):
            raise ConnectError("PLATESTREAM_DOOR_FILE and PLATESTREAM_CLICKHOUSE name different servers")
        self(None)  # the person's own sign-in must be accepted before another account speaks for them
        return self.service_account

    def close(self) -> None:
        """Close all connections; a later use opens them again."""
        self._doing = None
        while self._open:
            self._open.popitem()[1].close()
        if self._machine is not None:
            self._machine.close()


def signed_in(settings: Settings) -> str:
    """Return the account of the person who signed in. Raises ConnectError for an unusable DSN.

    On a server it is the account of the DSN, whose password the server checked. The embedded engine has one
    account for everybody who may open its folder, so there it is the account of the operating system.
    """
    dsn = Dsn.parse(settings.clickhouse)
    return system_account() if dsn.scheme == "chdb" else dsn.user


def starter_of(settings: Settings) -> str:
    """Return the person who started this process, by PLATESTREAM_STARTED_BY or by the account of a person;
    empty for a service account without one. Raises ConnectError.
    """
    who = signed_in(settings)
    if who in SERVICES:
        return settings.started_by
    return who


@dataclass(frozen=True)
class Door:
    """The entry point of one person, by one tool.

    `set_off_by` names the person who set off an automatic act. With `speaks` the account acts for a person
    who signed in to the tool. Acts of `to_confirm` raise UnconfirmedError.
    """

    settings: Settings
    who: str
    tool: str
    clients: Clients
    automatic: bool = False
    set_off_by: str = ""
    speaks: bool = False
    to_confirm: frozenset[str] = frozenset()
    _known: list[AgencyRules] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def open(cls, settings: Settings, tool: str) -> Self:
        """Open the door for the person whose sign-in the settings name. Raises ConnectError."""
        return cls(settings, signed_in(settings), tool, Clients(settings))

    @classmethod
    def for_person(
        cls, settings: Settings, who: str, tool: str, clients: Clients, rules: AgencyRules | None = None
    ) -> Self:
        """Return the door for a person whom `tool` has signed in; `clients` are the service account's, and
        remain open. `rules` are those in force, where they have just been read.
        """
        return cls(settings, who, tool, clients, speaks=True, _known=[rules] if rules else [])

    @classmethod
    def for_system_job(cls, settings: Settings, name: str, set_off_by: str = "") -> Self:
        """Return the door for a system job; without `set_off_by` the starter is that of the process."""
        clients, starter = Clients(settings, automatic=True), set_off_by or starter_of(settings)
        return cls(settings, name, f"platestream {name}", clients, automatic=True, set_off_by=starter)

    def start_job(self, name: str, act: str, about: str) -> "Door":
        """Return the door of a scheduled job, all of whose acts name the person who starts it.

        A person may start a job whose `act` they may do, which is judged and logged first. A service account
        is not a person: its starter is judged by the gate with each act of the job. Raises RefusedInquiry,
        and then the job must not start.
        """
        if self.who in SERVICES:
            return Door.for_system_job(self.settings, name)
        self.enter(act, about, change=f"starts the job that does this by the clock, {self.tool}")
        return Door.for_system_job(self.settings, name, self.who)

    def system_job(self, name: str) -> "Door":
        """Return the same door for an automatic act that this person sets off now."""
        return replace(
            self,
            who=name,
            tool=f"platestream {name}",
            clients=self.clients.service_account,
            automatic=True,
            set_off_by=self.who,
        )

    def client(self, role: str) -> Client:
        """Return a connection in `role`; on a server the person's account must have been granted it."""
        return self.clients(role)

    def writer(self, role: str) -> Client:
        """Return a connection in `role` to write the records of an act, by the account that entered the act.

        Data that an act shows is read by `client`, the person's own connection.
        """
        return self.clients.for_acts(role)

    def connection(self) -> Client:
        """Return the connection that enters acts with an effect and writes tables that need an act."""
        return self.clients.for_acts(self._role)

    @property
    def rules(self) -> AgencyRules:
        """The rules in force in the database: read once for each request to the console, which has a door of
        its own, and each time elsewhere. Raises RulesError and DatabaseError.
        """
        if not self.speaks:
            return in_force(self.clients(self._role))
        if not self._known:
            self._known.append(in_force(self.clients(self._role)))
        return self._known[0]

    @property
    def streams(self) -> Topics:
        """The topics of the edge, for reading to their end."""
        return open_topics(self.settings, follow=False)

    @property
    def keys(self) -> Sealer:
        """The keys of pictures."""
        return open_keys(self.settings)

    def now(self) -> datetime:
        """Return the time of the database, which judges acts, in whole milliseconds. Raises DatabaseError."""
        rows = read_rows(self.connection(), "reading the database's clock", "SELECT now64(3, 'UTC')")
        return cast(datetime, rows[0][0])

    def enter(
        self,
        act: str,
        about: str = "",
        *,
        change: str = "",
        effect: str = "",
        refusal: str = "",
        elsewhere: inquire.RemoteRequest | None = None,
        message: UUID | None = None,
        **why: Unpack[Documentation],
    ) -> Permit:
        """Log an act, with its judgment, before it is done.

        `about` says what it concerns (an id, never a plate; at most 64 characters are stored) and `change`
        the state before and after (no plate, 4,000 characters). `effect` is the SHA-256 of the record that
        the act writes, 64 hex digits. `elsewhere` is the request to another agency. `refusal` is a rule of
        the order by which the service itself refuses the act: the attempt is logged with that rule. `message`
        is the id of another agency's message that is received with the act; each id counts once.

        Raises RefusedInquiry where the act is refused, and then it must not be done, and DatabaseError.
        """
        documentation = self._documentation_of(act, why)
        documentation |= {"change": change[:4000], "refuse": refusal[:1000], "effect": effect}
        client = self._entering(act)
        inquiry = inquire.record(
            client, kind=act, other=about, elsewhere=elsewhere, inquiry=message, **documentation
        )
        return Permit(inquiry, act, self.who, effect)

    def enter_each(
        self, act: str, about: str, people: Sequence[str], **why: Unpack[Documentation]
    ) -> dict[str, str]:
        """Log an act for each of several people in one query, judged one by one. Return the rule that refused
        each person, empty where allowed. For a door that speaks for people. Raises DatabaseError.
        """
        known = self._documentation_of(act, why)
        acts: list[_Act] = [(act, about, {**known, "who": who}) for who in people]
        return dict(zip(people, inquire.record_many(self._entering(act), acts).values(), strict=True))

    def enter_several(
        self,
        act: str,
        subjects: Sequence[tuple[str, str]],
        *,
        effects: Sequence[str] = (),
        **why: Unpack[Documentation],
    ) -> list[Permit]:
        """Log an act for several things in one query, each with its subject and its change.

        `effects` are in the order of `subjects`. Raises as `enter`.
        """
        known, written = self._documentation_of(act, why), effects or [""] * len(subjects)
        acts: list[_Act] = [
            (act, about, {**known, "change": change[:4000], "effect": effect})
            for (about, change), effect in zip(subjects, written, strict=True)
        ]
        made = inquire.record_all(self._entering(act), acts)
        return [Permit(one, act, self.who, effect) for one, effect in zip(made, written, strict=True)]

    def enter_together(self, acts: Sequence[tuple[str, str]]) -> list[Permit]:
        """Log several acts that only show data, each with its subject, in one query, judged one by one.
        Raises as `enter` where one of them is refused.
        """
        if effects := [act for act, _about in acts if BY_NAME[act].has_effect]:
            raise ValueError(f"{effects[0]} changes data: it is entered alone")
        known = self.documentation()
        each = [(act, about, known) for act, about in acts]
        made = inquire.record_all(self.clients(self._role), each)
        return [Permit(one, act, self.who) for one, (act, _about) in zip(made, acts, strict=True)]

    def enter_entries(self, act: str, entries: Sequence[tuple[str, str, str, Documentation]]) -> list[str]:
        """Log an act for several hot list entries in one query, each with its subject, its change, its effect
        and its documentation. Return the rule that refused each, empty where allowed. Raises DatabaseError.
        """
        acts: list[_Act] = [
            (act, about, {**self._documentation_of(act, why), "change": change[:4000], "effect": effect})
            for about, change, effect, why in entries
        ]
        return list(inquire.record_many(self._entering(act), acts).values())

    def enter_for_partner(
        self,
        act: str,
        request: UUID,
        partner: inquire.Partner,
        about: str,
        *,
        change: str = "",
        refusal: str = "",
        **why: Unpack[Documentation],
    ) -> Permit:
        """Log an act of another agency's person, with its judgment. `request` is the id of their signed
        request, which counts once. For a door that speaks for people. Raises AskedBefore, and as `enter`.
        """
        documentation = {"tool": self.tool, "change": change[:4000], "refuse": refusal[:1000], **why}
        inquire.record_for_partner(
            self.clients(self._role),
            request,
            act,
            partner,
            about,
            **cast(inquire.ActorDocumentation, documentation),
        )
        return Permit(request, act, f"{partner['partner']}/{partner['who']}")

    def received(self, message: UUID) -> inquire.Received | None:
        """Return the outcome of another agency's message; None of a new one. Raises DatabaseError."""
        return inquire.received(self._entering("bolo"), message)

    @contextmanager
    def log_refusal(
        self, act: str, about: str = "", *, message: UUID | None = None, **why: Unpack[Documentation]
    ) -> Iterator[None]:
        """Log a refusal inside, before `enter`, as a refused attempt of `act`.

        A refusal is a ValueError of the services. A person who may not do the act at all gets only that
        answer.
        """
        try:
            yield
        except ValueError as error:
            try:
                self.enter(act, about, refusal=str(error), message=message, **why)
            except inquire.RefusedInquiry as refused:
                if str(refused) != str(error)[:1000]:  # the person may not even try
                    raise refused from None
            raise

    def documentation(self, **why: Unpack[Documentation]) -> inquire.ActorDocumentation:
        """Return the documentation, for searches of `platestream.access.gate`, with the tool and the person,
        whose name is empty where their own account on a server says it.
        """
        machine: inquire.ActorDocumentation = (
            {"automatic": True, "set_off_by": self.set_off_by} if self.automatic else {}
        )
        spoken_for = self.settings.in_process or self.automatic or self.speaks
        return {"who": self.who if spoken_for else "", "tool": self.tool, **machine, **why}

    def write(self, table: str, **columns: Any) -> None:
        """Insert a row into a table that needs an act. Raises DatabaseError."""
        client = self.connection()
        rows = [list(columns.values())]
        run(
            f"writing {table}",
            lambda: client.insert(f"platestream.{table}", rows, column_names=list(columns)),
        )

    def close(self) -> None:
        """Close the connections."""
        self.clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def require_confirmed(self, act: str) -> None:
        """Raise UnconfirmedError if the person has to give the second factor for this act."""
        if act in self.to_confirm:
            raise UnconfirmedError(act)

    def _entering(self, act: str) -> Client:
        self.require_confirmed(act)
        clients = self.clients.for_acts if BY_NAME[act].has_effect else self.clients
        return clients(self._role)

    def _documentation_of(self, act: str, why: Documentation) -> inquire.ActorDocumentation:
        """Return the same as `documentation`, with the person's name where another account enters the act."""
        if act not in BY_NAME:
            raise KeyError(f"no act {act}: schemas/acts.py declares them")
        documentation = self.documentation(**why)
        if BY_NAME[act].has_effect and self.clients.for_acts is not self.clients:
            documentation["who"] = self.who
        return documentation

    @property
    def _role(self) -> str | None:
        """The role to connect with; None on a server, for all the roles that the account has."""
        return DOOR if self.settings.in_process else None


def agency_zone(door: Door) -> ZoneInfo:
    """Return the time zone of the rules in force, for dates that people write and read.

    Raises RulesError and DatabaseError.
    """
    return door.rules.profile.agency.zone
