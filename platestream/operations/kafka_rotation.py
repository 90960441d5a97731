"""New passwords for accounts of a Kafka broker, on the broker and in the files of their programs.

A broker knows one password of an account. A running program keeps its connections, is refused when it opens
the next one, ends, and starts again with its file. A run that was killed is repeated.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from platestream.access.door import Door
from platestream.edges.kafka_client import metadata, open_admin, properties, result
from platestream.operations.rotation import ACT
from platestream.runtime.private_file import write_file
from platestream.schemas.message import RefusedError

MECHANISMS = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
ITERATIONS = 8192
MECHANISM, NAME, PASSWORD = "sasl.mechanism", "sasl.username", "sasl.password"


def rotate(door: Door, files: Sequence[Path]) -> list[str]:
    """Give the account of each client's file a new password, as the administrator of the broker that the
    settings name; return the accounts.

    Raises RefusedError, RefusedInquiry, BrokerError, DatabaseError and OSError.
    """
    with door.log_refusal(ACT):
        if not door.settings.kafka:
            raise RefusedError("account", "no broker is named: PLATESTREAM_KAFKA")
        known = {file: _account(file) for file in files}
        own = door.settings.kafka_properties().get(NAME, "")
        if own in {found[NAME] for found in known.values()}:
            raise RefusedError("account", f"{own} is the administrator who changes the others")
    config = {"bootstrap.servers": door.settings.kafka, **door.settings.kafka_properties()}
    metadata(config)  # names why there is no answer
    names = [found[NAME] for found in known.values()]
    door.enter(ACT, change=f"new passwords on the broker of {', '.join(names)}")
    for file, found in known.items():
        _renew(config, file, found)
    return names


def _account(file: Path) -> dict[str, str]:
    """Return the properties of a client's file. Raises RefusedError where its account has no password on the
    broker, and OSError.
    """
    try:
        found = properties(file.read_text())
    except ValueError as error:
        raise RefusedError("account", f"{file.name}: {error}") from None
    if found.get(MECHANISM) not in MECHANISMS or not found.get(NAME):
        raise RefusedError("account", f"{file.name} has no {NAME} with {' or '.join(MECHANISMS)}")
    return found


def _renew(config: Mapping[str, str], file: Path, found: Mapping[str, str]) -> None:
    name, password = found[NAME], secrets.token_urlsafe(32)
    stored = ScramCredentialInfo(MECHANISMS[found[MECHANISM]], ITERATIONS)
    admin = open_admin(config)
    change = UserScramCredentialUpsertion(name, stored, password.encode())
    result(f"the password of {name}", admin.alter_user_scram_credentials([change])[name])
    others = [one for one in file.read_text().splitlines() if one.partition("=")[0].strip() != PASSWORD]
    write_file(file, "\n".join([*others, f"{PASSWORD}={password}", ""]).encode(), keep=True)
