"""Authentication of HTTP uploads: Basic (RFC 7617) and Digest (RFC 7616, MD5 and SHA-256, qop=auth).

A nonce is a time and a random value under a key of this process. The server therefore stores nothing for
clients that never return, and two cameras have different nonces. A recorded request cannot be replayed: each
count of a nonce is accepted once, and a nonce that had to be forgotten is stale.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.request import parse_http_list, parse_keqv_list

REALM = "platestream"
NONCE_SECONDS = 300.0
REMEMBERED = 2_000
ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}


class SignIn:
    """Accounts by name, with their passwords. `basic` accepts Basic; `now` returns monotonic seconds."""

    def __init__(self, accounts: Mapping[str, str], basic: bool, now: Callable[[], float]) -> None:
        self._accounts, self._basic, self._now = dict(accounts), basic, now
        self._key = secrets.token_bytes(32)
        self._used: OrderedDict[str, set[str]] = OrderedDict()
        self._forgotten = 0.0
        """Time of the newest forgotten nonce; the counts used with it and older ones are unknown."""

    def challenges(self, stale: bool = False) -> list[str]:
        """Return the values of `WWW-Authenticate`, the best first."""
        nonce, more = self._nonce(), ", stale=true" if stale else ""
        parameters = f'realm="{REALM}", qop="auth", nonce="{nonce}"{more}'
        digests = [f"Digest {parameters}, algorithm={name}" for name in ALGORITHMS]
        return digests + ([f'Basic realm="{REALM}", charset="UTF-8"'] if self._basic else [])

    def account(self, header: str, method: str, target: str) -> str | None:
        """Return the account of a request, or None if it is not authenticated.

        `target` is its path with query.
        """
        scheme, _space, rest = header.partition(" ")
        try:
            if scheme.lower() == "basic" and self._basic:
                return self._of_basic(rest.strip())
            if scheme.lower() == "digest":
                return self._of_digest(parse_keqv_list(parse_http_list(rest)), method, target)
        except (ValueError, KeyError, IndexError):  # IndexError: `parse_keqv_list`, for `name=` alone
            return None
        return None

    def stale(self, header: str) -> bool:
        """Return whether a rejected request failed by its nonce only.

        The client then retries without asking.
        """
        return header.lower().startswith("digest ") and "nonce=" in header and not self._fresh_in(header)

    def _of_basic(self, text: str) -> str | None:
        name, _colon, password = b64decode(text, validate=True).decode().partition(":")
        return name if is_same_password(self._accounts.get(name), password) else None

    def _of_digest(self, fields: Mapping[str, str], method: str, target: str) -> str | None:
        digest = ALGORITHMS[fields.get("algorithm", "MD5")]
        name, nonce, count = fields["username"], fields["nonce"], fields["nc"]
        password = self._accounts.get(name, secrets.token_hex())
        first = digest(f"{name}:{REALM}:{password}".encode())
        second = digest(f"{method}:{fields['uri']}".encode())
        wanted = digest(f"{first}:{nonce}:{count}:{fields['cnonce']}:{fields['qop']}:{second}".encode())
        given = fields["response"].lower()
        right = hmac.compare_digest(wanted.encode(), given.encode()) and name in self._accounts
        if not right or fields["qop"] != "auth" or fields["uri"] != target or fields["realm"] != REALM:
            return None
        return name if self._fresh(nonce) and self._first_use(nonce, count) else None

    def _nonce(self, moment: str = "") -> str:
        moment = moment or f"{self._now():.3f}-{secrets.token_hex(6)}"
        return f"{moment}-{hmac.new(self._key, moment.encode(), 'sha256').hexdigest()[:32]}"

    def _fresh(self, nonce: str) -> bool:
        at = _time_of(nonce)
        return (
            hmac.compare_digest(self._nonce(nonce.rpartition("-")[0]).encode(), nonce.encode())
            and -1 <= self._now() - at < NONCE_SECONDS
            and (nonce in self._used or at > self._forgotten)
        )

    def _fresh_in(self, header: str) -> bool:
        try:
            return self._fresh(parse_keqv_list(parse_http_list(header.partition(" ")[2]))["nonce"])
        except (ValueError, KeyError, IndexError):
            return False

    def _first_use(self, nonce: str, count: str) -> bool:
        int(count, 16)
        used = self._used.setdefault(nonce, set())
        if count in used or len(used) >= REMEMBERED:
            return False
        used.add(count)
        while len(self._used) > REMEMBERED:
            self._forgotten = max(self._forgotten, _time_of(self._used.popitem(last=False)[0]))
        return True


def _time_of(nonce: str) -> float:
    return float(nonce.partition("-")[0])


def is_same_password(known: str | None, given: str) -> bool:
    """Return whether a password is the known one, in constant time."""
    return known is not None and hmac.compare_digest(known.encode(), given.encode())
