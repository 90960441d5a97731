"""Publication of the log, as an act of a person and as a scheduled job."""

from datetime import datetime

from clickhouse_connect.driver.client import Client

from platestream.access.door import Clients, Door
from platestream.access.rules_reader import in_force
from platestream.edges.clickhouse_client import SEALER, DatabaseError
from platestream.runtime.metrics import meters
from platestream.runtime.private_file import PrivateFileError
from platestream.schemas import metrics
from platestream.settings import Settings
from platestream.transparency_log.config import LogConfig, LogError, config, signer
from platestream.transparency_log.publish import Published, publish
from platestream.transparency_log.publisher_state import BusyError, LastRun, WitnessState
from platestream.transparency_log.restored import judge

PASSING = (LogError, BusyError, DatabaseError, PrivateFileError, OSError)
"""Errors that the job reports before it tries again at its next iteration."""


def publish_as_person(door: Door, now: datetime, *, another: bool = False) -> Published:
    """Publish sealed inquiries, which is logged first. With `another` a new log is begun, as after a restored
    backup.

    Raises RefusedInquiry, and as `publish`.
    """
    door.enter("audit_head", "another published log is begun" if another else "head of the inquiry log")
    return _publish(door.settings, door.client(SEALER), now, look_first=True, another=another)


def start(door: Door) -> None:
    """Log that a person starts the job. Raises RefusedInquiry where they may not publish."""
    door.start_job("publish", "audit_head", "job").close()


def publish_scheduled(settings: Settings, now: datetime, *, first: bool) -> Published:
    """Run one iteration of the job; raises as `publish`. In the `first` one witnesses are asked before it
    signs.

    It is not an act: like sealing it shows nothing, and changes no record.
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


def witness_states(log_config: LogConfig) -> dict[str, WitnessState]:
    """Return the states of our witnesses by name. Raises PrivateFileError and OSError."""
    states = log_config.state.witnesses.read()
    return {one.key.name: states[one.key.name] for one in log_config.witnesses if one.key.name in states}


def _publish(
    settings: Settings, client: Client, now: datetime, *, look_first: bool, another: bool = False
) -> Published:
    found = config(settings)
    try:
        judge(found.state, client, another=another)
    except LogError as error:
        found.state.store_run(LastRun(at=now.timestamp(), refused=str(error)))
        raise
    key = signer(found, in_force(client).profile.agency.name)
    return publish(found, key, client, now, look_first=look_first)
