"""SeaweedFS, an object store with the API of Amazon S3, on this machine by TLS; and buckets in it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tests.support.kafka_broker import free_port
from tests.support.waiting import wait_until

KEY, SECRET = "alpr", "correct horse"
PROGRAM = Path(sys.executable).parent / "weed"
PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port", "s3.port.grpc",
)  # fmt: skip


@dataclass
class Seaweed:
    """A server with one account that may do anything; `ca` is its own certificate."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def ca(self) -> Path:
        return self.folder / "cert.pem"

    @property
    def client(self) -> Any:
        return Session().create_client(
            "s3",
            endpoint_url=f"https://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            verify=str(self.ca),
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def start(self) -> None:
        if not self.ca.exists():
            certificate(self.folder)
        account = {
            "name": "alpr",
            "actions": ["Admin"],
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        }
        (self.folder / "s3.json").write_bytes(msgspec.json.encode({"identities": [account]}))
        (self.folder / "data").mkdir(exist_ok=True)
        command = [
            str(PROGRAM), "-logtostderr=true", "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=50",
            "-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port.https={self.port}",
            f"-s3.cert.file={self.ca}", f"-s3.key.file={self.folder / 'key.pem'}",
            f"-s3.config={self.folder / 's3.json'}",
            *(f"-{name}={port}" for name, port in self.ports.items()),
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self.ready, 120, "SeaweedFS answers", every=0.5)
        self.client.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
        self.client.create_bucket(Bucket="plain")

    def ready(self) -> bool:
        try:
            self.client.list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None


def certificate(folder: Path) -> None:
    """Make `cert.pem`, which is its own authority, and `key.pem`."""
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@contextmanager
def seaweed(folder: Path) -> Iterator[Seaweed]:
    folder.mkdir()
    server = Seaweed(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Bucket:
    """A folder of a bucket of the server. Only `plain` has no object lock."""

    server: Seaweed
    folder: str
    name: str = "vault"

    @property
    def place(self) -> str:
        return f"s3://127.0.0.1:{self.server.port}/{self.name}/{self.folder}"

    def key(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def put(self, name: str, content: bytes, **more: Any) -> str:
        made = self.server.client.put_object(Bucket=self.name, Key=self.key(name), Body=content, **more)
        return str(made["VersionId"])

    def delete(self, name: str, **more: Any) -> None:
        self.server.client.delete_object(Bucket=self.name, Key=self.key(name), **more)

    def get(self, name: str, version: str) -> bytes:
        answer = self.server.client.get_object(Bucket=self.name, Key=self.key(name), VersionId=version)
        content: bytes = answer["Body"].read()
        return content

    def versions(self) -> list[dict[str, Any]]:
        answer = self.server.client.list_object_versions(Bucket=self.name, Prefix=f"{self.folder}/")
        return [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
