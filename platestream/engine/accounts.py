"""Accounts from the users files of a ClickHouse server: passwords, roles, profiles, networks.

The files are those that a server reads from `users.d` (clickhouse/server-users.xml and an agency's own).
Supported: `password`, `password_sha256_hex`, `password_double_sha1_hex`, each also with `from_env` and, while
a password is replaced, twice; `networks/ip`, `profile`, and grants of roles. An account signs in with a
password, or with a token of its person's command line instead (`platestream sign-in`); one with
`sign_in_token` has no password. `no_password` and methods that need other services are rejected when the file
is read.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from xml.etree import ElementTree  # files of the operator, not of a client

from platestream.runtime.token_file import BEGINS

BY_TOKEN = "sign_in_token"  # noqa: S105 - an element of the file
METHODS = ("password", "password_sha256_hex", "password_double_sha1_hex", BY_TOKEN)
_NAME = re.compile(r"[A-Za-z_][\w.@-]{0,63}")
_GRANT = re.compile(r"GRANT\s+(.+?)(\s+WITH\s+ADMIN\s+OPTION)?", re.IGNORECASE | re.DOTALL)
_ROLE = re.compile(r"[A-Za-z_]\w*")


class AccountsError(ValueError):
    """An unusable users file; the message names file and account, never a password."""


@dataclass(frozen=True)
class Account:
    """An account, and its rights in the engine."""

    name: str
    roles: tuple[str, ...]
    profile: str = "default"
    networks: tuple[IPv6Network, ...] = ()
    method: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def accepts(self, password: str, address: str) -> bool:
        """Return whether this password, from this address, is valid for the account."""
        if not self.is_from(address) or self.method == BY_TOKEN:
            return False
        given = password.encode()
        if self.method == "password_sha256_hex":
            given = hashlib.sha256(given).hexdigest().encode()
        elif self.method == "password_double_sha1_hex":
            once = hashlib.sha1(given, usedforsecurity=False).digest()
            given = hashlib.sha1(once, usedforsecurity=False).hexdigest().encode()
        return any(hmac.compare_digest(given, one.encode()) for one in self.secrets)

    def is_from(self, address: str) -> bool:
        """Return whether the account may sign in from this address."""
        return any(_mapped(address) in network for network in self.networks)


@dataclass(frozen=True)
class Accounts:
    """All accounts by name; `missing_password` are those whose password is missing in the environment.
    `replaced` are accounts with the passwords that they had earlier. `is_token` returns whether a text is a
    valid token of a person's command line.
    """

    by_name: Mapping[str, Account]
    missing_password: tuple[str, ...] = ()
    replaced: Mapping[str, Account] = field(default_factory=dict)
    is_token: Callable[[str, str], bool] = lambda _name, _text: False

    def sign_in(self, name: str, password: str, address: str) -> Account | None:
        """Return the account or None, without indicating if name, password or address was wrong."""
        account = self.by_name.get(name)
        if account is None:
            hmac.compare_digest(hashlib.sha256(password.encode()).hexdigest(), "0" * 64)
            return None
        if account.accepts(password, address):
            return account
        by_token = password.startswith(f"{BEGINS}_") and account.is_from(address)
        return account if by_token and self.is_token(name, password) else None

    def was_password(self, name: str, password: str, address: str) -> bool:
        """Return whether this password, from this address, was the account's until it was replaced."""
        return name in self.replaced and self.replaced[name].accepts(password, address)

    def after(self, before: "Accounts") -> "Accounts":
        """Return these accounts with the passwords that they had in `before`, too, as replaced ones."""
        replaced = {}
        for name, account in self.by_name.items():
            earlier = [one[name] for one in (before.replaced, before.by_name) if name in one]
            old = [secret for one in earlier if one.method == account.method for secret in one.secrets]
            if gone := tuple(dict.fromkeys(one for one in old if one not in account.secrets)):
                replaced[name] = replace(account, secrets=gone)
        return replace(self, replaced=replaced)


@dataclass(frozen=True)
class KnownNames:
    """The available names of roles and of settings profiles."""

    roles: frozenset[str]
    profiles: frozenset[str]


def read(files: Sequence[Path], known: KnownNames, environment: Mapping[str, str]) -> Accounts:
    """Return the accounts of all files; a later file replaces or removes those of an earlier one.

    Raises AccountsError for an invalid file, an unsupported account, or an unknown role or profile.
    """
    found: dict[str, Account | None] = {}
    for file in files:
        for element in _users(file):
            if "remove" in element.attrib:
                found.pop(element.tag, None)
            else:
                found[element.tag] = _account(file, element, known, environment)
    without = tuple(name for name, account in found.items() if account is None)
    return Accounts({name: account for name, account in found.items() if account}, without)


def _users(file: Path) -> list[ElementTree.Element]:
    try:
        root = ElementTree.parse(file).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError) as error:
        raise AccountsError(f"users file {file}: {error}") from None
    users = root.find("users")
    if users is None:
        raise AccountsError(f"users file {file}: it has no <users>")
    return list(users)


def _account(
    file: Path, element: ElementTree.Element, known: KnownNames, environment: Mapping[str, str]
) -> Account | None:
    name = element.tag
    where = f"users file {file}, account {name}"
    if name == "default" or not _NAME.fullmatch(name):
        raise AccountsError(f"{where}: this name cannot sign in; give each person and service its own")
    methods = [child for child in element if child.tag in METHODS]
    if len({one.tag for one in methods}) != 1:
        raise AccountsError(f"{where}: exactly one of {', '.join(METHODS)} is needed")
    method = methods[0].tag
    found = [_text(one, environment) for one in methods if method != BY_TOKEN]
    if None in found:
        return None
    given = tuple(one for one in found if one is not None)
    secrets = given if method == "password" else tuple(one.lower() for one in given)
    profile = element.findtext("profile", "default").strip()
    if profile not in known.profiles:
        raise AccountsError(f"{where}: no profile {profile}")
    networks = tuple(_network(where, ip.text or "") for ip in element.iterfind("networks/ip"))
    return Account(name, _roles(where, element, known.roles), profile, networks, method, secrets)


def _text(element: ElementTree.Element, environment: Mapping[str, str]) -> str | None:
    variable = element.get("from_env")
    text = (element.text or "") if variable is None else environment.get(variable, "")
    return text.strip() or None


def _mapped(address: str) -> IPv6Address:
    """Return the address as a server compares it: ::/0 includes IPv4."""
    one = ip_address(address)
    return one if isinstance(one, IPv6Address) else IPv6Address(f"::ffff:{one}")


def _network(where: str, text: str) -> IPv6Network:
    try:
        one = ip_network(text.strip(), strict=False)
        if isinstance(one, IPv6Network):
            return one
        return IPv6Network(f"::ffff:{one.network_address}/{one.prefixlen + 96}")
    except ValueError:
        raise AccountsError(f"{where}: {text.strip()!r} is not a network") from None


def _roles(where: str, element: ElementTree.Element, known: frozenset[str]) -> tuple[str, ...]:
    """Return the granted roles in order. Other grants are for servers and have no effect here."""
    names: list[str] = []
    for query in element.iterfind("grants/query"):
        match = _GRANT.fullmatch((query.text or "").strip())
        listed = [name.strip(" `") for name in match[1].split(",")] if match else []
        if listed and all(_ROLE.fullmatch(name) for name in listed):
            names += listed
    if unknown := sorted(set(names) - known):
        raise AccountsError(f"{where}: no role {', '.join(unknown)}")
    return tuple(dict.fromkeys(names))
