"""When certificates end: those in a file, and the one that a server shows."""

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

SECONDS = 5.0  # for a server's handshake


def end_of_file(file: Path) -> datetime:
    """When the first certificate of a PEM file ends, its chain included. Raises OSError and ValueError."""
    return _end(file.read_bytes())


def end_of_server(host: str, port: int) -> datetime:
    """When the certificate of a server ends; nothing but the handshake is sent.

    Whether it is trusted is not asked here, or one that has ended would not be seen. Raises OSError.
    """
    return _end(ssl.get_server_certificate((host, port), timeout=SECONDS).encode())


def _end(pem: bytes) -> datetime:
    return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem))
