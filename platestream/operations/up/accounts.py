"""Accounts of the engine that `platestream up` starts: one for each job, and one for the person who starts
it.

The jobs are those of the users file of a server (clickhouse/server-users.xml); each has a random password
that only its DSN's file holds. The engine gets hashes, in users files that it reads again when they change.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree  # files of the project's own and of the operator

from platestream.edges.clickhouse_client import (
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    DATABASE,
    DOOR,
    SUPERVISOR,
    Dsn,
)
from platestream.runtime.private_file import write_file
from platestream.settings import ACCOUNTS, job_account, own_account, system_account

PERSON = (DOOR, ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, DASHBOARD)
"""SQL roles of the person who starts the system; the registry says what they may do by the order."""
JOBS = "jobs.xml"
PEOPLE = "people.xml"
_HASH = "password_sha256_hex"


class LocalAccount(NamedTuple):
    """An account of the engine: its name there, the name of its job, and the file of its DSN."""

    account: str
    job: str
    file: Path


def users_files(data: Path) -> tuple[Path, Path]:
    """Return the users files that the engine reads: the jobs', and the people's."""
    return data / ACCOUNTS / JOBS, data / ACCOUNTS / PEOPLE


def make(data: Path, port: int) -> None:
    """Make missing accounts, and set `port` in all DSNs. Raises OSError."""
    folder = data / ACCOUNTS
    folder.mkdir(mode=0o700, exist_ok=True)
    own_account(data).parent.mkdir(mode=0o700, exist_ok=True)
    with changing(data):
        for one in local_accounts(data):
            password = secrets.token_urlsafe(32)
            if one.file.exists():
                known = Dsn.parse(one.file.read_text().strip())
                if known.port == port:
                    continue
                password = known.password
            dsn = f"http://{one.account}:{password}@127.0.0.1:{port}/{DATABASE}"
            write_file(one.file, f"{dsn}\n".encode())
        write_users(data)


def write_users(data: Path, also: Mapping[str, str] | None = None) -> None:
    """Write the users files: each account has the password of its DSN, and that of `also` by its name.
    Raises OSError.
    """
    hashes = {
        one.account: [_hash(Dsn.parse(one.file.read_text().strip()).password)] for one in local_accounts(data)
    }
    for account, password in (also or {}).items():
        hashes[account].append(_hash(password))
    jobs, people = users_files(data)
    _write_jobs(jobs, hashes)
    _write_people(people, system_account(), hashes[system_account()])


@contextmanager
def changing(data: Path) -> Iterator[None]:
    """Wait until no other process changes the accounts, and hold others off. Raises OSError."""
    folder = os.open(data / ACCOUNTS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def hash_variables() -> set[str]:
    """Return the variables with the hashes of the jobs' passwords, for a server."""
    return {_variable(one) for one in _users(_declared())}


def port_of(data: Path) -> int | None:
    """Return the port in the accounts' DSNs; None where there are none yet."""
    file = job_account(data / ACCOUNTS, "migrate")
    return Dsn.parse(file.read_text().strip()).port if file.exists() else None


def local_accounts(data: Path) -> list[LocalAccount]:
    """Return the accounts of jobs, and last that of this person, whether they were made or not."""
    jobs = [(one.tag, job_of(one)) for one in _users(_declared())]
    person = LocalAccount(system_account(), system_account(), own_account(data))
    return [*(LocalAccount(name, job, job_account(data / ACCOUNTS, job)) for name, job in jobs), person]


def job_of(user: ElementTree.Element) -> str:
    """Return the job of an account: that of PLATESTREAM_FLOWS_SHA256 is `flows`."""
    return _variable(user).removeprefix("PLATESTREAM_").removesuffix("_SHA256").lower()


def _declared() -> ElementTree.Element:
    """Return the users file of a server, which names the jobs' accounts and their roles."""
    package = files("platestream.clickhouse")
    return ElementTree.fromstring(package.joinpath("server-users.xml").read_text())  # noqa: S314


def _users(root: ElementTree.Element) -> list[ElementTree.Element]:
    found = root.find("users")
    return [one for one in found if one.find(_HASH) is not None] if found is not None else []


def _variable(user: ElementTree.Element) -> str:
    hashed = user.find(_HASH)
    return hashed.get("from_env", "") if hashed is not None else ""


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _write_jobs(file: Path, hashes: Mapping[str, list[str]]) -> None:
    root = _declared()
    for user in _users(root):
        _put_hashes(user, hashes[user.tag])
    _write(file, root)


def _write_people(file: Path, person: str, hashes: list[str]) -> None:
    """Replace one person's account, and leave the others unchanged."""
    if file.exists():
        root = ElementTree.parse(file).getroot()  # noqa: S314
    else:
        root = ElementTree.fromstring("<clickhouse><users/></clickhouse>")  # noqa: S314
    users = root.find("users")
    if users is None:
        users = ElementTree.SubElement(root, "users")
    known = users.find(person)
    if known is None:
        known = ElementTree.SubElement(users, person)
        networks = ElementTree.SubElement(known, "networks")
        for address in ("127.0.0.1", "::1"):
            ElementTree.SubElement(networks, "ip").text = address
        ElementTree.SubElement(known, "profile").text = "platestream_person"
        grants = ElementTree.SubElement(known, "grants")
        ElementTree.SubElement(grants, "query").text = f"GRANT {', '.join(PERSON)}"
    _put_hashes(known, hashes)
    _write(file, root)


def _put_hashes(user: ElementTree.Element, hashes: list[str]) -> None:
    for hashed in user.findall(_HASH):
        user.remove(hashed)
    for one in hashes:
        ElementTree.SubElement(user, _HASH).text = one


def _write(file: Path, root: ElementTree.Element) -> None:
    ElementTree.indent(root)
    write_file(file, ElementTree.tostring(root, encoding="utf-8") + b"\n")
