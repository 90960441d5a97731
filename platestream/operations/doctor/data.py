"""Checks of the database, the topics, the retention job and the registry."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from platestream.access.door import signed_in
from platestream.access.registry import load_people, records
from platestream.access.rules_reader import in_force
from platestream.clickhouse import migrate
from platestream.clickhouse.sql_files import MigrationError
from platestream.edges.clickhouse_client import AUDITOR, Dsn, FolderInUseError, read_rows, run
from platestream.edges.files import FileTopics
from platestream.edges.kafka_client import BrokerError
from platestream.hotlist.feed_health import age, feed_ages, feed_faults
from platestream.operations import setup
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.operators.people import People, PeopleRules
from platestream.policy import attention
from platestream.policy.attention import Due
from platestream.policy.checks.context import CheckData
from platestream.policy.checks.retention import job
from platestream.policy.service import ask
from platestream.schemas.pluralize import pluralize
from platestream.schemas.topics import TOPICS
from platestream.settings import Settings

MOST_SECONDS = 2.0
"""Seconds by which the database's clock may differ from ours."""
_TIME = "SELECT now64(6, 'UTC')"


def database(context: CheckContext) -> CheckResult:
    """Check that the database answers this account."""
    where = _where(context.settings)
    why = context.unreachable
    if isinstance(why, FolderInUseError):
        raise NotCheckedError(str(why))
    if why is not None:
        return fault(
            f"{where}: {why}.",
            "Start it (platestream up), or name the right one in PLATESTREAM_CLICKHOUSE.",
        )
    return ok(f"{where} answers the account {signed_in(context.settings)}.")


def migrations(context: CheckContext) -> CheckResult:
    """Check that tables and views are those of this release."""
    client = context.client(AUDITOR)
    try:
        missing = run("reading the migrations", lambda: migrate.apply(client, dry_run=True))
    except MigrationError as error:
        return fault(sentence(error), "Run the release that this database is of.")
    if missing:
        return fault(f"Not applied: {', '.join(missing)}.", "platestream migrate")
    added = [one.title for one in migrate.list_migrations(client) if one.state == "newer"]
    if added:
        return ok(f"Of this release; {', '.join(added)} of a newer one only adds to the tables.")
    return ok("Tables and views are those of this release.")


def database_clock(context: CheckContext) -> CheckResult:
    """Check that the database's clock agrees with this machine's."""
    client = context.client(AUDITOR)
    before = context.now()
    theirs: datetime = read_rows(client, "asking for the time", _TIME)[0][0]
    ahead = _ahead(before, theirs, context.now())
    if abs(ahead) > MOST_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        return fault(
            f"It is {abs(ahead):.0f} s {way} this machine's clock.", "Switch NTP on where one is off."
        )
    return ok(f"It agrees with this machine's within {MOST_SECONDS:.0f} s.")


def topics(context: CheckContext) -> Iterable[CheckResult]:
    """Check that the broker has the topics as declared, or that each file of the embedded edge opens."""
    if not context.settings.kafka:
        return [_files(context)]
    try:
        compared = setup.topics(context.door, check=True)
    except BrokerError as error:
        return [fault(sentence(error), "Start the broker, or put PLATESTREAM_KAFKA right.")]
    if compared is None:
        raise NotCheckedError("no broker is named")
    mend = "platestream topics; partitions only by `kafka-topics.sh --alter`."
    faults = [fault(sentence(text), mend) for text in compared.wrong]
    return faults or [ok(f"{compared.declared} topics are on the broker as declared.")]


def retention(context: CheckContext) -> Iterable[CheckResult]:
    """Check that the retention job ran, by the rule of `platestream policy check`."""
    context.client(AUDITOR)
    found = ask(job, CheckData.of(context.door, context.now()))
    late = [
        fault(sentence(text, names=False), "See RetentionNotRun in the runbook.") for text in found.faults
    ]
    if found.gaps and not late:
        raise NotCheckedError(found.gaps[0].why)
    return late or [ok(sentence(f"{found.figure} UTC"))]


def administrator(context: CheckContext) -> CheckResult:
    """Check that an administrator may register people."""
    people, rules = _registry(context)
    there = len(people.with_role("administrator", context.now(), rules))
    if not there:
        return fault(
            "No administrator is active and trained.",
            "To found: platestream registry user NAME --role administrator --trained DAY. Once there was "
            "one: two people, platestream registry recover NAME (docs/how-to/administrator/people.md).",
        )
    return ok(f"{pluralize(there, 'administrator')} active and trained.")


