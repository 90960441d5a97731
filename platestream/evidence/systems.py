"""Registered evidence systems (order, section F.8.a): where exports are sent, and what is their receipt."""

import re
from datetime import datetime
from pathlib import Path

from platestream.access import registry
from platestream.access.door import Door
from platestream.access.signing_keys import WrongKey, read_public
from platestream.edges.edge import Topics
from platestream.evidence.channels.channel import Channel, ChannelError
from platestream.evidence.channels.folder import FolderChannel
from platestream.evidence.channels.s3 import CREDENTIALS, SCHEME, Place, S3Channel
from platestream.evidence.channels.sftp import SftpChannel
from platestream.keys.recipients import Recipient, RecipientError, parse_recipient
from platestream.runtime.sftp import HOST_KEY, Remote
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

FOLDER = "evidence"
"""Folder below the data folder: packages to be sent, and a folder with `ssh_key` for each SFTP server."""
OUTBOX = "outbox"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def register(
    door: Door, record: RegistryRecord, now: datetime, *, keys: Path | None = None
) -> RegistryRecord:
    """Register an evidence system, or withdraw it where `record` is not active. A bucket is asked whether it
    locks its objects. `keys` as for `open_channel`. Raises as `registry.put`.
    """
    with door.log_refusal("registry_evidence_system", record.key):
        if record.active:
            _check(record)
            if record.transfer_place.startswith(SCHEME):
                _check_bucket(open_channel(record, door.settings.data.resolve(), keys))
    return registry.put(door, record, now)


def _check(record: RegistryRecord) -> None:
    if not _NAME.fullmatch(record.id) or record.id == OUTBOX:
        raise RefusedError("registry", "the name of an evidence system has letters, digits and . _ - only")
    if record.transfer_place.startswith(registry.REMOTE):
        Remote.parse(record.transfer_place)
        if not HOST_KEY.fullmatch(record.host_key):
            raise RefusedError("registry", "an SFTP server needs its host key: `ssh-ed25519 AAAA…`")
    elif record.transfer_place.startswith(SCHEME):
        Place.parse(record.transfer_place)
        if record.host_key or not record.gives_back:
            raise RefusedError("registry", "an S3 server has no host key, and is read back always")
    elif not Path(record.transfer_place).is_absolute():
        raise RefusedError(
            "registry", "the place is no absolute path, sftp://user@host/folder or s3://host/bucket"
        )
    elif record.host_key or not record.gives_back:
        raise RefusedError("registry", "a folder has no host key, and is read back always")
    try:
        recipients(record)
    except RecipientError as error:
        raise RefusedError("registry", str(error)) from None
    if record.receipt_key:
        if record.receipt_minutes is None:
            raise RefusedError("registry", "a key of receipts needs the time within which they come")
        try:
            read_public(record.receipt_key)
        except WrongKey as error:
            raise RefusedError("registry", str(error)) from None


def _check_bucket(channel: Channel | S3Channel) -> None:
    try:
        channel.check()
    except ChannelError as error:
        raise RefusedError("registry", str(error)) from None


def recipients(system: RegistryRecord) -> tuple[Recipient, ...]:
    """Return the keys that packages for a system are encrypted to; none where they are not. Raises
    RecipientError.
    """
    return (parse_recipient(system.recipient),) if system.recipient else ()


def active(streams: Topics) -> dict[str, RegistryRecord]:
    """Return the evidence systems in force by name."""
    found = registry.records_of(streams, "evidence_system")
    return {name: one for name, one in found.items() if one.active}


def open_channel(system: RegistryRecord, data: Path, keys: Path | None = None) -> Channel | S3Channel:
    """Return the channel to an evidence system; `data` is the data folder. `keys` is the folder of the
    private keys or credentials, one named as each system, instead of `ssh_key` or `s3_credentials` in the
    system's own folder.
    """
    home = data / FOLDER / system.id
    if system.transfer_place.startswith(SCHEME):
        return S3Channel(system, home / CREDENTIALS if keys is None else keys / system.id, home)
    if system.transfer_place.startswith(registry.REMOTE):
        key = home / "ssh_key" if keys is None else keys / system.id
        return SftpChannel(system, key, home, data / FOLDER / OUTBOX)
    return FolderChannel(Path(system.transfer_place), system.id)
