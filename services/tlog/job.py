"""Publishing as an act of a person, and as the job that runs by the clock."""

from datetime import datetime

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import SEALER, DatabaseError
from connectors.metrics import meters, serve
from connectors.private_file import PrivateFileError
from connectors.rules_in_force import in_force
from connectors.settings import Settings
from connectors.tlog.kept import BusyError, LastRun, WitnessState
from schemas import metrics
from services.door import Clients, Door
from services.tlog.config import LogConfig, LogError, config, signer
from services.tlog.publish import Published, publish
from services.tlog.restored import judge

PASSING = (LogError, BusyError, DatabaseError, PrivateFileError, OSError)
"""What the job says and tries again at its next turn."""


def by_a_person(door: Door, now: datetime, *, another: bool = False) -> Published:
    """Publish what is sealed; on record first. With `another` a log is begun, as after a restored backup.

    Raises RefusedInquiry, and as `publish`.
    """
    door.enter("audit_head", "another published log is begun" if another else "head of the inquiry log")
    return _publish(door.settings, door.client(SEALER), now, look_first=True, another=another)


def start(door: Door) -> None:
    """Log that a person starts the job. Raises RefusedInquiry where they may not publish."""
    door.start_job("publish", "audit_head", "job").close()


def by_the_clock(settings: Settings, now: datetime, *, first: bool) -> Published:
    """One turn of the job; raises as `publish`. In its `first` witnesses are asked before it signs.

    It is no act of anybody: like sealing it shows nothing, and changes nothing of what was done.
    """
    found = config(settings)
    clients = Clients(settings, automatic=True)
    try:
        published = _publish(settings, clients(SEALER), now, look_first=first)
    except LogError:
        meters.put(metrics.LOG_REFUSED, to=1)
        raise
    finally:
        clients.close()
    meters.put(metrics.LOG_REFUSED, to=0)
    meters.put(metrics.LOG_PUBLISHED, to=now.timestamp())
    meters.put(metrics.LOG_ENTRIES, to=published.head.size)
    if found.stamps is not None and not published.unstamped:
        meters.put(metrics.LOG_STAMPED, to=now.timestamp())
    for name, state in witness_states(found).items():
        meters.put(metrics.LOG_COSIGNED, name, to=state.cosigned_at or state.failed_since)
    return published


def witness_states(found: LogConfig) -> dict[str, WitnessState]:
    """How our witnesses do, by name. Raises PrivateFileError and OSError."""
    kept = found.kept.witnesses.read()
    return {one.key.name: kept[one.key.name] for one in found.witnesses if one.key.name in kept}


def last_run(found: LogConfig) -> LastRun | None:
    """How publishing went last, None where it never ran. Raises PrivateFileError."""
    return found.kept.last_run()


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on `port`. Raises PortTakenError."""
    serve(port)


def _publish(
    settings: Settings, client: Client, now: datetime, *, look_first: bool, another: bool = False
) -> Published:
    found = config(settings)
    try:
        judge(found.kept, client, another=another)
    except LogError as error:
        found.kept.keep_run(LastRun(at=now.timestamp(), refused=str(error)))
        raise
    key = signer(found, in_force(client).profile.agency.name)
    return publish(found, key, client, now, look_first=look_first)
