"""FIPS mode of the cryptographic modules of this process."""

import _hashlib
import ssl
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

KERNEL = Path("/proc/sys/crypto/fips_enabled")


def modes() -> dict[str, bool]:
    """Return by module whether it is in FIPS mode; of one that does not say, False."""
    try:
        kernel = KERNEL.read_text().strip() == "1"
    except OSError:
        kernel = False
    return {
        f"{_version(backend.openssl_version_text())} of cryptography": bool(
            getattr(backend, "_fips_enabled", False)
        ),
        f"{_version(ssl.OPENSSL_VERSION)} of Python": bool(_hashlib.get_fips_mode()),
        "the kernel": kernel,
    }


def _version(text: str) -> str:
    return " ".join(text.split()[:2])
