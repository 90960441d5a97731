"""Signatures between agencies: one that holds, and all that somebody in between or outside may try."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HMAC_SHA256
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.signing_keys import OwnKey, fingerprint
from platestream.partners.signing import (
    ANSWER_COVERS,
    LABEL,
    LIVES,
    REQUEST_COVERS,
    SKEW,
    Answer,
    BadSignature,
    Request,
    sign_answer,
    sign_request,
    verify_answer,
    verify_request,
)
from platestream.schemas.partner import ANSWER_TAG, REQUEST_TAG

NOW = datetime(2026, 5, 4, 18, tzinfo=UTC)
URL = "https://alpr.county.example:8444/partner/v1/inquiries"
BODY = b'{"way":"search"}'
IDENT = UUID(int=7)


def own_key(seed: int) -> OwnKey:
    return OwnKey(base64.b64encode(bytes([seed] * 32)).decode(), NOW, True)


OURS, THEIRS, STRANGERS = own_key(1), own_key(2), own_key(3)


def keys(*known: OwnKey) -> Mapping[str, Ed25519PublicKey]:
    return {one.fingerprint: one.key.public_key() for one in known}


def signed(**changed: Any) -> Request:
    """A request that is signed as `changed` says, which is otherwise as it should be."""
    more: dict[str, Any] = {
        "key_id": OURS.fingerprint,
        "created": NOW,
        "expires": NOW + LIVES,
        "nonce": str(IDENT),
        "label": LABEL,
        "tag": REQUEST_TAG,
        "covered_component_ids": REQUEST_COVERS,
        "body": BODY,
    }
    algorithm = changed.pop("algorithm", ED25519)
    key: Any = changed.pop("key", OURS.key)
    made = Request("POST", URL, {"Content-Type": "application/json"})
    resolver = MappingKeyResolver(
        public_keys={}, private_keys={str(changed.get("key_id", more["key_id"])): key}
    )
    HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver).sign(made, **{**more, **changed})
    return made


def verify(request: Request, body: bytes = BODY, at: datetime = NOW) -> tuple[str, UUID]:
    return verify_request(request, body, keys(OURS, THEIRS), at)


def test_what_is_signed_as_it_must_be_is_known_by_its_key_and_id() -> None:
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    assert verify(request) == (OURS.fingerprint, IDENT)
    assert verify(request, at=NOW + LIVES + SKEW - timedelta(seconds=1)) == (OURS.fingerprint, IDENT)


def uncovered(name: str) -> dict[str, Any]:
    left = tuple(one for one in REQUEST_COVERS if one != name)
    return {"covered_component_ids": left} if name != "content-digest" else {**_NO_DIGEST}


_NO_DIGEST = {"covered_component_ids": REQUEST_COVERS[:3], "body": None}
BREAKS: dict[str, dict[str, Any]] = {
    "too old": {"created": NOW - timedelta(hours=1), "expires": NOW - timedelta(hours=1) + LIVES},
    "from the future": {"created": NOW + timedelta(minutes=5), "expires": NOW + timedelta(minutes=6)},
    "good for a day": {"expires": NOW + timedelta(days=1)},
    "over before it begins": {"expires": NOW - timedelta(seconds=1)},
    "without an end": {"expires": None},
    "without an id": {"nonce": None},
    "an id that is none": {"nonce": "7"},
    "for another use": {"tag": "another"},
    "without a use": {"tag": None},
    "of a key that nobody knows": {"key_id": STRANGERS.fingerprint, "key": STRANGERS.key},
    "of another key than it says": {"key": THEIRS.key},
    "without its algorithm": {"include_alg": False},
    "by a public key as a shared secret": {
        "algorithm": HMAC_SHA256,
        "key": OURS.key.public_key().public_bytes_raw(),
    },
    **{f"without {name}": uncovered(name) for name in REQUEST_COVERS},
}


@pytest.mark.parametrize("fields", BREAKS.values(), ids=BREAKS)
def test_what_is_signed_otherwise_is_nobodys(fields: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        verify(signed(**fields))


def change(name: str, value: str) -> Callable[[Request], Request]:
    def changed(request: Request) -> Request:
        headers = (
            {**request.headers, name: value}
            if value
            else {key: one for key, one in request.headers.items() if key != name}
        )
        return Request(request.method, request.url, headers)

    return changed


TAMPERED: dict[str, Callable[[Request], Request]] = {
    "another path": lambda one: Request(one.method, URL.replace("inquiries", "pictures"), one.headers),
    "another agency's server": lambda one: Request(one.method, URL.replace("county", "city"), one.headers),
    "another port": lambda one: Request(one.method, URL.replace("8444", "8445"), one.headers),
    "in clear": lambda one: Request(one.method, URL.replace("https", "http"), one.headers),
    "with a query": lambda one: Request(one.method, f"{URL}?all=1", one.headers),
    "another method": lambda one: Request("PUT", one.url, one.headers),
    "another kind": change("Content-Type", "text/plain"),
    "no digest": change("Content-Digest", ""),
    "another digest": change("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    "a weaker digest": change("Content-Digest", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"),
    "no signature": change("Signature", ""),
    "no input": change("Signature-Input", ""),
    "garbage": change("Signature-Input", "platestream=((((;;;"),
    "an empty signature": change("Signature", "platestream=::"),
    "text for a signature": change("Signature", 'platestream="ed25519"'),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_what_was_changed_on_its_way_is_nobodys(tamper: Callable[[Request], Request]) -> None:
    with pytest.raises(BadSignature):
        verify(tamper(sign_request(OURS, URL, BODY, IDENT, NOW)))


def test_another_algorithm_beside_the_same_signature_is_refused() -> None:
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    result = request.headers["Signature-Input"]
    for alg in ("rsa-v1_5-sha256", "none", "hmac-sha256", "ED25519"):
        with pytest.raises(BadSignature):
            verify(change("Signature-Input", result.replace("ed25519", alg))(request))


def test_two_signatures_are_not_chosen_from() -> None:
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    both = {
        name: f"{value}, {value.replace(LABEL, 'other', 1)}" if name.startswith("Signature") else value
        for name, value in request.headers.items()
    }
    with pytest.raises(BadSignature):
        verify(Request(request.method, request.url, both))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_signature_is_of_one_body(body: bytes, other: bytes) -> None:
    request = sign_request(OURS, URL, body, IDENT, NOW)
    assert verify(request, body) == (OURS.fingerprint, IDENT)
    if other != body:
        with pytest.raises(BadSignature):
            verify(request, other)


@given(
    name=st.sampled_from(["Signature", "Signature-Input", "Content-Digest", "Content-Type"]),
    at=st.integers(0, 400),
    char=st.characters(min_codepoint=32, max_codepoint=255),
)
def test_no_character_of_a_signed_header_can_be_changed(name: str, at: int, char: str) -> None:
    """But for spaces that the header's grammar passes over, and the label, which says nothing."""
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    value = request.headers[name]
    place = at % len(value)
    changed = value[:place] + char + value[place + 1 :]
    if changed == value:
        return
    try:
        found = verify(change(name, changed)(request))
    except BadSignature:
        return
    assert found == (OURS.fingerprint, IDENT)
    assert name == "Signature", (name, changed)  # the last bits of base64 may be others for the same bytes


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=80))
def test_whatever_stands_in_headers_is_refused_and_breaks_nothing(
    inputs: str, signature: str, digest: str
) -> None:
    headers = {"Signature-Input": inputs, "Signature": signature, "Content-Digest": digest}
    with pytest.raises(BadSignature):
        verify(Request("POST", URL, headers))


