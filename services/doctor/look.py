"""Everything is looked at, one after another; a check that fails stops none of the next ones."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from clickhouse.sql_files import MigrationError
from connectors.clickhouse_client import ACCESS_DENIED, ROLE_NOT_GRANTED, DatabaseError
from connectors.kafka_client import BrokerError
from services.doctor import data, installation, machine, published
from services.doctor.finding import Answer, Finding, NotLookedAtError, sentence, wrong
from services.doctor.here import Here


@dataclass(frozen=True)
class Check:
    """What is looked at, and how."""

    name: str
    what: str
    look: Callable[[Here], Iterable[Answer]]


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
    Check("recogniser", "the models that read plates", installation.recogniser),
    Check("retention", "the retention job", data.retention),
    Check("published_log", "the published inquiry log", published.log),
    Check("witnesses", "witnesses of the published log", published.witnesses),
    Check("administrator", "the ALPR administrator", data.administrator),
    Check("training", "people's training", data.training),
    Check("agreements", "agreements (MOUs) with other agencies", data.agreements),
    Check("certificates", "certificates of TLS", machine.certificates),
    Check("clock", "this machine's clock", machine.clock),
    Check("processes", "what platestream up runs here", machine.processes),
)
EXPECTED = (OSError, ValueError, DatabaseError, BrokerError, MigrationError)
"""What connectors raise with a sentence that holds no data."""

NOT_OURS = (ACCESS_DENIED, ROLE_NOT_GRANTED)
"""What a server answers an account that may not see something."""


def look(here: Here, checks: Iterable[Check] = CHECKS) -> Iterator[Finding]:
    """Every finding, as it is found."""
    try:
        for check in checks:
            for answer in _ask(check, here):
                yield Finding(check.name, check.what, answer.state, answer.found, answer.do)
    finally:
        here.close()


def _ask(check: Check, here: Here) -> list[Answer]:
    try:
        return list(check.look(here))
    except NotLookedAtError as why:
        return [Answer("not looked at", sentence(why, names=False))]
    except EXPECTED as error:
        if isinstance(error, DatabaseError) and error.code in NOT_OURS:
            return [Answer("not looked at", sentence(error, names=False))]
        return [wrong(sentence(error), "Put right what is named there.")]
    except Exception as error:  # its text could hold anything
        return [wrong(f"The check itself failed ({type(error).__name__}).", "Tell whoever maintains this.")]
