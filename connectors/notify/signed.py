"""Webhooks signed as the Standard Webhooks specification has it (standardwebhooks.com), out and in.

Signed is `id.timestamp.body` with HMAC-SHA256; the id is the delivery's, so that a receiver that keeps the
ids of some minutes takes each once, and refuses what is older: nobody can play a message again.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
SHORTEST = 24  # bytes of a secret
MOST_DIGITS = 12  # of a time in seconds


class BadSignature(ValueError):  # noqa: N818
    """Not from whom it says it is, or played again; says which, never a value."""


def secret(text: str) -> bytes:
    """The key of `whsec_…` (base64), or of any text that is long enough. Raises ValueError."""
    told = text.strip()
    try:
        key = (
            base64.b64decode(told.removeprefix(PREFIX), validate=True)
            if told.startswith(PREFIX)
            else told.encode()
        )
    except binascii.Error:
        raise ValueError("a webhook's secret that starts with whsec_ goes on in base64") from None
    if len(key) < SHORTEST:
        raise ValueError(f"a webhook's secret has {SHORTEST} bytes at least")
    return key


def headers(key: bytes, ident: str, at: datetime, body: bytes) -> dict[str, str]:
    """What a signed request carries."""
    seconds = str(int(at.timestamp()))
    return {
        "webhook-id": ident,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{_signature(key, ident, seconds, body)}",
    }


def verify(key: bytes, told: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a signed request. Raises BadSignature. Whether the id was seen before, the caller knows."""
    ident, seconds = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    if not ident or not (seconds.isascii() and seconds.isdigit() and len(seconds) <= MOST_DIGITS):
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    wanted = _signature(key, ident, seconds, body)
    given = [
        one.partition(",")[2] for one in told.get("webhook-signature", "").split() if one.startswith("v1,")
    ]
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
        raise BadSignature("the signature is not of this body and this secret")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise BadSignature("signed over 5 minutes ago, or ahead of time")
    return ident


def _signature(key: bytes, ident: str, seconds: str, body: bytes) -> str:
    signed = hmac.new(key, f"{ident}.{seconds}.".encode() + body, sha256).digest()
    return base64.b64encode(signed).decode()