def test_an_answer_is_of_its_request_status_and_body() -> None:
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    headers = sign_answer(THEIRS, request, 200, "application/json", b"{}", NOW)
    verify_answer(Answer(200, request, headers), b"{}", keys(THEIRS), NOW)
    other = sign_request(OURS, URL, BODY, UUID(int=8), NOW)
    for status, asked, body, known, at in (
        (403, request, b"{}", keys(THEIRS), NOW),
        (200, other, b"{}", keys(THEIRS), NOW),
        (200, request, b"{ }", keys(THEIRS), NOW),
        (200, request, b"{}", keys(OURS, STRANGERS), NOW),
        (200, request, b"{}", keys(THEIRS), NOW + timedelta(hours=1)),
    ):
        with pytest.raises(BadSignature):
            verify_answer(Answer(status, asked, headers), body, known, at)


def test_a_request_is_no_answer_and_an_answer_no_request() -> None:
    request = sign_request(OURS, URL, BODY, IDENT, NOW)
    with pytest.raises(BadSignature):
        verify_answer(Answer(200, request, request.headers), BODY, keys(OURS), NOW)
    headers = sign_answer(OURS, request, 200, "application/json", BODY, NOW)
    with pytest.raises(BadSignature):
        verify(Request("POST", URL, headers))
    assert REQUEST_TAG != ANSWER_TAG
    assert '"signature";req' in ANSWER_COVERS


def test_the_standards_own_example_of_this_algorithm_is_verified() -> None:
    """RFC 9421, section B.2.6 with the key of B.1.4: bytes that nobody here made."""
    pem = (
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
        b"-----END PUBLIC KEY-----\n"
    )
    key = load_pem_public_key(pem)
    assert isinstance(key, Ed25519PublicKey)
    base = (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n'
        '"content-type": application/json\n"content-length": 18\n"@signature-params": ("date" "@method" '
        '"@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
    )
    result = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    algorithm: Any = ED25519
    algorithm(public_key=key).verify(signature=base64.b64decode(result), message=base.encode())
    assert len(fingerprint(key)) == 64


def test_keys_of_other_kinds_of_curves_are_not_taken() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from platestream.access.signing_keys import WrongKey, public_text, read_public

    right = Ed25519PrivateKey.generate().public_key()
    assert public_text(read_public(public_text(right))) == public_text(right)
    der = (
        X25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for wrong in (base64.b64encode(der).decode(), "", "x", "AAAA", "é" * 40, public_text(right)[:-8]):
        with pytest.raises(WrongKey):
            read_public(wrong)
