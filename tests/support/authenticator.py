"""A device with passkeys, in software: it signs what a browser at some address would have it sign."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """One passkey; `count` goes forward with each use. `verified`: by finger, face or PIN."""

    origin: str = "https://localhost"
    host: str = "localhost"
    verified: bool = True
    count: int = 0
    ident: bytes = field(default_factory=lambda: token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, challenge: str) -> str:
        """The answer to options for a new passkey."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        held = bytes(16) + len(self.ident).to_bytes(2) + self.ident + cbor2.dumps(public)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + held}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", challenge), attestationObject=cbor2.dumps(attested)
        )

    def use(self, challenge: str) -> str:
        """The answer to options for a use."""
        self.count += 1
        client, data = self._client("webauthn.get", challenge), self._data(0)
        signed = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signed)

    def _client(self, kind: str, challenge: str) -> bytes:
        fields = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(fields).encode()

    def _data(self, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verified else 0)
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.ident)
        result: dict[str, Any] = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": result})
