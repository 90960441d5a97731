"""The door: every act of a person passes here, whoever brings it: command line, console, another agency.

*Who* comes from a sign-in. *Whether they may*, and *whether it is documented*, is judged by the database as
the act is put on record (`clickhouse/views/gate.sql`, by the table in `schemas/acts.py`): so what was judged
is what is on record, before anything is done, and what was refused is on record, too. What a service does
with data is done with the `Permit` that the door gives for it.

What the machine does by itself passes the same door as automatic, with who set it off.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self, TypedDict, Unpack, cast
from uuid import UUID

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DOOR, ConnectError, Dsn, connect, run
from connectors.edge import Topics
from connectors.rules_in_force import in_force
from connectors.settings import Settings, open_topics
from schemas.acts import BY_NAME
from schemas.gate_rules import AgencyRules
from services.inquiries import gate
from services.people import signed_in

SERVICES = frozenset({"platestream_console", "platestream_flows", "platestream_retention_job"})
"""Accounts of a server that no person signs in with; `PLATESTREAM_STARTED_BY` names who started these."""


class Why(TypedDict, total=False):
    """How an act is documented; the order says what of it must be there for which act.

    `fields` are the words of a hot list entry (section H), by name.
    """

    case_number: str
    reason: str
    purpose: str
    violation: str
    requester: str
    legal_basis: str
    agency: str
    fields: Mapping[str, str]
    vehicles: int


@dataclass(frozen=True)
class Permit:
    """An act that is on record as allowed; services act with one. Only the door makes it."""

    inquiry_id: UUID
    act: str
    who: str
    effect: str = ""


class Clients:
    """Connections to the database by role, opened when first asked for."""

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
    def machine(self) -> "Clients":
        """Those of the machine; closed with these."""
        if self._machine is None:
            self._machine = Clients(self._settings, automatic=True)
        return self._machine

    @property
    def doing(self) -> "Clients":
        """Those of the account that enters acts with an effect and writes what they do: another one than the
        person's own, which is for searches. Raises ConnectError.
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
        return self.machine

    def close(self) -> None:
        """Close them all; a later call opens anew."""
        self._doing = None
        while self._open:
            self._open.popitem()[1].close()
        if self._machine is not None:
            self._machine.close()


def starter_of(settings: Settings) -> str:
    """Return the person who started this process, by PLATESTREAM_STARTED_BY or by the account of a person;
    empty for a service that names nobody. Raises ConnectError.
    """
    who = signed_in(settings)
    if who in SERVICES:
        return settings.started_by
    return who


