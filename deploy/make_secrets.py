#!/usr/bin/env python3
"""Makes the secrets that docker-compose.yml reads: python3 deploy/make_secrets.py --name alpr.sjpd.example

Every password is new, random and known to no one; a folder that has secrets is left as it is. The folder is
for its owner alone; the files in it can be read by the users of the containers that they are given to. The
console's certificate is made with openssl and signed by itself, for a year, to try with.
"""

import argparse
import base64
import hashlib
import secrets
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parent / "secrets"
ACCOUNTS = (
    "migrate",
    "flows",
    "console",
    "admin",
    "audit",
    "retention",
    "grafana",
)  # clickhouse/server-users.xml
USERS = {"retention": "retention_job"}  # a role is called platestream_retention
DSN = "http://platestream_{account}:{password}@clickhouse:8123/platestream"

NOTIFY = """# Receivers of alert hits. docs/how-to/administrator/notifications.md has an example.
# Without a receiver and a route no one is notified.
shows = "link"
"""

LOG = """# The published inquiry log. docs/how-to/operator/published-log.md in the sources explains it.
# Without an origin a name is made up at the first publication, and stored.
# origin = "sjpd.example/inquiries"
folder = "/published"
"""

PARTNERS = """# Exchange with partners. docs/how-to/administrator/partners.md in the sources explains it.
# The certificate is the console's. Partners trust its authority, so a self-signed one is for trials.
# Of partners whose authority the system does not know, in a file beside this one:
# authorities = "authorities.pem"
[serve]
address = "https://{name}:8444"
host = "0.0.0.0"
port = 8444
certificate = "../console_certificate"
key = "../console_key"
"""

HOSTS = """# Keys of the servers of feeds, as ssh-keyscan prints them: two people compare each by telephone.
# The private key is ssh_key beside this file.
"""
KEYS = """A private key of SSH for each evidence system, in a file named as the system.
"""

CAMERAS = """# The cameras. docs/how-to/operator/cameras.md in the sources explains every field.
# Passwords of cameras are files beside this one.
# Addresses are the container's; docker-compose.yml publishes them.
[http]
listen = "0.0.0.0:8089"

[ftp]
listen = "0.0.0.0:2121"
passive_ports = [30000, 30015]
# public_address = "10.0.5.1"  # what PLATESTREAM_UPLOADS names

[cameras]
"""

CERTIFICATE = """[req]
distinguished_name = subject
x509_extensions = extensions
prompt = no
[subject]
CN = Platestream console
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}, DNS:localhost, IP:127.0.0.1
"""


def certificate(name: str) -> dict[str, str]:
    """The console's certificate and its key, for browsers that reach it by `name`. Raises OSError."""
    with TemporaryDirectory() as folder:
        config, made, key = (Path(folder) / file for file in ("config", "certificate", "key"))
        config.write_text(CERTIFICATE.format(name=name))
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = ("-config", str(config), "-out", str(made), "-keyout", str(key))
        ran = subprocess.run(
            ("openssl", "req", "-x509", "-sha256", "-days", "365", *curve, *files),  # noqa: S607 - of the system
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise OSError(f"openssl made no certificate for {name}: {ran.stderr.strip()}")
        return {"console_certificate": made.read_text(), "console_key": key.read_text()}


def make(name: str = "localhost") -> dict[str, str]:
    """Name of each file and what is in it."""
    passwords = {account: secrets.token_urlsafe(32) for account in ACCOUNTS}
    hashes = (
        f"PLATESTREAM_{account.upper()}_SHA256={hashlib.sha256(password.encode()).hexdigest()}\n"
        for account, password in passwords.items()
    )
    dsns = {
        f"clickhouse_{account}": DSN.format(account=USERS.get(account, account), password=passwords[account])
        + "\n"
        for account in ACCOUNTS
        if account != "grafana"
    }
    return {
        **dsns,
        **certificate(name),
        "clickhouse.env": "".join(hashes),
        "grafana_clickhouse": passwords["grafana"],
        "notify.toml": NOTIFY,
        "log.toml": LOG,
        "partners/partners.toml": PARTNERS.format(name=name),
        "cameras/cameras.toml": CAMERAS,
        "feeds/known_hosts": HOSTS,
        "evidence/README": KEYS,
        "webhook_secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() + "\n",
        "grafana_admin": secrets.token_urlsafe(18),
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Raises FileExistsError when one of the files is there."""
    if there := sorted(name for name in files if (folder / name).exists()):
        raise FileExistsError(f"{folder} has secrets already ({', '.join(there)}); delete them for new ones")
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o444)


def main() -> None:
    """Make all of them, or the certificate alone."""
    parser = argparse.ArgumentParser(description="Makes the secrets that docker-compose.yml reads.")
    parser.add_argument("--name", default="localhost", help="the console's name in browsers")
    parser.add_argument("--certificate", action="store_true", help="the console's certificate alone")
    asked = parser.parse_args()
    try:
        write(FOLDER, certificate(asked.name) if asked.certificate else make(asked.name))
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
