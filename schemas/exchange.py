"""Signed exchange between two agencies, as it was sent.

It is stored with evidence. With it and both public keys anybody can verify the request and the answer without
either agency.
"""

from typing import Annotated

from msgspec import Meta

from platestream.schemas.fields import Instant, Name, Record

Line = Annotated[str, Meta(max_length=200, description="a public key: base64 of its DER, as RFC 8410 has it")]
Headers = dict[str, Annotated[str, Meta(max_length=4000)]]
SIGNED_HEADERS = ("content-type", "content-digest", "signature-input", "signature")


class SignedExchange(Record, tag="partner_exchange/1", frozen=True, kw_only=True):
    """A signed request, sent by POST, and its signed answer (RFC 9421, RFC 9530).

    `headers` are those that the signatures cover, in lower case. The bodies are the bytes as received. The
    signatures are checked as of `heard_at`.
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
