"""A bucket with object lock on a server with the API of Amazon S3.

A package is one object, which one request writes with its SHA-256, so that no part of it ever has its name.
It is locked in compliance mode: nobody can delete or shorten that version before the date. A later object of
the name would be another version, so a package has exactly one.
"""

import base64
import binascii
import configparser
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from ssl import get_default_verify_paths
from typing import Any, Self

from platestream.evidence.channels.channel import ChannelError
from platestream.evidence.transfer import SLACK, Arrived, Package
from platestream.runtime.private_file import open_to_others, write_file
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

SCHEME = "s3://"
CREDENTIALS = "s3_credentials"
"""File in the folder of an evidence system, in the format of the AWS command line."""
LARGEST = 5 * 10**9
"""Most bytes that the API takes in one request."""
CONNECT, READ = 10, 120
"""Seconds to wait for a connection, and for the next bytes."""
_PLACE = re.compile(
    r"s3://([a-z0-9.-]+(?::\d{1,5})?)/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)"
)
_FAULTS = {
    "AccessDenied": "the server refuses the credentials",
    "InvalidAccessKeyId": "the server does not know the access key",
    "SignatureDoesNotMatch": "the server refuses the secret key",
    "RequestTimeTooSkewed": "the clocks of this machine and of the server differ",
    "NoSuchBucket": "there is no such bucket",
    "ObjectLockConfigurationNotFoundError": "the bucket has no object lock: make one with it",
}  # fmt: skip
_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_MISSING = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class Place:
    """The place of packages on a server: `s3://host:port/bucket/folder`."""

    server: str
    bucket: str
    folder: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a text names. Raises RefusedError."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise RefusedError("registry", "the place is no address such as s3://host:9000/bucket/folder")
        return cls(found[1], found[2], found[3].lstrip("/"))

    def key(self, name: str) -> str:
        """Return the key of the object of a file."""
        return f"{self.folder}/{name}" if self.folder else name


