"""Stored exchanges between two agencies, and the verification of their signatures without any service."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from platestream.access.signing_keys import OwnKey, fingerprint, public_text, read_public
from platestream.partners.signing import Answer, BadSignature, Request, verify_answer, verify_request
from platestream.schemas.exchange import SIGNED_HEADERS, SignedExchange
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.partner import INQUIRIES, PICTURES, Inquiry, PictureOf, Pictures, Reads

_KINDS: dict[str, tuple[type[Inquiry | PictureOf], type[Reads | Pictures]]] = {
    INQUIRIES: (Inquiry, Reads),
    PICTURES: (PictureOf, Pictures),
}


def record_exchange(
    agency: str,
    key: OwnKey,
    request_body: bytes,
    agency_key: Ed25519PublicKey,
    answer: Answer,
    answer_body: bytes,
    at: datetime,
) -> SignedExchange:
    """Return the record of an answer whose signature was valid at `at`; the bodies are as signed."""
    return SignedExchange(
        agency=agency,
        heard_at=at,
        url=answer.request.url,
        asker_key=key.public,
        request_headers=_signed(answer.request.headers),
        request=request_body,
        agency_key=public_text(agency_key),
        status=answer.status_code,
        headers=_signed(answer.headers),
        answer=answer_body,
    )


def verify_exchange(one: SignedExchange) -> tuple[Inquiry | PictureOf, Reads | Pictures]:
    """Return the request and the answer if both signatures are valid, each by the key in the record.

    The caller identifies the owners of these keys by their fingerprints. Raises BadSignature.
    """
    try:
        kinds = _KINDS.get(urlsplit(one.url).path)
        if kinds is None or one.status != 200:
            raise BadSignature("it is no answer to an inquiry or for pictures")
        asker, agency = read_public(one.asker_key), read_public(one.agency_key)
        request = Request("POST", one.url, one.request_headers)
        verify_request(request, one.request, {fingerprint(asker): asker}, one.heard_at)
        answer = Answer(one.status, request, one.headers)
        verify_answer(answer, one.answer, {fingerprint(agency): agency}, one.heard_at)
        return msgspec.json.decode(one.request, type=kinds[0]), msgspec.json.decode(one.answer, type=kinds[1])
    except BadSignature:
        raise
    except NOT_JSON:
        raise BadSignature("what was asked or answered cannot be read") from None
    except Exception as error:  # parsers of headers raise many types on malformed input
        raise BadSignature(f"it cannot be read ({type(error).__name__})") from None


def agency_print(one: SignedExchange) -> str:
    """Return the fingerprint of the key that signed the answer. Raises WrongKey."""
    return fingerprint(read_public(one.agency_key))


def _signed(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: lower[name] for name in SIGNED_HEADERS if name in lower}
