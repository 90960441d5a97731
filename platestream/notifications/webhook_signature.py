"""Signatures of webhooks by the Standard Webhooks specification (standardwebhooks.com).

`id.timestamp.body` is signed with HMAC-SHA256. The id is the delivery's. A receiver that stores the ids of
some minutes accepts each once and rejects older ones, so that no message can be replayed.
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
    """A request that is not authentic, or was replayed; the message names the fault, never a value."""


def secret(text: str) -> bytes:
    """Return the key of `whsec_…` (base64), or of any text that is long enough. Raises ValueError."""
    stripped = text.strip()
    try:
        key = (
            base64.b64decode(stripped.removeprefix(PREFIX), validate=True)
            if stripped.startswith(PREFIX)
            else stripped.encode()
        )
    except binascii.Error:
        raise ValueError("a webhook's secret that starts with whsec_ goes on in base64") from None
    if len(key) < SHORTEST:
        raise ValueError(f"a webhook's secret has {SHORTEST} bytes at least")
    return key


def headers(key: bytes, ident: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a signed request."""
    seconds = str(int(at.timestamp()))
    return {
        "webhook-id": ident,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{_signature(key, ident, seconds, body)}",
    }


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a signed request. Raises BadSignature. The caller checks that the id is new."""
    ident, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or not (seconds.isascii() and seconds.isdigit() and len(seconds) <= MOST_DIGITS):
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    wanted = _signature(key, ident, seconds, body)
    given = [
        one.partition(",")[2] for one in headers.get("webhook-signature", "").split() if one.startswith("v1,")
    ]
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
        raise BadSignature("the signature is not of this body and this secret")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise BadSignature("signed over 5 minutes ago, or ahead of time")
    return ident


def _signature(key: bytes, ident: str, seconds: str, body: bytes) -> str:
    signed = hmac.new(key, f"{ident}.{seconds}.".encode() + body, sha256).digest()
    return base64.b64encode(signed).decode()