class S3Channel:
    """The bucket of an evidence system. `credentials` is a file that only its owner reads, and `home` the
    system's folder here. The server's certificate is checked by the authority of the system's record, or by
    those of this machine.
    """

    def __init__(self, system: RegistryRecord, credentials: Path, home: Path) -> None:
        self._place, self._server_ca = Place.parse(system.transfer_place), system.server_ca
        self._credentials, self._authority = credentials, home / "ca.pem"
        self._client: Any = None

    def check(self) -> None:
        """Raise ChannelError for a server or credentials that do not work, and a bucket without lock."""
        answer = self._call("get_object_lock_configuration")
        if answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise ChannelError(_FAULTS["ObjectLockConfigurationNotFoundError"])

    def deliver(self, package: Package, until: datetime) -> Arrived:
        """Bring a package to its place unless it is there; return its version as it was read back, locked
        until `until` at least. Raises ChannelError, and RefusedError where the place has anything else.
        """
        key, until = self._place.key(package.name), until.replace(microsecond=0) + timedelta(seconds=1)
        if not self._versions(key):
            self._put(package, key, until)
        version = self._only_version(package, key)
        digest = self._digest(key, version, package.bytes)
        if digest != package.sha256:
            raise RefusedError("receipt", f"{package.name} is another file there: its SHA-256 differs")
        return Arrived("sha256", version, self._lock(package.name, key, version, until))

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small object; None where there is none."""
        answer = self._call("get_object", missing=_MISSING, Key=self._place.key(name))
        content: bytes | None = self._within(answer["Body"].read, most) if answer else None
        return content

    def _versions(self, key: str) -> list[dict[str, Any]]:
        answer = self._call("list_object_versions", Prefix=key, MaxKeys=10)
        every = (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))
        return [one for one in every if one["Key"] == key]

    def _only_version(self, package: Package, key: str) -> str:
        versions = self._versions(key)
        if not versions:
            raise ChannelError(f"{package.name} is not there after it was sent")
        if len(versions) > 1 or "Size" not in versions[0]:
            why = f"{package.name} was replaced or deleted there: export the hold again"
            raise RefusedError("receipt", why)
        if versions[0]["Size"] != package.bytes:
            there = versions[0]["Size"]
            raise RefusedError("receipt", f"{package.name} has {there} bytes there, and {package.bytes} here")
        return str(versions[0]["VersionId"])

    def _put(self, package: Package, key: str, until: datetime) -> None:
        if package.bytes > LARGEST:
            raise RefusedError("transfer", f"a package of more than {LARGEST} bytes cannot be sent to S3")
        try:
            with package.path.open("rb") as body:
                self._call(
                    "put_object",
                    missing=_THERE,
                    Key=key,
                    Body=body,
                    ContentLength=package.bytes,
                    ContentType="application/octet-stream",
                    ChecksumSHA256=base64.b64encode(binascii.unhexlify(package.sha256)).decode(),
                    IfNoneMatch="*",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=until,
                )
        except OSError as error:
            raise ChannelError(f"reading the package: {error.strerror}") from None

    def _digest(self, key: str, version: str, size: int) -> str:
        body, made, count = self._call("get_object", Key=key, VersionId=version)["Body"], sha256(), 0
        while count <= size + SLACK and (piece := self._within(body.read, 1 << 20)):
            made.update(piece)
            count += len(piece)
        return made.hexdigest()

    def _lock(self, name: str, key: str, version: str, until: datetime) -> datetime:
        """Lock a version for longer where its hold was made longer; return the date as the server has it."""
        locked = self._locked(key, version)
        if locked is None or locked < until:
            retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
            self._call("put_object_retention", Key=key, VersionId=version, Retention=retention)
            locked = self._locked(key, version)
        if locked is None or locked < until:
            raise RefusedError("receipt", f"{name} is not locked there until {until:%Y-%m-%d}")
        return locked

    def _locked(self, key: str, version: str) -> datetime | None:
        head = self._call("head_object", Key=key, VersionId=version)
        until: datetime | None = head.get("ObjectLockRetainUntilDate")
        return until if head.get("ObjectLockMode") == "COMPLIANCE" else None

    def _call(self, method: str, missing: frozenset[str] = frozenset(), **arguments: Any) -> dict[str, Any]:
        """Return the answer to a request; an empty one for an error whose code is in `missing`."""
        from botocore.exceptions import ClientError

        client = self._client = self._client or self._connect()
        arguments["Bucket"] = self._place.bucket
        try:
            answer: dict[str, Any] = self._within(getattr(client, method), **arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in missing:
                return {}
            raise ChannelError(_FAULTS.get(code, f"S3 answers {method} with {code[:60]}")) from None
        return answer

    @staticmethod
    def _within(request: Any, *arguments: Any, **named: Any) -> Any:
        from botocore.exceptions import BotoCoreError, SSLError

        try:
            return request(*arguments, **named)
        except BotoCoreError as error:  # its text may have addresses with a signature
            if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
                why = "the server's certificate is not of the registered authority"
                raise ChannelError(why) from None
            raise ChannelError(f"the S3 server cannot be reached: {type(error).__name__}") from None

    def _connect(self) -> Any:
        """Return a client. Nothing but the file of credentials and `authority` is asked how to sign in."""
        try:
            from botocore.config import Config
            from botocore.session import Session
        except ImportError:
            raise ChannelError("S3 needs the package botocore: install platestream[s3]") from None
        found = self._read_credentials()
        try:
            self._authority.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self._authority, self._server_ca.encode())
        except OSError as error:
            raise ChannelError(f"writing {self._authority}: {error.strerror}") from None
        session = Session()
        for name in ("config_file", "credentials_file"):
            session.set_config_variable(name, os.devnull)
        return session.create_client(
            "s3",
            endpoint_url=f"https://{self._place.server}",
            region_name=found.get("region", "us-east-1"),
            aws_access_key_id=found["aws_access_key_id"],
            aws_secret_access_key=found["aws_secret_access_key"],
            verify=str(self._authority) if self._server_ca else get_default_verify_paths().cafile,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=CONNECT,
                read_timeout=READ,
                retries={"total_max_attempts": 1},  # the job tries again
            ),
        )

    def _read_credentials(self) -> configparser.SectionProxy:
        parser = configparser.ConfigParser(interpolation=None)
        where = f"{CREDENTIALS} of the evidence system"
        try:
            if open_to_others(self._credentials):
                raise ChannelError(f"{where} can be read by others: chmod 600")
            parser.read_string(self._credentials.read_text("utf-8"))
            found = parser["default"]
            _ = found["aws_access_key_id"], found["aws_secret_access_key"]
        except OSError as error:
            raise ChannelError(f"{where}: {error.strerror}") from None
        except (configparser.Error, KeyError, UnicodeDecodeError):
            wanted = "aws_access_key_id and aws_secret_access_key below [default]"
            raise ChannelError(f"{where} has no {wanted}") from None
        return found