def second_factor(context: CheckContext) -> CheckResult:
    """Check that the rules require a second factor at sign-in, and who has none."""
    rule = in_force(context.client(AUDITOR)).profile.sign_in
    people, _rules = _registry(context)
    roles = {who: one.roles for who, one in people.users.items() if one.active}
    if not roles:
        raise NotCheckedError("nobody is registered")
    free = sum(not rule.requires_second_factor(one) for one in roles.values())
    if free:
        found = (
            "do not say who needs one" if rule.second_factor is None else "do not require one of everybody"
        )
        people_alone = pluralize(free, "person", "people")
        return warning(
            f"The rules in force {found}: {people_alone} may sign in with a password alone.",
            "platestream registry rules --second-factor everybody --by NAME (CJIS policy, IA-2).",
        )
    return ok("Everybody signs in to the console with a second factor.")


def training(context: CheckContext) -> Iterable[CheckResult]:
    """Check the training of active people."""
    people, rules = _registry(context)
    if not people.users:
        raise NotCheckedError("nobody is registered")
    due = attention.training(people.users.values(), rules, context.now())
    mend = "Train them, and platestream registry user NAME --trained DAY."
    return _due(due, context.now(), ("person", "people"), "training", mend)


def agreements(context: CheckContext) -> Iterable[CheckResult]:
    """Check the MOUs of other agencies."""
    people, rules = _registry(context)
    others = [one for one in people.agencies.values() if not one.own]
    if not others or not rules.mou_required:
        raise NotCheckedError("no other agency needs an MOU here")
    due = attention.agreements(others, context.now())
    mend = "Renew it (platestream registry agency), or platestream registry deactivate agency NAME."
    return _due(due, context.now(), ("agency", "agencies"), "MOU", mend)


def feeds(context: CheckContext) -> Iterable[CheckResult]:
    """Check that no feed of a hot list is late, and that the newest file of each was imported."""
    if not context.settings.kafka:
        context.folder  # noqa: B018  without it there is nothing to read
    try:
        known = records(context.door.streams)
    except BrokerError:
        raise NotCheckedError("the broker has no registry to read") from None
    ages = feed_ages(known, context.now())
    if not ages:
        raise NotCheckedError("no feed is registered")
    found = feed_faults(context.settings.data, known, context.now())
    faults = [fault(sentence(text, names=False), "See HotListFeedLate in the runbook.") for text in found]
    shown = ", ".join(f"{one.source} {age(one.imported_at, context.now())}" for one in ages)
    return faults or [ok(f"Last imported: {shown}.")]


def _files(context: CheckContext) -> CheckResult:
    files = FileTopics(context.folder, follow=False)
    filled = sum(files.oldest(topic) is not None for topic in TOPICS)
    return ok(f"{filled} of {len(TOPICS)} topics hold messages, and each file opens.")


def _registry(context: CheckContext) -> tuple[People, PeopleRules]:
    if not context.settings.kafka:
        context.folder  # noqa: B018  without it there is nothing to read
    context.client(AUDITOR)  # the rules in force, which say what people may do, are in the database
    try:
        return load_people(context.door)
    except BrokerError:
        raise NotCheckedError("the broker has no registry to read") from None


def _due(due: list[Due], now: datetime, of: tuple[str, str], thing: str, mend: str) -> Iterator[CheckResult]:
    """Report the due matters as counts; only the administrator sees the names, on the console."""
    near = [one for one in due if one.at is not None and one.at > now]
    if len(due) > len(near):
        yield fault(f"{pluralize(len(due) - len(near), *of)} without {thing} in force.", mend)
    if near:
        yield warning(
            f"{pluralize(len(near), *of)} whose {thing} ends within {attention.WITHIN.days} days.", mend
        )
    if not due:
        yield ok(f"No {thing} ends within {attention.WITHIN.days} days.")


def _ahead(before: datetime, theirs: datetime, after: datetime) -> float:
    """Return the seconds by which their clock is certainly ahead; a slow answer counts as no difference."""
    if theirs > after:
        return (theirs - after).total_seconds()
    return min(0.0, (theirs - before).total_seconds())


def _where(settings: Settings) -> str:
    named = Dsn.parse(settings.clickhouse)
    if named.scheme == "chdb":
        return f"The embedded database in {named.path}"
    kind = "server" if settings.names_server else "engine of platestream up"
    return f"The {kind} at {named.host}:{named.port}"
