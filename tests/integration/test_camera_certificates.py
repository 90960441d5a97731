"""Cameras that sign in by a client certificate, at a real gateway."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platestream.cameras import config
from platestream.cameras.pushes.simulate import DEVICES, Passing
from platestream.schemas.message import RefusedError
from tests.support.flows import jpeg
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import wait_until

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certified:
    """A certificate with its key, in one PEM file."""

    path: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def fingerprint(self) -> str:
        digits = sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
        return "sha256:" + ":".join(digits[at : at + 2] for at in range(0, 64, 2))


def certify(
    folder: Path, file: str, name: str, by: Certified | None = None, until: timedelta = DAY
) -> Certified:
    """A certificate by an authority, or by itself."""
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(key if by is None else by.key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{file}.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return Certified(path, made, key)


@dataclass(frozen=True)
class Street:
    """A gateway, and the certificates of cameras in its folder."""

    gateway: GatewayProcess
    folder: Path

    def push(self, certificate: str, auth: Any = None, plate: str = "ABC1234") -> int:
        """Push a read with a certificate, or none; return the answer's status, or 0 for a refusal by TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.pem")
        sent = DEVICES["axis"](Passing(plate, datetime.now(UTC), 0.9, jpeg(1)))
        try:
            with httpx.Client(verify=context, trust_env=False) as client:
                address = f"https://127.0.0.1:{self.gateway.http}/"
                kind = {"Content-Type": sent.content_type}
                return client.post(address, content=sent.body, headers=kind, auth=auth).status_code
        except httpx.HTTPError:
            return 0

    def cameras(self) -> list[str]:
        return [one.headers["camera-id"] for one in self.gateway.frames()]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("certificates")
    ours, other = certify(folder, "ca", "cameras"), certify(folder, "other_ca", "strangers")
    certify(folder, "named", "gate-7", ours)
    certify(folder, "unnamed", "gate-8", ours)
    certify(folder, "expired", "gate-7", ours, -DAY)
    certify(folder, "stranger", "gate-7", other)
    printed, own = certify(folder, "printed", "x", ours), certify(folder, "own", "selfsigned")
    server = certify(folder, "server", "127.0.0.1", ours)
    (folder / "cas.pem").write_text((folder / "ca.pem").read_text() + own.path.read_text())
    account(folder, "plain")
    axis = f'kind = "http"\nformat = "axis"\nrate = 60.0\n{PLACE}'
    made = GatewayProcess(
        folder,
        f'[cameras.named]\nclient_certificate = "CN=gate-7"\n{axis}'
        f'[cameras.printed]\nclient_certificate = "{printed.fingerprint}"\n{axis}'
        f'[cameras.own]\nclient_certificate = "{own.fingerprint}"\n{axis}'
        f'[cameras.plain]\ncredentials_file = "plain.account"\n{axis}',
        tls=True,
    )
    text = made.config.read_text()
    text = text.replace('certificate = "cert"\nkey = "key"', f'certificate = "{server.path}"', 2)
    made.config.write_text(text.replace("\n[ftp]", '\nclient_ca = "cas.pem"\n[ftp]', 1))
    made.start()
    made.listening(made.http)
    yield Street(made, folder)
    assert made.end() == 0


def test_a_camera_is_known_by_the_name_or_the_fingerprint_of_its_certificate(street: Street) -> None:
    for name in ("named", "printed", "own"):
        assert street.push(name, plate=f"{name.upper()}1") == 200
        wait_until(lambda name=name: name in street.cameras(), 30, f"the frame of {name}")  # type: ignore[misc]


def test_another_authority_s_an_expired_and_an_unknown_certificate_sign_nobody_in(street: Street) -> None:
    before = len(street.cameras())
    assert street.push("stranger") == 0, "TLS ends it"
    assert street.push("expired") == 0, "TLS ends it"
    assert street.push("unnamed") == 401
    assert street.push("") == 401
    assert len(street.cameras()) == before


def test_accounts_work_beside_certificates(street: Street) -> None:
    right = httpx.DigestAuth("plain", "s3cret:word")
    assert street.push("", right, "PLAIN12") == 200
    assert street.push("unnamed", right, "PLAIN34") == 200, "a certificate of no camera, and a right account"
    wait_until(lambda: street.cameras().count("plain") == 2, 30, "both frames")
    assert street.push("", httpx.DigestAuth("named", "")) == 401
    assert street.push("", httpx.BasicAuth("", "")) == 401


@pytest.mark.parametrize(
    ("camera", "http", "fault"),
    [
        ('client_certificate = "CN=x"', "", r"\[http\] needs `certificate` and `client_ca`"),
        ('client_certificate = "CN= "', "", "is sha256: and 64 hex digits"),
        ('client_certificate = "sha256:12"', "", "is sha256: and 64 hex digits"),
        ('client_certificate = "CN=x"\ncredentials_file = "a"', "", "without `credentials_file`"),
        ("", "", "needs `credentials_file`"),
        (f'client_certificate = "CN=x"\n{PLACE}[cameras.b]\nkind = "http"\nclient_certificate = "CN=x"',
         'certificate = "c"\nclient_ca = "d"', "two cameras share a `client_certificate`"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, camera: str, http: str, fault: str) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(f'[http]\n{http}\n[cameras.a]\nkind = "http"\n{camera}\n{PLACE}')
    with pytest.raises(RefusedError, match=fault):
        config.load(path)
