"""Accounts of the engine that `platestream up` starts: one for each job, and one for the person who starts
it.

The jobs are those of the users file of a server (clickhouse/server-users.xml); each has a random password
that only its DSN's file holds. The engine gets hashes.
"""

import hashlib
import secrets
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
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
PEOPLE = "people.xml"


def users_files(data: Path) -> tuple[Path, Path]:
    """Return the users files that the engine reads: the jobs', and the people's."""
    return Path(str(files("platestream.clickhouse").joinpath("server-users.xml"))), data / ACCOUNTS / PEOPLE


def make(data: Path, port: int) -> dict[str, str]:
    """Make missing accounts, and set `port` in all DSNs; return hashes for the engine's environment. Raises
    OSError.
    """
    folder = data / ACCOUNTS
    folder.mkdir(mode=0o700, exist_ok=True)
    hashes = {}
    for account, variable, job in _jobs():
        hashes[variable] = _hash(_dsn(job_account(folder, job), account, port))
    person = system_account()
    mine = own_account(data)
    mine.parent.mkdir(mode=0o700, exist_ok=True)
    _write_people(folder / PEOPLE, person, _hash(_dsn(mine, person, port)))
    return hashes


def hash_variables() -> set[str]:
    """Return the variables with the hashes of the jobs' passwords."""
    return {variable for _account, variable, _job in _jobs()}


def port_of(data: Path) -> int | None:
    """Return the port in the accounts' DSNs; None where there are none yet."""
    file = job_account(data / ACCOUNTS, "migrate")
    return Dsn.parse(file.read_text().strip()).port if file.exists() else None


def _jobs() -> Iterator[tuple[str, str, str]]:
    """Yield account, variable with its password's hash, and job: PLATESTREAM_FLOWS_SHA256 is of `flows`."""
    users = ElementTree.parse(users_files(Path())[0]).getroot().find("users")  # noqa: S314
    for account in users if users is not None else ():
        for password in account.iterfind("password_sha256_hex[@from_env]"):
            variable = password.attrib["from_env"]
            yield account.tag, variable, variable.removeprefix("PLATESTREAM_").removesuffix("_SHA256").lower()


def _dsn(file: Path, account: str, port: int) -> str:
    """Return the password in the DSN of `file`, which is created or updated to `port`."""
    kept = Dsn.parse(file.read_text().strip()).password if file.exists() else ""
    password = kept or secrets.token_urlsafe(32)
    write_file(file, f"http://{account}:{password}@127.0.0.1:{port}/{DATABASE}\n".encode())
    return password


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _write_people(file: Path, person: str, password: str) -> None:
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
    hashed = known.find("password_sha256_hex")
    if hashed is None:
        hashed = ElementTree.SubElement(known, "password_sha256_hex")
    hashed.text = password
    ElementTree.indent(root)
    write_file(file, ElementTree.tostring(root, encoding="utf-8") + b"\n")
