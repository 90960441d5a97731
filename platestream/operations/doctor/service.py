"""The list of checks, and their run one after another; a check that fails does not stop the next ones."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from platestream.clickhouse.sql_files import MigrationError
from platestream.edges.clickhouse_client import ACCESS_DENIED, ROLE_NOT_GRANTED, DatabaseError
from platestream.edges.kafka_client import BrokerError
from platestream.operations.doctor import (
    data,
    installation,
    keys,
    machine,
    published,
    secrecy,
    shares,
    transfers,
)
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, Finding, NotCheckedError, fault, sentence


@dataclass(frozen=True)
class Check:
    """A check: its name, its subject, and its function."""

    name: str
    what: str
    run: Callable[[CheckContext], CheckResult | Iterable[CheckResult]]


CHECKS = (
    Check("settings", "the settings", installation.settings),
    Check("environment", "variables that begin with PLATESTREAM_", installation.environment),
    Check("secrets", "files of secrets", installation.secrets),
    Check("data", "the data folder", installation.data),
    Check("disk", "free space of the data folder", installation.disk),
    Check("database", "the database", data.database),
    Check("migrations", "the database's tables and views", data.migrations),
    Check("database_clock", "the database's clock", data.database_clock),
    Check("topics", "the topics", data.topics),
    Check("shares", "shares of recognize and match", shares.shares),
    Check("recogniser", "the models that read plates", installation.recogniser),
    Check("keys", "the hourly keys", keys.keys),
    Check("authenticator_apps", "secrets of authenticator apps", keys.apps),
    Check("backups", "recipients of backups", secrecy.backups),
    Check("swap", "memory on the disk", secrecy.swap),
    Check("table_disk", "the disk of the tables", secrecy.table_disk),
    Check("retention", "the retention job", data.retention),
    Check("published_log", "the published inquiry log", published.log),
    Check("witnesses", "witnesses of the published log", published.witnesses),
    Check("administrator", "the ALPR administrator", data.administrator),
    Check("second_factor", "the second factor at sign-in", data.second_factor),
    Check("training", "people's training", data.training),
    Check("agreements", "agreements (MOUs) with other agencies", data.agreements),
    Check("feeds", "feeds of hot lists", data.feeds),
    Check("transfers", "exports to evidence systems", transfers.transfers),
    Check("certificates", "certificates of TLS", machine.certificates),
    Check("clock", "this machine's clock", machine.clock),
    Check("cryptography", "cryptographic modules", machine.cryptography),
    Check("processes", "what platestream up runs here", machine.processes),
)
EXPECTED = (OSError, ValueError, DatabaseError, BrokerError, MigrationError)
"""Errors of connectors, whose texts hold no data."""

NOT_OURS = (ACCESS_DENIED, ROLE_NOT_GRANTED)
"""Error codes for an account that lacks a right."""


def run_checks(context: CheckContext, checks: Iterable[Check] = CHECKS) -> Iterator[Finding]:
    """Run the checks and yield each finding as it is made."""
    try:
        for check in checks:
            for answer in _ask(check, context):
                yield Finding(check.name, check.what, answer.state, answer.found, answer.do)
    finally:
        context.close()


def _ask(check: Check, context: CheckContext) -> list[CheckResult]:
    try:
        found = check.run(context)
        return [found] if isinstance(found, CheckResult) else list(found)
    except NotCheckedError as why:
        return [CheckResult("not looked at", sentence(why, names=False))]
    except EXPECTED as error:
        if isinstance(error, DatabaseError) and error.code in NOT_OURS:
            return [CheckResult("not looked at", sentence(error, names=False))]
        return [fault(sentence(error), "Put right what is named there.")]
    except Exception as error:  # its text could contain data
        return [fault(f"The check itself failed ({type(error).__name__}).", "Tell whoever maintains this.")]
