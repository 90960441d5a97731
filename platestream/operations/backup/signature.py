"""Signature of a backup by the agency's evidence key, over its manifest, which has a hash of each member.

Somebody who knows only the recipients' public keys can make an encrypted file, but none with this signature.
"""

import zipfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platestream.evidence.package import (
    KEY,
    SIGNATURE,
    PackageError,
    fingerprint,
    key_fingerprint,
    read_key,
)
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

MEMBERS = (SIGNATURE, KEY)
"""Names in the archive, which are not in its manifest."""
PURPOSE = b"platestream backup\n"
"""Before the manifest in what is signed, so that a signature of an evidence package is none of a backup."""
_LARGEST = 1000
_HEX_DIGITS = 64


def agency_key(settings: Settings) -> Ed25519PrivateKey | None:
    """Return the key that signs backups here; None where none is named. Raises RefusedError."""
    if settings.evidence_key_file is None:
        return None
    try:
        return read_key(settings.evidence_key_file)
    except PackageError as error:
        raise RefusedError("backup", str(error)) from None


def sign(file: zipfile.ZipFile, manifest: bytes, key: Ed25519PrivateKey) -> None:
    """Add the signature over a manifest, and the public key."""
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    file.writestr(SIGNATURE, key.sign(PURPOSE + manifest))
    file.writestr(KEY, public)


def signer(file: zipfile.ZipFile, manifest: bytes) -> str:
    """Return the fingerprint of the key that signed a manifest; empty for a backup without a signature.

    Raises RefusedError for a wrong signature.
    """
    there = [one for one in file.infolist() if one.filename in MEMBERS]
    if not there:
        return ""
    try:
        if len(there) != len(MEMBERS) or any(one.file_size > _LARGEST for one in there):
            raise InvalidSignature
        key = serialization.load_pem_public_key(file.read(KEY))
        if not isinstance(key, Ed25519PublicKey):
            raise InvalidSignature
        key.verify(file.read(SIGNATURE), PURPOSE + manifest)
        return fingerprint(file.read(KEY))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, zipfile.BadZipFile):
        raise RefusedError("backup", "its signature is not that of its manifest: it was altered") from None


def trusted_key(settings: Settings, named: str) -> str:
    """Return the fingerprint that a backup must be signed by: `named` is a file with a public key, or the
    fingerprint itself; empty, the key of the settings, if any. Raises RefusedError.
    """
    if not named:
        key = agency_key(settings)
        return key_fingerprint(key) if key is not None else ""
    digits = "".join(named.split()).lower()
    if len(digits) == _HEX_DIGITS and set(digits) <= set("0123456789abcdef"):
        return digits
    try:
        return fingerprint(Path(named).read_bytes())
    except (OSError, PackageError):
        raise RefusedError(
            "backup", "--signed-by names neither a file with a public key nor a fingerprint"
        ) from None
