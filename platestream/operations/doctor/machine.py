"""Checks of certificates, the machine's clock, and local processes."""

import ssl
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography import x509

from platestream.cameras import config as cameras_config
from platestream.edges.clickhouse_client import ConnectError, Dsn
from platestream.flow_process import free_share
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.operations.up.status import disk_faults, status
from platestream.operations.up.supervisor import UpError
from platestream.policy.attention import WITHIN
from platestream.runtime import fips
from platestream.schemas.pluralize import pluralize
from platestream.settings import Settings

SECONDS = 5.0  # for a server's handshake
Source = tuple[str, Callable[[], datetime]]
"""The owner of a certificate, and a function that returns its end."""
GUIDE = "docs/how-to/operator/up.md"
ALGORITHMS = "docs/decisions/cryptography.md lists the algorithms."
KAFKA_FILES = ("ssl.ca.location", "ssl.certificate.location")
DSN_FILES = ("ca_cert", "client_cert")


def certificates(context: CheckContext) -> Iterator[CheckResult]:
    """Check that no certificate has ended or ends within 30 days."""
    sources = [*_named(context.certificates), *_of_settings(context.settings)]
    if not sources:
        raise NotCheckedError("no setting names one; name a file, as the console's, with --certificate")
    for name, end in sources:
        yield _ends(name, end, context.now())


def clock(context: CheckContext) -> CheckResult:
    """Check that NTP synchronizes this machine's clock."""
    synchronized = context.synchronised()
    if synchronized is None:
        raise NotCheckedError("the kernel does not say")
    if not synchronized:
        return fault("NTP does not keep this machine's clock.", "timedatectl set-ntp true, or start chrony.")
    return ok("NTP keeps this machine's clock.")


def cryptography(_context: CheckContext) -> CheckResult:
    """Say which cryptographic modules are in FIPS mode. The system runs without, CJIS asks for it."""
    modes = fips.modes()
    off = [name for name, on in modes.items() if not on]
    if not off:
        return ok(f"In FIPS mode are {', '.join(modes)}.")
    found = f"Not in FIPS mode, so no validated modules (FIPS 140): {', '.join(off)}. {ALGORITHMS}"
    return warning(found, "Where the CJIS Security Policy counts (SC-13), ask your CJIS Systems Officer.")


def processes(context: CheckContext) -> Iterable[CheckResult]:
    """Check the processes as `platestream status` does, except for the disk, which has a check of its own."""
    try:
        found = status(context.settings, context.now())
    except UpError as error:
        raise NotCheckedError(str(error)) from None
    disk = set(disk_faults(context.settings.data, free_share(context.settings.data)))
    faults = [text for text in found.wrong if text not in disk]
    if not faults:
        return [ok(f"{pluralize(len(found.processes), 'process')} run, and nothing waits.")]
    return [fault(sentence(text), f"See {GUIDE}, When something is wrong.") for text in faults]


def _ends(name: str, end: Callable[[], datetime], now: datetime) -> CheckResult:
    try:
        at = end()
    except (OSError, ValueError) as error:
        return fault(f"{name}: {error}.", "Put the file or the address right.")
    if at <= now:
        return fault(f"{name} ended on {at:%Y-%m-%d}.", "Put a new certificate in its place.")
    if at <= now + WITHIN:
        return warning(f"{name} ends on {at:%Y-%m-%d}.", "Order a new certificate.")
    return ok(f"{name} ends on {at:%Y-%m-%d}.")


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
    except ConnectError:  # reported by the check of the database
        return
    if dsn.scheme == "https":
        yield _server("ClickHouse", dsn.host, dsn.port)
        yield from _named(Path(dsn.tls[name]) for name in DSN_FILES if name in dsn.tls)


def _of_broker(settings: Settings) -> Iterator[Source]:
    properties = settings.kafka_properties()
    if not settings.kafka or "SSL" not in properties.get("security.protocol", "").upper():
        return
    for one in settings.kafka.split(","):
        host, _colon, port = one.strip().rpartition(":")
        yield _server("Kafka", host.strip("[]"), int(port))
    yield from _named(Path(properties[name]) for name in KAFKA_FILES if name in properties)


def _server(kind: str, host: str, port: int) -> Source:
    return f"The certificate of {kind} at {host}:{port}", partial(end_of_server, host, port)


def _named(files: Iterable[Path]) -> Iterator[Source]:
    yield from ((f"The certificate {file}", partial(end_of_file, file)) for file in files)


def end_of_file(file: Path) -> datetime:
    """Return the first expiry of the certificates in a PEM file, including the chain.

    Raises OSError and ValueError.
    """
    return _end(file.read_bytes())


def end_of_server(host: str, port: int) -> datetime:
    """Return the expiry of a server's certificate; nothing but the handshake is sent.

    Trust is not checked here, because an expired certificate could not be seen then. Raises OSError.
    """
    return _end(ssl.get_server_certificate((host, port), timeout=SECONDS).encode())


def _end(pem: bytes) -> datetime:
    return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem))
