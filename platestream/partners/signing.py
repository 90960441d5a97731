"""Signatures of requests between agencies and of their answers: RFC 9421 and RFC 9530, Ed25519.

The covered components, the lifetime of a signature and the algorithm are fixed here and not negotiated. The
caller checks by its id, which is signed as the nonce, that a request is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    VerifyResult,
)
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from platestream.access.signing_keys import OwnKey
from platestream.schemas.partner import ANSWER_TAG, REQUEST_TAG

LIVES = timedelta(seconds=60)
SKEW = timedelta(seconds=30)
"""Largest difference of two agencies' clocks."""
LABEL = "platestream"
REQUEST_COVERS = ("@method", "@target-uri", "content-type", "content-digest")
ANSWER_COVERS = ("@status", "content-type", "content-digest", '"signature";req')
JSON, PROBLEM = "application/json", "application/problem+json"


class BadSignature(ValueError):  # noqa: N818
    """A missing or invalid signature; the message names the fault, never a value."""


@dataclass
class Request:
    """A request as signatures see it; `url` is the whole address."""

    method: str
    url: str
    headers: Any = field(default_factory=dict)


@dataclass
class Answer:
    """An answer to `request`."""

    status_code: int
    request: Request
    headers: Any = field(default_factory=dict)


def sign_request(key: OwnKey, url: str, body: bytes, ident: UUID, now: datetime) -> Request:
    """Return a signed POST of JSON with all its headers."""
    made = Request("POST", url, {"Content-Type": JSON})
    _signer(key).sign(
        made,
        key_id=key.fingerprint,
        created=now,
        expires=now + LIVES,
        nonce=str(ident),
        label=LABEL,
        tag=REQUEST_TAG,
        covered_component_ids=REQUEST_COVERS,
        body=body,
    )
    return made


def sign_answer(
    key: OwnKey, request: Request, status: int, kind: str, body: bytes, now: datetime
) -> dict[str, str]:
    """Return the signed headers of an answer, which is valid for this request only."""
    made = Answer(status, request, {"Content-Type": kind})
    _signer(key).sign(
        made,
        key_id=key.fingerprint,
        created=now,
        expires=now + LIVES,
        label=LABEL,
        tag=ANSWER_TAG,
        covered_component_ids=ANSWER_COVERS,
        body=body,
    )
    headers: dict[str, str] = made.headers
    return headers


def verify_request(
    request: Request, body: bytes, keys: Mapping[str, Ed25519PublicKey], now: datetime
) -> tuple[str, UUID]:
    """Return the key by which a request was signed, and the request's id. Raises BadSignature."""
    found = _verify(request, body, keys, now, REQUEST_TAG, REQUEST_COVERS)
    try:
        ident = UUID(found.nonce or "")
    except ValueError:
        raise BadSignature("the nonce of a request is its id, a UUID") from None
    return str(found.parameters["keyid"]), ident


def verify_answer(answer: Answer, body: bytes, keys: Mapping[str, Ed25519PublicKey], now: datetime) -> str:
    """Return the key by which an answer was signed. Raises BadSignature."""
    found = _verify(answer, body, keys, now, ANSWER_TAG, ANSWER_COVERS)
    return str(found.parameters["keyid"])


class _Verifier(HTTPMessageVerifier):
    """Verifier with our own time limits, by the clock that is passed in."""

    now: datetime

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        created, expires = (self._at(sig_input, name) for name in ("created", "expires"))
        if created > self.now + SKEW:
            raise InvalidSignature("signed ahead of time: compare the clocks")
        if not created < expires <= created + 2 * LIVES:
            raise InvalidSignature("a signature lives 120 seconds at most")
        if self.now > expires + SKEW:
            raise InvalidSignature("signed too long ago, or played again")

    def _at(self, sig_input: Any, name: str) -> datetime:
        if name not in sig_input.params:
            raise InvalidSignature(f"the signature lacks `{name}`")
        at: datetime = self._parse_integer_timestamp(sig_input.params[name], name)  # type: ignore[no-untyped-call]
        return at


def _verify(
    message: Request | Answer,
    body: bytes,
    keys: Mapping[str, Ed25519PublicKey],
    now: datetime,
    tag: str,
    covers: tuple[str, ...],
) -> VerifyResult:
    verifier = _Verifier(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
    )
    verifier.now = now.astimezone(UTC)
    try:
        found = verifier.verify(message, expect_tag=tag, require_components=covers, body=body)
    except (HTTPMessageSignaturesException, InvalidSignature) as error:
        raise BadSignature(_words(error)) from None
    if len(found) != 1:
        raise BadSignature("one signature is expected")
    (one,) = found
    if one.parameters.get("alg") != ED25519.algorithm_id:
        raise BadSignature("the signature does not say that it is of ed25519")
    if one.body is None:
        raise BadSignature("the body has no digest that is signed")
    return one


def _signer(key: OwnKey) -> HTTPMessageSigner:
    keys = MappingKeyResolver(public_keys={}, private_keys={key.fingerprint: key.key})
    return HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys)


def _words(error: Exception) -> str:
    """Return a library's message if it contains no part of the signed message."""
    text = str(error)
    return text if text and len(text) < 200 and text.isprintable() else "the signature is not valid"
