#!/usr/bin/env python3
"""Makes the secrets that docker-compose.yml reads: python3 deploy/make_secrets.py

Every password is new, random and known to no one; a folder that has secrets is left as it is. The folder is
for its owner alone; the files in it can be read by the users of the containers that they are given to.
"""

import base64
import hashlib
import secrets
import sys
from pathlib import Path

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

NOTIFY = """# Who is told of alert hits: docs/hits.md in the sources has an example of everything.
# Without a receiver and a route nobody is told.
shows = "link"
"""

CAMERAS = """# Which cameras there are: docs/cameras.md in the sources explains every field. Passwords of
# cameras are files beside this one. Addresses are the container's; docker-compose.yml publishes them.
[http]
listen = "0.0.0.0:8089"

[ftp]
listen = "0.0.0.0:2121"
passive_ports = [30000, 30015]
# public_address = "10.0.5.1"  # what PLATESTREAM_UPLOADS names

[cameras]
"""


def make() -> dict[str, str]:
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
        "clickhouse.env": "".join(hashes),
        "grafana_clickhouse": passwords["grafana"],
        "notify.toml": NOTIFY,
        "cameras/cameras.toml": CAMERAS,
        "webhook_secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() + "\n",
        "grafana_admin": secrets.token_urlsafe(18),
    }


def write(folder: Path) -> None:
    """Raises FileExistsError when one of the files is there."""
    files = make()
    if there := sorted(name for name in files if (folder / name).exists()):
        raise FileExistsError(f"{folder} has secrets already ({', '.join(there)}); delete them for new ones")
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o444)


if __name__ == "__main__":
    try:
        write(FOLDER)
    except OSError as error:
        sys.exit(str(error))
