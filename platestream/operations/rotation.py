"""New passwords for the accounts of jobs, while their processes run.

The old and the new password are valid until the new one is in the account's file. Processes that are refused
read it from there (`platestream.edges.dsn`). A run that was killed leaves an account whose file has a valid
password; the next run ends every other one.
"""

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from platestream.access.door import Door
from platestream.edges.clickhouse_client import DatabaseError, Dsn, connect, run
from platestream.edges.dsn import with_password
from platestream.operations.up import accounts
from platestream.runtime.private_file import write_file
from platestream.schemas.message import RefusedError
from platestream.settings import ACCOUNTS, job_account

ACT = "keys_rotate"
READ_ONLY = 495
"""ClickHouse's code for an account of a users file, which SQL does not change."""


class JobAccount(NamedTuple):
    """An account of a job: the job's name, and the file with its DSN."""

    job: str
    file: Path


def rotate(door: Door, jobs: Sequence[str], server: Path | None = None) -> list[str]:
    """Give the accounts of `jobs`, or of all, new passwords; return the jobs. `server` is the folder of the
    DSNs of a ClickHouse server's accounts; None: those of the engine in the data folder.

    Raises RefusedError, RefusedInquiry, DatabaseError and OSError.
    """
    with door.log_refusal(ACT):
        known = {one.job: one for one in _known(door, server)}
        if unknown := sorted(set(jobs) - set(known)):
            raise RefusedError("account", f"{unknown[0]} is no account here: {', '.join(known)}")
    chosen = [one for one in known.values() if one.job in jobs or not jobs]
    names = [one.job for one in chosen]
    door.enter(ACT, change=f"new passwords of {', '.join(names)}")
    for one in chosen:
        if server is None:
            _rotate_here(door, one)
        else:
            _rotate_on_server(door, one, job_account(server, "admin"))
    return names


def _known(door: Door, server: Path | None) -> list[JobAccount]:
    """Return the accounts, that of an account that changes others last. Raises RefusedError."""
    if server is not None:
        prefix = job_account(server, "").name
        found = [JobAccount(path.name.removeprefix(prefix), path) for path in server.glob(f"{prefix}*")]
    elif door.settings.names_server:
        raise RefusedError(
            "account", "the accounts are a server's: name the folder of their DSNs (--accounts)"
        )
    else:
        found = [JobAccount(one.job, one.file) for one in accounts.local_accounts(door.settings.data)]
    there = sorted((one for one in found if one.file.exists()), key=lambda one: (one.job == "admin", one.job))
    if not there or (server is not None and there[-1].job != "admin"):
        where = server or door.settings.data / ACCOUNTS
        raise RefusedError("account", f"{where} has no accounts of a running system")
    return there


def _rotate_here(door: Door, one: JobAccount) -> None:
    data, password = door.settings.data, secrets.token_urlsafe(32)
    with accounts.changing(data):
        text = one.file.read_text().strip()
        accounts.write_users(data, {Dsn.parse(text).user: password})
        try:
            _prove(door, with_password(text, password))
        except DatabaseError as error:
            accounts.write_users(data)
            raise RefusedError(
                "account", f"{error}. An engine of an earlier release reads no new passwords: start it again"
            ) from None
        write_file(one.file, with_password(text, password).encode() + b"\n")
        accounts.write_users(data)


def _rotate_on_server(door: Door, one: JobAccount, admin: Path) -> None:
    text, password = one.file.read_text().strip(), secrets.token_urlsafe(32)
    user = "`{}`".format(Dsn.parse(text).user.replace("\\", "\\\\").replace("`", "\\`"))
    hashed = hashlib.sha256(password.encode()).hexdigest()
    _command(door, admin, f"ALTER USER {user} ADD IDENTIFIED WITH sha256_hash BY '{hashed}'")
    _prove(door, with_password(text, password))
    write_file(one.file, with_password(text, password).encode() + b"\n", keep=True)
    _command(door, admin, f"ALTER USER {user} RESET AUTHENTICATION METHODS TO NEW")


def _command(door: Door, admin: Path, statement: str) -> None:
    plain = door.settings.allow_plaintext
    with closing(connect(admin.read_text().strip(), allow_plaintext=plain)) as client:
        try:
            run("changing an account's password", lambda: client.command(statement))
        except DatabaseError as error:
            if error.code != READ_ONLY:
                raise
            raise RefusedError(
                "account", "the account is in a users file of the server: change its hash there and its DSN"
            ) from None


def _prove(door: Door, dsn: str) -> None:
    """Sign in. Raises DatabaseError."""
    connect(dsn, allow_plaintext=door.settings.allow_plaintext).close()