@dataclass(frozen=True)
class Door:
    """One person's way in, by one tool. `set_off_by`: the machine acts, because this person did something.
    `speaks`: the account speaks for a person who signed in elsewhere.
    """

    settings: Settings
    who: str
    tool: str
    clients: Clients
    automatic: bool = False
    set_off_by: str = ""
    speaks: bool = False
    _known: list[AgencyRules] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def open(cls, settings: Settings, tool: str) -> Self:
        """The door for whoever signed in to what the settings name. Raises ConnectError."""
        return cls(settings, signed_in(settings), tool, Clients(settings))

    @classmethod
    def for_person(cls, settings: Settings, who: str, tool: str, clients: Clients) -> Self:
        """The door for a person whom `tool` has signed in; `clients` are the machine's, and stay open."""
        return cls(settings, who, tool, clients, speaks=True)

    @classmethod
    def of_machine(cls, settings: Settings, name: str, set_off_by: str = "") -> Self:
        """The door for a job that runs by itself; without `set_off_by` the starter is that of the process."""
        clients, starter = Clients(settings, automatic=True), set_off_by or starter_of(settings)
        return cls(settings, name, f"platestream {name}", clients, automatic=True, set_off_by=starter)

    def start_job(self, name: str, act: str, about: str) -> "Door":
        """Return the door of a job that runs by the clock, all of whose acts name the person who starts it.

        A person may start a job whose `act` they may do, which is judged and logged first. A service's own
        account is not a person: its starter is judged by the gate with each act of the job. Raises
        RefusedInquiry, and then the job must not start.
        """
        if self.who in SERVICES:
            return Door.of_machine(self.settings, name)
        self.enter(act, about, change=f"starts the job that does this by the clock, {self.tool}")
        return Door.of_machine(self.settings, name, self.who)

    def machine(self, name: str) -> "Door":
        """The same door for what the machine does now by itself, set off by this person."""
        return replace(
            self,
            who=name,
            tool=f"platestream {name}",
            clients=self.clients.machine,
            automatic=True,
            set_off_by=self.who,
        )

    def client(self, role: str) -> Client:
        """A connection in `role`; of a person on a server it must have been granted."""
        return self.clients(role)

    def writer(self, role: str) -> Client:
        """Return a connection in `role` to write what an act does, by the account that entered the act.

        What an act shows is read by `client`, the person's own.
        """
        return self.clients.doing(role)

    def connection(self) -> Client:
        """Return the connection that enters acts with an effect and writes what the database takes by one."""
        return self.clients.doing(self._role)

    @property
    def rules(self) -> AgencyRules:
        """The rules in force, as the database has them: read once for each request to the console, which has
        a door of its own, and by everything else each time. Raises RulesError and DatabaseError.
        """
        if not self.speaks:
            return in_force(self.clients(self._role))
        if not self._known:
            self._known.append(in_force(self.clients(self._role)))
        return self._known[0]

    @property
    def streams(self) -> Topics:
        """The topics of the edge, to their end."""
        return open_topics(self.settings, follow=False)

    def now(self) -> datetime:
        """Return the time of the database, which judges acts, in whole milliseconds. Raises DatabaseError."""
        client = self.connection()
        rows = run("reading the database's clock", lambda: client.query("SELECT now64(3, 'UTC')")).result_rows
        return cast(datetime, rows[0][0])

    def enter(
        self,
        act: str,
        about: str = "",
        *,
        change: str = "",
        effect: str = "",
        refusal: str = "",
        elsewhere: gate.Elsewhere | None = None,
        message: UUID | None = None,
        **why: Unpack[Why],
    ) -> Permit:
        """Put an act on record, judged, before it is done.

        `about` says what it concerns (an id, never a plate; 64 characters are kept) and `change` what before
        and after (no plate, 4,000 characters). `effect` is the SHA-256 of the record that the act writes, 64
        hex digits. `elsewhere` is what another agency is asked for. With `refusal` the service itself has a
        rule of the order that forbids it: the attempt is logged with that rule.

        `message` is the id of another agency's message that is received with it: one counts once.

        Raises RefusedInquiry where the act is refused, and then it must not be done, and DatabaseError.
        """
        if act not in BY_NAME:
            raise KeyError(f"no act {act}: schemas/acts.py declares them")
        said: gate.Why = {**self._said_of(act, why), "change": change[:4000], "refuse": refusal[:1000]}
        said["effect"] = effect
        client = self._entering(act)
        inquiry = gate.record(client, kind=act, other=about, elsewhere=elsewhere, inquiry=message, **said)
        return Permit(inquiry, act, self.who, effect)

    def enter_each(self, act: str, about: str, people: Sequence[str], **why: Unpack[Why]) -> dict[str, str]:
        """Put an act on record for each of several people, judged one by one, at the cost of one; by which
        rule each was refused, empty where allowed. For a door that speaks for people. Raises DatabaseError.
        """
        if act not in BY_NAME:
            raise KeyError(f"no act {act}: schemas/acts.py declares them")
        said = self._said_of(act, why)
        return gate.record_each(self._entering(act), kind=act, other=about, people=people, **said)

    def enter_several(
        self, act: str, told: Sequence[tuple[str, str]], *, effects: Sequence[str] = (), **why: Unpack[Why]
    ) -> list[Permit]:
        """Log an act for several things, each with what it is about and its change, at the cost of one.

        `effects` are in the order of `told`. Raises as `enter`.
        """
        if act not in BY_NAME:
            raise KeyError(f"no act {act}: schemas/acts.py declares them")
        written = effects or [""] * len(told)
        cut = [(about, change[:4000], effect) for (about, change), effect in zip(told, written, strict=True)]
        made = gate.record_several(self._entering(act), kind=act, told=cut, **self._said_of(act, why))
        return [Permit(one, act, self.who, effect) for one, effect in zip(made, written, strict=True)]

    def enter_entries(self, act: str, told: Sequence[tuple[str, str, str, Why]]) -> list[str]:
        """Log an act for several hot list entries, each with what it is about, its change, its effect and its
        documentation, at the cost of one. Return the rule that refused each, empty where allowed. Raises
        DatabaseError.
        """
        if act not in BY_NAME:
            raise KeyError(f"no act {act}: schemas/acts.py declares them")
        each: list[gate.Why] = [
            {**self._said_of(act, why), "change": change[:4000], "effect": effect}
            for _about, change, effect, why in told
        ]
        return gate.record_entries(
            self._entering(act), kind=act, about=[one for one, *_rest in told], whys=each
        )

    def enter_for_partner(
        self,
        act: str,
        request: UUID,
        partner: gate.Partner,
        about: str,
        *,
        change: str = "",
        refusal: str = "",
        **why: Unpack[Why],
    ) -> Permit:
        """Put an act of another agency's person on record, judged: theirs is the signature of `request`, an
        id that counts once. For a door that speaks for people. Raises AskedBefore, and as `enter`.
        """
        told = {"tool": self.tool, "change": change[:4000], "refuse": refusal[:1000], **why}
        gate.record_for_partner(
            self.clients(self._role), request, act, partner, about, **cast(gate.Why, told)
        )
        return Permit(request, act, f"{partner['partner']}/{partner['who']}")

    def received(self, message: UUID) -> gate.Received | None:
        """What became of another agency's message; None of one that is new. Raises DatabaseError."""
        return gate.received(self._entering("bolo"), message)

    @contextmanager
    def on_record(
        self, act: str, about: str = "", *, message: UUID | None = None, **why: Unpack[Why]
    ) -> Iterator[None]:
        """What is refused inside, before `enter`, is on record as a refused attempt of `act`.

        A refusal is a ValueError of the services. Whoever may not do the act at all hears just that.
        """
        try:
            yield
        except ValueError as error:
            try:
                self.enter(act, about, refusal=str(error), message=message, **why)
            except gate.RefusedInquiry as refused:
                if str(refused) != str(error)[:1000]:  # the person may not even try
                    raise refused from None
            raise

    def said(self, **why: Unpack[Why]) -> gate.Why:
        """Who asks, with what, and why: for the looks of `services.inquiries.gate`."""
        machine: gate.Why = {"automatic": True, "set_off_by": self.set_off_by} if self.automatic else {}
        return {"who": self._speaks_as, "tool": self.tool, **machine, **why}

    def write(self, table: str, **columns: Any) -> None:
        """Insert a row that the database takes by an act only. Raises DatabaseError."""
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

    def _entering(self, act: str) -> Client:
        clients = self.clients.doing if BY_NAME[act].has_effect else self.clients
        return clients(self._role)

    def _said_of(self, act: str, why: Why) -> gate.Why:
        """As `said`; where another account enters the act, it names the person."""
        said = self.said(**why)
        if BY_NAME[act].has_effect and self.clients.doing is not self.clients:
            said["who"] = self.who
        return said

    @property
    def _embedded(self) -> bool:
        return self.settings.clickhouse.startswith("chdb:")

    @property
    def _role(self) -> str | None:
        """On a server all the roles that the account has."""
        return DOOR if self._embedded else None

    @property
    def _speaks_as(self) -> str:
        """Named where the account speaks for people; a person's own account on a server says who it is."""
        return self.who if self._embedded or self.automatic or self.speaks else ""
