"""Expiry of certificates: those in a file, and the one that a server presents."""

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

SECONDS = 5.0  # for a server's handshake


def end_of_file(file: Path) -> datetime:
    """Return the first expiry of the certificates in a PEM file, including the chain.

    Raises OSError and ValueError.
    """
    return _end(file.read_bytes())


def end_of_server(host: str, port: int) -> datetime:
    """Return the expiry of a server's certificate; nothing but the handshake is sent.

    Trust is not checked here, because an expired certificate could not be seen then. Raises OSError.
    """
    return _end(ssl.get_server_certificate((host, port), timeout=SECONDS).encode())


def _end(pem: bytes) -> datetime:
    return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem))
