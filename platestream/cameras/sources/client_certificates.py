"""Client certificates of cameras as sign-ins: known by their SHA-256 fingerprint or by their common name."""

import re
from collections.abc import Mapping
from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import NameOID

FINGERPRINT, NAME = "sha256:", "CN="
_HEX = re.compile(r"[0-9a-f]{64}")


def identity(text: str) -> str:
    """Return what identifies a certificate in one form: `sha256:HEX` or `CN=NAME`. Raises ValueError."""
    if text.lower().startswith(FINGERPRINT):
        digits = text[len(FINGERPRINT) :].replace(":", "").strip().lower()
        if _HEX.fullmatch(digits):
            return FINGERPRINT + digits
    elif text.startswith(NAME) and text[len(NAME) :].strip():
        return NAME + text[len(NAME) :].strip()
    raise ValueError("`client_certificate` is sha256: and 64 hex digits, or CN= and the common name")


class ClientCertificates:
    """The cameras by the identity of their certificate."""

    def __init__(self, cameras: Mapping[str, str] = {}) -> None:
        self._cameras = dict(cameras)

    def camera_of(self, certificate: bytes | None) -> str | None:
        """Return the camera of a certificate (DER) that TLS has verified; None for no or another one."""
        if not certificate or not self._cameras:
            return None
        by_print = self._cameras.get(FINGERPRINT + sha256(certificate).hexdigest())
        return by_print or self._by_name(certificate)

    def _by_name(self, certificate: bytes) -> str | None:
        try:
            subject = x509.load_der_x509_certificate(certificate).subject
        except ValueError:
            return None
        names = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return self._cameras.get(NAME + names[0]) if len(names) == 1 else None
