"""Certificates, the machine's clock, and what runs here."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from connectors.certificates import end_of_file, end_of_server
from connectors.clickhouse_client import ConnectError, Dsn
from connectors.process import free
from connectors.settings import Settings
from schemas.counted import counted
from services.attention import WITHIN
from services.cameras import config as cameras_config
from services.doctor.finding import Answer, NotLookedAtError, right, sentence, soon, wrong
from services.doctor.here import Here
from services.up.status import short_of_disk, status
from services.up.supervisor import UpError

Source = tuple[str, Callable[[], datetime]]
"""What has a certificate, and how to learn when it ends."""
KAFKA_FILES = ("ssl.ca.location", "ssl.certificate.location")
DSN_FILES = ("ca_cert", "client_cert")


def certificates(here: Here) -> Iterator[Answer]:
    """None has ended, and none ends within 30 days."""
    sources = [*_named(here.certificates), *_of_settings(here.settings)]
    if not sources:
        raise NotLookedAtError("no setting names one; name a file, as the console's, with --certificate")
    for name, end in sources:
        yield _ends(name, end, here.now())


def clock(here: Here) -> Iterable[Answer]:
    """NTP keeps it right."""
    told = here.synchronised()
    if told is None:
        raise NotLookedAtError("the kernel does not say")
    if not told:
        return [
            wrong("NTP does not keep this machine's clock.", "timedatectl set-ntp true, or start chrony.")
        ]
    return [right("NTP keeps this machine's clock.")]


def processes(here: Here) -> Iterable[Answer]:
    """What `platestream status` finds wrong, but for the disk, which is a check of its own."""
    try:
        found = status(here.settings, here.now())
    except UpError as error:
        raise NotLookedAtError(str(error)) from None
    disk = set(short_of_disk(here.settings.data, free(here.settings.data)))
    faults = [said for said in found.wrong if said not in disk]
    if not faults:
        return [right(f"{counted(len(found.processes), 'process')} run, and nothing waits.")]
    return [wrong(sentence(said), "See docs/up.md, When something is wrong.") for said in faults]


def _ends(name: str, end: Callable[[], datetime], now: datetime) -> Answer:
    try:
        at = end()
    except (OSError, ValueError) as error:
        return wrong(f"{name}: {error}.", "Put the file or the address right.")
    if at <= now:
        return wrong(f"{name} ended on {at:%Y-%m-%d}.", "Put a new certificate in its place.")
    if at <= now + WITHIN:
        return soon(f"{name} ends on {at:%Y-%m-%d}.", "Order a new certificate.")
    return right(f"{name} ends on {at:%Y-%m-%d}.")


def _of_settings(settings: Settings) -> Iterator[Source]:
    yield from _of_database(settings.clickhouse)
    yield from _of_broker(settings)
    there = settings.data / "cameras.toml"
    if there.is_file():
        gateway = cameras_config.load(there)
        yield from _named(one for one in (gateway.http.certificate, gateway.ftp.certificate) if one)


def _of_database(text: str) -> Iterator[Source]:
    try:
        dsn = Dsn.parse(text)
    except ConnectError:  # of which the check of the database tells
        return
    if dsn.scheme == "https":
        yield _server("ClickHouse", dsn.host, dsn.port)
        yield from _named(Path(dsn.tls[name]) for name in DSN_FILES if name in dsn.tls)


def _of_broker(settings: Settings) -> Iterator[Source]:
    told = settings.kafka_properties()
    if not settings.kafka or "SSL" not in told.get("security.protocol", "").upper():
        return
    for one in settings.kafka.split(","):
        host, _colon, port = one.strip().rpartition(":")
        yield _server("Kafka", host.strip("[]"), int(port))
    yield from _named(Path(told[name]) for name in KAFKA_FILES if name in told)


def _server(kind: str, host: str, port: int) -> Source:
    return f"The certificate of {kind} at {host}:{port}", partial(end_of_server, host, port)


def _named(files: Iterable[Path]) -> Iterator[Source]:
    yield from ((f"The certificate {file}", partial(end_of_file, file)) for file in files)
