"""The database, the topics, and what both say of retention and of the registry."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from clickhouse import migrate
from clickhouse.sql_files import MigrationError
from connectors.clickhouse_client import AUDITOR, Dsn, FolderHeldError, run
from connectors.files import FileTopics
from connectors.kafka_client import BrokerError
from connectors.settings import Settings
from operators.people import People, PeopleRules
from schemas.counted import counted
from schemas.topics import TOPICS
from services import attention, setup
from services.attention import Due
from services.doctor.finding import Answer, NotLookedAtError, right, sentence, soon, wrong
from services.doctor.here import Here
from services.people import signed_in
from services.policy.checks.keeping import job
from services.policy.checks.live import Live
from services.registry import who_is_who

MOST_SECONDS = 2.0
"""By how much the database's clock may differ from ours."""
_TIME = "SELECT now64(6, 'UTC')"


def database(here: Here) -> Iterable[Answer]:
    """It answers this account."""
    where = _where(here.settings)
    why = here.unreachable
    if isinstance(why, FolderHeldError):
        raise NotLookedAtError(str(why))
    if why is not None:
        return [
            wrong(
                f"{where}: {why}.",
                "Start it (platestream up), or name the right one in PLATESTREAM_CLICKHOUSE.",
            )
        ]
    return [right(f"{where} answers the account {signed_in(here.settings)}.")]


def migrations(here: Here) -> Iterable[Answer]:
    """Tables and views are those of this release."""
    client = here.client(AUDITOR)
    try:
        missing = run("reading the migrations", lambda: migrate.apply(client, dry_run=True))
    except MigrationError as error:
        return [wrong(sentence(error), "Run the release that this database is of.")]
    if missing:
        return [wrong(f"Not applied: {', '.join(missing)}.", "platestream migrate")]
    added = [one.title for one in migrate.list_migrations(client) if one.state == "newer"]
    if added:
        return [right(f"Of this release; {', '.join(added)} of a newer one only adds to the tables.")]
    return [right("Tables and views are those of this release.")]


def database_clock(here: Here) -> Iterable[Answer]:
    """It shows the time that this machine shows."""
    client = here.client(AUDITOR)
    before = here.now()
    theirs: datetime = run("asking for the time", lambda: client.query(_TIME)).result_rows[0][0]
    ahead = _ahead(before, theirs, here.now())
    if abs(ahead) > MOST_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        return [
            wrong(f"It is {abs(ahead):.0f} s {way} this machine's clock.", "Switch NTP on where one is off.")
        ]
    return [right(f"It agrees with this machine's within {MOST_SECONDS:.0f} s.")]


def topics(here: Here) -> Iterable[Answer]:
    """A broker has them as declared; of the embedded edge each file opens."""
    if not here.settings.kafka:
        return [_files(here)]
    try:
        compared = setup.topics(here.door, check=True)
    except BrokerError as error:
        return [wrong(sentence(error), "Start the broker, or put PLATESTREAM_KAFKA right.")]
    if compared is None:
        raise NotLookedAtError("no broker is named")
    mend = "platestream topics; partitions only by `kafka-topics.sh --alter`."
    faults = [wrong(sentence(said), mend) for said in compared.wrong]
    return faults or [right(f"{compared.declared} topics are on the broker as declared.")]


def retention(here: Here) -> Iterable[Answer]:
    """The job ran, by the rule of `platestream policy check`."""
    here.client(AUDITOR)
    found = job(Live.of(here.door, here.now()))
    late = [
        wrong(sentence(said, names=False), "See RetentionNotRun in docs/runbook.md.") for said in found.faults
    ]
    return late or [right(sentence(f"{found.figure} UTC"))]


def administrator(here: Here) -> Iterable[Answer]:
    """Somebody may register people."""
    people, rules = _registry(here)
    there = len(people.with_role("administrator", here.now(), rules))
    if not there:
        return [
            wrong(
                "No administrator is active and trained.",
                "To found: platestream registry user NAME --role administrator --trained DAY. Once there was "
                "one: two people, platestream registry recover NAME (docs/inquiries.md).",
            )
        ]
    return [right(f"{counted(there, 'administrator')} active and trained.")]


def training(here: Here) -> Iterable[Answer]:
    """Of people who are active."""
    people, rules = _registry(here)
    if not people.users:
        raise NotLookedAtError("nobody is registered")
    due = attention.training(people.users.values(), rules, here.now())
    mend = "Train them, and platestream registry user NAME --trained DAY."
    return _due(due, here.now(), ("person", "people"), "training", mend)


def agreements(here: Here) -> Iterable[Answer]:
    """Of other agencies."""
    people, rules = _registry(here)
    others = [one for one in people.agencies.values() if not one.own]
    if not others or not rules.mou_required:
        raise NotLookedAtError("no other agency needs an MOU here")
    due = attention.agreements(others, here.now())
    mend = "Renew it (platestream registry agency), or platestream registry end agency NAME."
    return _due(due, here.now(), ("agency", "agencies"), "MOU", mend)


def _files(here: Here) -> Answer:
    files = FileTopics(here.folder, follow=False)
    filled = sum(files.oldest(topic) is not None for topic in TOPICS)
    return right(f"{filled} of {len(TOPICS)} topics hold messages, and each file opens.")


def _registry(here: Here) -> tuple[People, PeopleRules]:
    if not here.settings.kafka:
        here.folder  # noqa: B018  without it there is nothing to read
    here.client(AUDITOR)  # what people may do is said by the rules in force, which the database has
    try:
        return who_is_who(here.door)
    except BrokerError:
        raise NotLookedAtError("the broker has no registry to read") from None


def _due(due: list[Due], now: datetime, of: tuple[str, str], thing: str, mend: str) -> Iterator[Answer]:
    """As counts: names are the administrator's to see, on the console."""
    near = [one for one in due if one.at is not None and one.at > now]
    if len(due) > len(near):
        yield wrong(f"{counted(len(due) - len(near), *of)} without {thing} in force.", mend)
    if near:
        yield soon(f"{counted(len(near), *of)} whose {thing} ends within {attention.WITHIN.days} days.", mend)
    if not due:
        yield right(f"No {thing} ends within {attention.WITHIN.days} days.")


def _ahead(before: datetime, theirs: datetime, after: datetime) -> float:
    """Seconds by which their clock is ahead for certain; a slow answer is no difference."""
    if theirs > after:
        return (theirs - after).total_seconds()
    return min(0.0, (theirs - before).total_seconds())


def _where(settings: Settings) -> str:
    named = Dsn.parse(settings.clickhouse)
    if named.scheme == "chdb":
        return f"The embedded database in {named.path}"
    kind = "server" if settings.names_server else "engine of platestream up"
    return f"The {kind} at {named.host}:{named.port}"
