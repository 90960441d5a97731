"""What went between two agencies for one question, as it was sent: kept with evidence, so that whoever has it
and both public keys can tell what was asked and what was answered, without either agency.
"""

from typing import Annotated

from msgspec import Meta

from schemas.fields import Instant, Name, Record

Line = Annotated[str, Meta(max_length=200, description="a public key: base64 of its DER, as RFC 8410 has it")]
Headers = dict[str, Annotated[str, Meta(max_length=4000)]]
SIGNED_HEADERS = ("content-type", "content-digest", "signature-input", "signature")


class SignedExchange(Record, tag="partner_exchange/1", frozen=True, kw_only=True):
    """A signed request, by POST, and its signed answer (RFC 9421, RFC 9530); `headers` are those that the
    signatures need, in lower case, and bodies are the bytes as they came. Signatures are judged as of
    `heard_at`.
    """

    agency: Annotated[Name, Meta(description="short name of who answered")]
    heard_at: Instant
    url: Annotated[str, Meta(max_length=500)]
    asker_key: Line
    request_headers: Headers
    request: bytes
    agency_key: Line
    status: Annotated[int, Meta(ge=100, le=599)]
    headers: Headers
    answer: bytes
