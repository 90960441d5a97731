"""One signed request to another agency, and what came of it: within a deadline, within a size, and never
followed to somewhere else.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.clock import Clock
from connectors.partners import places
from connectors.partners.exchange import kept
from connectors.partners.keys import OwnKey
from connectors.partners.signing import Answer, BadSignature, sign_request, verify_answer
from schemas.exchange import SignedExchange
from schemas.fields import NOT_JSON
from schemas.partner import Outcome, Refusal, is_here, printable

T = TypeVar("T")


@dataclass(frozen=True)
class Partner:
    """Another agency: where it is, and the public keys by their fingerprints that it may answer with."""

    name: str
    address: str
    keys: Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True)
class Bounds:
    """How long one partner may take, in seconds, how many bytes its answer may have, and whether it may be on
    this machine. `authorities`: a PEM file of those that are trusted beside the system's.
    """

    deadline: float
    largest: int
    here: bool = False
    authorities: str = ""


@dataclass(frozen=True)
class Heard(Generic[T]):
    """What a partner answered, or why that is nothing: `said` is its rule, or a fault in our words. `status`
    is that of an answer which it signed, else 0. With an answer that counts comes the `exchange`, for who
    holds it as evidence.
    """

    outcome: Outcome
    said: str = ""
    answer: T | None = None
    exchange: SignedExchange | None = None
    status: int = 0


class Client:
    """For one inquiry: connections are not kept."""

    def __init__(self, key: OwnKey, bounds: Bounds, now: Clock) -> None:
        self._key, self._bounds, self._now = key, bounds, now
        # No proxy and no password of the environment, and no answer is unpacked or followed.
        self._http = httpx.AsyncClient(
            verify=_trusted(bounds.authorities),
            trust_env=False,
            follow_redirects=False,
            timeout=bounds.deadline,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"Accept-Encoding": "identity", "User-Agent": "platestream"},
        )

    async def ask(self, partner: Partner, path: str, body: bytes, ident: UUID, kind: type[T]) -> Heard[T]:
        """Never raises: whatever goes wrong with one partner is its outcome."""
        try:
            async with asyncio.timeout(self._bounds.deadline):
                return await self._ask(partner, path, body, ident, kind)
        except TimeoutError:
            return Heard("late", f"nothing whole in {self._bounds.deadline:g} seconds")
        except places.WrongPlace as error:
            return Heard("unreachable", str(error))
        except ssl.SSLError as error:
            return Heard("unreachable", f"its certificate is not trusted ({error.reason or 'TLS'})")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            return Heard("unreachable", _fault(error))

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def _ask(self, partner: Partner, path: str, body: bytes, ident: UUID, kind: type[T]) -> Heard[T]:
        url = partner.address + path
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme != "https" and not (self._bounds.here and is_here(host)):
            raise places.WrongPlace("its address is not https://")
        place = await places.find(host, port, here=self._bounds.here)
        request = sign_request(self._key, url, body, ident, self._now())
        shown = f"[{place}]" if ":" in place else place
        async with self._http.stream(
            "POST",
            f"{parts.scheme}://{shown}:{port}{path}",
            content=body,
            headers={**request.headers, "Host": parts.netloc},
            extensions={"sni_hostname": host.rstrip(".")},
        ) as answer:
            whole = await self._body(answer)
        if whole is None:
            return Heard("bad_answer", f"over {self._bounds.largest:,} bytes, or packed")
        now = self._now()
        told = Answer(answer.status_code, request, answer.headers)

        def exchange(signed_by: str) -> SignedExchange:
            return kept(partner.name, self._key, body, partner.keys[signed_by], told, whole, now)

        return _judged(partner, told, whole, now, kind, exchange)

    async def _body(self, answer: httpx.Response) -> bytes | None:
        if answer.headers.get("content-encoding", "identity") != "identity":
            return None
        whole = bytearray()
        async for part in answer.aiter_raw():
            whole += part
            if len(whole) > self._bounds.largest:
                return None
        return bytes(whole)


def _trusted(authorities: str) -> ssl.SSLContext:
    """The system's authorities and those of a file. Raises OSError, also for a file that holds none."""
    return _context(authorities, Path(authorities).stat().st_mtime_ns if authorities else 0)


@lru_cache(maxsize=4)  # reading the system's authorities takes some 40 ms
def _context(authorities: str, _changed: int) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if authorities:
        made.load_verify_locations(authorities)
    return made


def _judged(
    partner: Partner,
    told: Answer,
    body: bytes,
    now: datetime,
    kind: type[T],
    exchange: Callable[[str], SignedExchange],
) -> Heard[T]:
    """What an answer that is there in whole counts as; `exchange` is what is kept of it, by the key."""
    status = told.status_code
    if 300 <= status < 400:
        return Heard("unreachable", f"it sends us elsewhere ({status}), where we do not go")
    try:
        signed_by = verify_answer(told, body, partner.keys, now)
    except BadSignature as error:
        if status == 401:  # whom it does not know it cannot sign for
            return Heard("not_known", "it has another key of ours, or another clock")
        return Heard("bad_signature", f"status {status}: {error}")
    try:
        if status == 200:
            answer = msgspec.json.decode(body, type=kind)
            return Heard("answered", answer=answer, exchange=exchange(signed_by), status=status)
        problem = msgspec.json.decode(body, type=Refusal)
    except NOT_JSON as error:
        return Heard("bad_answer", printable(str(error)))
    said = printable(problem.detail) or f"status {status}"
    return Heard("refused" if status < 500 else "unreachable", said, status=status)


def _fault(error: Exception) -> str:
    """In our words; a library's message may quote what it was sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {printable(cause.verify_message, 100)}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError | OSError):
        return "nothing answers at its address"
    return f"the connection failed ({type(error).__name__})"
