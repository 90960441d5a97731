"""An exchange between two agencies, as it is kept, and whether its signatures hold: with no network, no
database and no clock.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.partners.keys import OwnKey, fingerprint, public_text, read_public
from connectors.partners.signing import Answer, BadSignature, Request, verify_answer, verify_request
from schemas.exchange import SIGNED_HEADERS, SignedExchange
from schemas.fields import NOT_JSON
from schemas.partner import INQUIRIES, PICTURES, Inquiry, PictureOf, Pictures, Reads

_KINDS: dict[str, tuple[type[Inquiry | PictureOf], type[Reads | Pictures]]] = {
    INQUIRIES: (Inquiry, Reads),
    PICTURES: (PictureOf, Pictures),
}


def kept(
    agency: str,
    key: OwnKey,
    asked: bytes,
    agency_key: Ed25519PublicKey,
    answer: Answer,
    told: bytes,
    at: datetime,
) -> SignedExchange:
    """What is kept of an answer, with `asked` and `told` as bodies, whose signature held at `at`."""
    return SignedExchange(
        agency=agency,
        heard_at=at,
        url=answer.request.url,
        asker_key=key.public,
        request_headers=_signed(answer.request.headers),
        request=asked,
        agency_key=public_text(agency_key),
        status=answer.status_code,
        headers=_signed(answer.headers),
        answer=told,
    )


def proven(one: SignedExchange) -> tuple[Inquiry | PictureOf, Reads | Pictures]:
    """What was asked and what was answered, where both signatures hold, each by the key that stands there.

    Whose keys these are, the caller knows by their fingerprints. Raises BadSignature.
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
    except Exception as error:  # parsers of headers raise many kinds on what was made to confuse them
        raise BadSignature(f"it cannot be read ({type(error).__name__})") from None


def agency_print(one: SignedExchange) -> str:
    """The fingerprint of the key that answered. Raises WrongKey."""
    return fingerprint(read_public(one.agency_key))


def _signed(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: lower[name] for name in SIGNED_HEADERS if name in lower}
