"""Clients of witnesses (C2SP `tlog-witness`) and time stamp authorities (RFC 3161)."""

from pathlib import Path
from typing import NamedTuple

import httpx
from cryptography.x509 import load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

SECONDS = 10.0
MOST = 100_000  # bytes of an answer
STAMP = {"Content-Type": "application/timestamp-query"}


class RequestError(RuntimeError):
    """A failed request to a server; one sentence, without the server's text."""


class Response(NamedTuple):
    """A server's response."""

    status: int
    body: bytes


def post(url: str, body: bytes, headers: dict[str, str] | None = None, seconds: float = SECONDS) -> Response:
    """Send a POST request. Raises RequestError if there is no complete response."""
    try:
        with httpx.stream("POST", url, content=body, headers=headers, timeout=seconds) as answer:
            found = bytearray()
            for part in answer.iter_bytes():
                found += part
                if len(found) > MOST:
                    raise RequestError(f"answers with more than {MOST} bytes")
            return Response(answer.status_code, bytes(found))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RequestError(f"does not answer ({type(error).__name__})") from None


def get(url: str) -> bytes:
    """Return a file of a published log. Raises RequestError, also if it does not exist."""
    try:
        answer = httpx.get(url, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RequestError(f"{url}: no answer ({type(error).__name__})") from None
    if answer.status_code != httpx.codes.OK:
        raise RequestError(f"{url}: status {answer.status_code}")
    return answer.content


def add_checkpoint(url: str, body: bytes) -> Response:
    """Send `add-checkpoint` to the witness at `url`. Raises RequestError."""
    return post(f"{url.rstrip('/')}/add-checkpoint", body)


def stamp(url: str, certificates: Path, data: bytes) -> bytes:
    """Return a time stamp of `data`: the authority's whole response, verified.

    Raises RequestError and OSError.
    """
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    answer = post(url, request.as_bytes(), STAMP)
    if answer.status != httpx.codes.OK:
        raise RequestError(f"answers with status {answer.status}")
    verified(answer.body, certificates, data, request.nonce)
    return answer.body


def verified(response: bytes, certificates: Path, data: bytes, nonce: int | None = None) -> float:
    """Return the time at which `data` was stamped, in seconds since 1970.

    Raises RequestError, and OSError for the certificates.
    """
    try:
        found = decode_timestamp_response(response)
        builder = VerifierBuilder(nonce=nonce)
        for one in load_pem_x509_certificates(certificates.read_bytes()):
            own = one.issuer == one.subject
            builder = builder.add_root_certificate(one) if own else builder.add_intermediate_certificate(one)
        builder.build().verify_message(found, data)
        return found.tst_info.gen_time.timestamp()
    except (VerificationError, ValueError) as error:
        raise RequestError(f"stamped something else, or is not in {certificates.name} ({error})") from None
