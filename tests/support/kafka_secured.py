"""A broker set up as in docs/how-to/operator/kafka.md: TLS and a sign-in on every port, rights by ACLs.

`kafka` is the broker itself and its administrator, by a password in the broker's own settings (PLAIN, over
TLS); all other accounts sign in by SCRAM-SHA-512.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from platestream.edges.kafka_client import properties
from tests.support.kafka_broker import SETTINGS, KafkaBroker

OF_ADMINISTRATOR = "Zq7-password-of-the-administrator"

LOGIN = "org.apache.kafka.common.security"
NODE = f'{LOGIN}.plain.PlainLoginModule required username="kafka" password="{{0}}" user_kafka="{{0}}";'
SECURED = {
    "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:SASL_SSL",
    "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
    "listener.name.client.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
    "listener.name.client.plain.sasl.jaas.config": NODE.format(OF_ADMINISTRATOR),
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.controller.plain.sasl.jaas.config": NODE.format(OF_ADMINISTRATOR),
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:kafka",
    "allow.everyone.if.no.acl.found": "false",
    "connections.max.reauth.ms": 3_600_000,  # else a changed password ends no connection
}


class SecuredKafka(KafkaBroker):
    """Certificates, settings and the files of accounts are below `folder`."""

    def __init__(self, folder: Path, **more: object) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.authority = authority(folder, "authority")
        stores = {
            "ssl.keystore.location": certified(folder, self.authority),
            "ssl.truststore.location": self.authority,
        }
        super().__init__(folder / "broker", {**SETTINGS, **SECURED, **stores, **more})
        self.administrator = self.account("kafka", OF_ADMINISTRATOR, mechanism="PLAIN")

    def admin(self) -> AdminClient:
        return AdminClient({**self.config(self.administrator), "log_level": 0})

    def account(self, name: str, password: str, mechanism: str = "SCRAM-SHA-512") -> Path:
        """The file that PLATESTREAM_KAFKA_CONFIG_FILE names for an account."""
        file = self.folder / f"{name}.properties"
        file.write_text(
            f"security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nssl.ca.location={self.authority}\n"
            f"sasl.username={name}\nsasl.password={password}\n"
        )
        file.chmod(0o600)
        return file

    def config(self, file: Path) -> dict[str, str]:
        """What a client is told with such a file."""
        return {"bootstrap.servers": self.bootstrap, **properties(file.read_text())}

    def let_in(self, passwords: Iterable[tuple[str, str]]) -> None:
        """Make accounts with their passwords, or give them new ones."""
        of = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        admin = self.admin()
        result: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(name, of, password.encode()) for name, password in passwords
        ]
        for future in admin.alter_user_scram_credentials(result).values():
            future.result(10)


def authority(folder: Path, name: str) -> Path:
    """A certificate authority; the path of its certificate."""
    may = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
    _openssl(folder, "req", "-x509", "-days", "2", "-subj", f"/CN={name}", *_KEY, *may, *files)
    return folder / f"{name}.pem"


def certified(folder: Path, by: Path, name: str = "broker", names: str = "IP:127.0.0.1") -> Path:
    """A key with a certificate of the authority `by` for these names and no other, in one PEM file."""
    (folder / "names").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
    _openssl(folder, "req", "-new", "-subj", f"/CN={name}", *_KEY, "-keyout", "key", "-out", "request")
    signed = ("-CA", by.name, "-CAkey", f"{by.stem}.key", "-days", "2", "-extfile", "names", "-out", "made")
    _openssl(folder, "x509", "-req", "-in", "request", *signed)
    both = folder / f"{name}.pem"
    both.write_text((folder / "key").read_text() + (folder / "made").read_text())
    return both


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, capture_output=True, check=True, timeout=60)
