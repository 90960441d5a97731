"""Client for one signed request to another agency: with a deadline and a size limit, without redirects."""

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

from platestream.access.signing_keys import OwnKey
from platestream.partners import addresses
from platestream.partners.exchange import record_exchange
from platestream.partners.signing import Answer, BadSignature, sign_request, verify_answer
from platestream.runtime.clock import Clock
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.loopback import is_loopback
from platestream.schemas.partner import Outcome, Refusal, printable

T = TypeVar("T")


@dataclass(frozen=True)
class Partner:
    """Another agency: its address, and the public keys, by fingerprint, with which it may sign answers."""

    name: str
    address: str
    keys: Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True)
class Bounds:
    """Limits of a request: the time in seconds, the bytes of the answer, and whether this machine is allowed.

    `authorities`: a PEM file with further trusted authorities besides the system's.
    """

    deadline: float
    largest: int
    here: bool = False
    authorities: str = ""


@dataclass(frozen=True)
class PartnerResult(Generic[T]):
    """The result of a request to a partner.

    `text` is the partner's rule, or a description of the fault. `status` is that of a signed answer, else 0.
    A valid answer comes with the `exchange`, which can be stored as evidence. `vehicles` is the number of
    plates that it adds to those shown.
    """

    outcome: Outcome
    text: str = ""
    answer: T | None = None
    exchange: SignedExchange | None = None
    status: int = 0
    vehicles: int = 0


class Client:
    """Client for one inquiry; connections are not reused."""

    def __init__(self, key: OwnKey, bounds: Bounds, now: Clock) -> None:
        self._key, self._bounds, self._now = key, bounds, now
        # Proxies and passwords of the environment are ignored; answers are not decompressed, redirects not
        # followed.
        self._http = httpx.AsyncClient(
            verify=_trust_context(bounds.authorities),
            trust_env=False,
            follow_redirects=False,
            timeout=bounds.deadline,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"Accept-Encoding": "identity", "User-Agent": "platestream"},
        )

    async def ask(
        self, partner: Partner, path: str, body: bytes, ident: UUID, kind: type[T]
    ) -> PartnerResult[T]:
        """Send a request. Never raises: any failure of a partner is an outcome."""
        try:
            async with asyncio.timeout(self._bounds.deadline):
                return await self._ask(partner, path, body, ident, kind)
        except TimeoutError:
            return PartnerResult("late", f"nothing whole in {self._bounds.deadline:g} seconds")
        except addresses.ForbiddenAddress as error:
            return PartnerResult("unreachable", str(error))
        except ssl.SSLError as error:
            return PartnerResult("unreachable", f"its certificate is not trusted ({error.reason or 'TLS'})")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            return PartnerResult("unreachable", _fault(error))

    async def close(self) -> None:
        """Close open connections."""
        await self._http.aclose()

    async def _ask(
        self, partner: Partner, path: str, body: bytes, ident: UUID, kind: type[T]
    ) -> PartnerResult[T]:
        url = partner.address + path
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme != "https" and not (self._bounds.here and is_loopback(host)):
            raise addresses.ForbiddenAddress("its address is not https://")
        place = await addresses.resolve(host, port, here=self._bounds.here)
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
            return PartnerResult("bad_answer", f"over {self._bounds.largest:,} bytes, or packed")
        now = self._now()
        signed = Answer(answer.status_code, request, answer.headers)

        def exchange(signed_by: str) -> SignedExchange:
            return record_exchange(partner.name, self._key, body, partner.keys[signed_by], signed, whole, now)

        return _check_answer(partner, signed, whole, now, kind, exchange)

    async def _body(self, answer: httpx.Response) -> bytes | None:
        if answer.headers.get("content-encoding", "identity") != "identity":
            return None
        whole = bytearray()
        async for part in answer.aiter_raw():
            whole += part
            if len(whole) > self._bounds.largest:
                return None
        return bytes(whole)


def _trust_context(authorities: str) -> ssl.SSLContext:
    """Return a context with the system's authorities and those of a file.

    Raises OSError, also if it has none.
    """
    return _context(authorities, Path(authorities).stat().st_mtime_ns if authorities else 0)


@lru_cache(maxsize=4)  # reading the system's authorities takes some 40 ms
def _context(authorities: str, _changed: int) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if authorities:
        made.load_verify_locations(authorities)
    return made


def _check_answer(
    partner: Partner,
    response: Answer,
    body: bytes,
    now: datetime,
    kind: type[T],
    exchange: Callable[[str], SignedExchange],
) -> PartnerResult[T]:
    """Return the result for a complete response; `exchange` makes its record, by the key that signed."""
    status = response.status_code
    if 300 <= status < 400:
        return PartnerResult("unreachable", f"it sends us elsewhere ({status}), where we do not go")
    try:
        signed_by = verify_answer(response, body, partner.keys, now)
    except BadSignature as error:
        if status == 401:  # a partner cannot sign for an agency that it does not know
            return PartnerResult("not_known", "it has another key of ours, or another clock")
        return PartnerResult("bad_signature", f"status {status}: {error}")
    try:
        if status == 200:
            answer = msgspec.json.decode(body, type=kind)
            return PartnerResult("answered", answer=answer, exchange=exchange(signed_by), status=status)
        problem = msgspec.json.decode(body, type=Refusal)
    except NOT_JSON as error:
        return PartnerResult("bad_answer", printable(str(error)))
    text = printable(problem.detail) or f"status {status}"
    return PartnerResult("refused" if status < 500 else "unreachable", text, status=status)


def _fault(error: Exception) -> str:
    """Return a description of an error in fixed words, because a library's message may quote the request."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {printable(cause.verify_message, 100)}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError | OSError):
        return "nothing answers at its address"
    return f"the connection failed ({type(error).__name__})"
