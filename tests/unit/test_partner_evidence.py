"""A package of another agency's reads, as an agency would doctor it that signs packages itself: what the
other one signed does not follow.
"""

import base64
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.signing_keys import OwnKey, read_public
from platestream.evidence import origin, package
from platestream.partners import exchange
from platestream.partners.signing import JSON, Answer, BadSignature, sign_answer, sign_request
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.partner import INQUIRIES, PICTURES, Asker, Inquiry, PictureOf, Pictures, Read, Reads
from tests.support.clock import NOW
from tests.support.partners import ADDRESS, COUNTYS, OURS, STRANGERS

NAME, TWO = UUID(int=1), UUID(int=2)
JPEG = b"\xff\xd8vehicle"
READ = Read(
    detection_id=NAME,
    captured_at=NOW,
    camera_id="north",
    latitude=34.5,
    longitude=-109.4,
    plate="ABC123",
    confidence=0.9,
)
ASKER = Asker(agency="sjpd", person="vale", trained_on=NOW.date(), case_number="26-001234")
AGENCY = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
Files = dict[str, bytes]


def exchanged(
    path: str, asked: Any, result: Any, *, key: OwnKey = OURS, by: OwnKey = COUNTYS
) -> SignedExchange:
    question, answer = msgspec.json.encode(asked), msgspec.json.encode(result)
    request = sign_request(key, ADDRESS + path, question, uuid4(), NOW)
    signed = Answer(200, request, sign_answer(by, request, 200, JSON, answer, NOW))
    return exchange.record_exchange("county", key, question, by.key.public_key(), signed, answer, NOW)


def of_reads(read: Read = READ, **changes: Any) -> SignedExchange:
    asked = Inquiry(asker=ASKER, way="search", plate="ABC123")
    return exchanged(INQUIRIES, asked, Reads(reads=(read,), found=1), **changes)


def of_pictures(jpeg: bytes = JPEG, name: UUID = NAME, **changes: Any) -> SignedExchange:
    asked = PictureOf(asker=ASKER, detection_id=name, captured_at=NOW)
    return exchanged(PICTURES, asked, Pictures(vehicle=jpeg), **changes)


def files(*answers: SignedExchange, read: Read = READ, jpeg: bytes = JPEG) -> Files:
    numbered = enumerate(answers or (of_reads(), of_pictures()), 1)
    return {
        **{f"answers/{number:03}.json": msgspec.json.encode(one) for number, one in numbered},
        "detections.json": msgspec.json.encode([read]),
        f"originals/{read.detection_id}-vehicle.jpg": jpeg,
    }


def custody(made: Files, of: str) -> bytes:
    """Return the entry of the hold that these files are of."""
    digests = {path: sha256(content).hexdigest() for path, content in made.items()}
    held: dict[str, Any] = {"hold_id": "h", "origin": of}
    held["answers"] = [{"sha256": digests[path]} for path in made if path.startswith("answers/")]
    held["pictures"] = [
        {"detection_id": path[10:46], "kind": "vehicle", "sha256": digests[path]}
        for path in made
        if path.startswith("originals/")
    ]
    entry = LedgerEntry(
        chain="evidence",
        number=1,
        kind="hold",
        at=NOW,
        who="vale",
        record=msgspec.json.encode(held).decode(),
        previous="0" * 64,
    )
    return msgspec.json.encode([package.Custody(entry=entry, hash=entry.hash)])


def faults(made: Files, *, of: str = "county", partners: tuple[str, ...] = ()) -> list[str]:
    """Return a package of these files with an entry of the ledger that fits, signed by the agency."""
    made = {**made, package.CUSTODY: custody(made, of)}
    manifest = package.Manifest(
        hold_id="h",
        case_number="26-001234",
        agency="St. Johns PD",
        exported_at=NOW,
        exported_by="vale",
        receiver="court",
        signed_by=package.key_fingerprint(AGENCY),
        origin=of,
        files=[],
    )
    return package.verify(package.seal(made, manifest, AGENCY), partners=partners)[1]


def test_what_another_agency_signed_is_proven_with_nothing_but_the_package() -> None:
    assert faults(files()) == []
    assert faults(files(), partners=(COUNTYS.fingerprint,)) == []
    assert origin.keys(files()) == {COUNTYS.fingerprint: "county"}


def changed(read: Read, **changes: Any) -> Read:
    return msgspec.structs.replace(read, **changes)


OTHER = changed(READ, plate="XYZ999")
LATER = msgspec.structs.replace(of_reads(), heard_at=datetime(2031, 1, 1, tzinfo=UTC))
DOCTORED: dict[str, tuple[Files, str]] = {
    "the plate in the rows": (files(read=OTHER), "is not what county signed: plate"),
    "the camera in the rows": (files(read=changed(READ, camera_id="south")), "signed: camera_id"),
    "the picture": (files(jpeg=JPEG + b"x"), "vehicle.jpg: is not what county signed"),
    "no answer with the read": (files(of_pictures()), "is in no answer that county signed"),
    "no answer with the picture": (files(of_reads()), "vehicle.jpg: is not what county signed"),
    "the picture of another read": (files(of_reads(), of_pictures(name=TWO)), "vehicle.jpg"),
    "the answer": (
        files(msgspec.structs.replace(of_reads(), answer=of_reads(OTHER).answer), of_pictures(), read=OTHER),
        "answers/001.json",
    ),
    "the question": (
        files(msgspec.structs.replace(of_pictures(), request=of_pictures(name=TWO).request), of_reads()),
        "answers/001.json",
    ),
    "the question, signed again": (
        files(
            msgspec.structs.replace(
                of_reads(), request=(again := of_pictures(name=TWO)).request,
                request_headers=again.request_headers, url=again.url,
            ),
            of_pictures(),
        ),
        "answers/001.json",
    ),
    "when it was heard": (files(LATER, of_pictures()), "answers/001.json"),
    "whose answer it is": (
        files(msgspec.structs.replace(of_reads(), agency="city"), of_pictures()),
        "is of city, and the hold of county",
    ),
    "the key that stands there": (
        files(msgspec.structs.replace(of_reads(), agency_key=STRANGERS.public), of_pictures()),
        "answers/001.json",
    ),
    "where it was asked": (
        files(msgspec.structs.replace(of_reads(), url="https://[county"), of_pictures()),
        "answers/001.json",
    ),
    "what cannot be read": ({**files(), "answers/003.json": b"{"}, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", DOCTORED)
def test_whatever_was_doctored_and_signed_again_by_the_agency_itself_is_found(what: str) -> None:
    made, says = DOCTORED[what]
    assert says in "; ".join(faults(made))


def test_whose_key_it_was_is_known_by_its_fingerprint_alone() -> None:
    """Who makes up an answer signs it with some key; that it is the county's, only the county says."""
    made_up = files(of_reads(OTHER, by=STRANGERS), of_pictures(by=STRANGERS), read=OTHER)
    assert faults(made_up) == []
    assert origin.keys(made_up) == {STRANGERS.fingerprint: "county"}
    assert "another key than the one that was given" in faults(made_up, partners=(COUNTYS.fingerprint,))[0]
    assert origin.key_named(COUNTYS.public) == origin.key_named(COUNTYS.fingerprint.upper())


def test_a_hold_of_another_agency_is_not_passed_off_as_ones_own() -> None:
    assert "and the hold of the agency itself" in faults(files(), of="")[0]


def test_both_signatures_are_those_of_rfc_9421_as_somebody_checks_them_by_hand() -> None:
    """Without our code and without the library that signed: the base is written down, the key says yes."""
    one = of_reads()
    result, parameters = one.headers, one.headers["signature-input"].removeprefix("platestream=")
    asked = one.request_headers
    assert result["content-digest"] == f"sha-256=:{base64.b64encode(sha256(one.answer).digest()).decode()}:"
    base = "\n".join(
        [
            '"@status": 200',
            f'"content-type": {result["content-type"]}',
            f'"content-digest": {result["content-digest"]}',
            f'"signature";req: {asked["signature"]}',
            f'"@signature-params": {parameters}',
        ]
    )
    raw = base64.b64decode(result["signature"].removeprefix("platestream=").strip(":"))
    read_public(one.agency_key).verify(raw, base.encode())
    with pytest.raises(InvalidSignature):
        read_public(one.agency_key).verify(raw, base.replace("200", "201").encode())
    parameters = asked["signature-input"].removeprefix("platestream=")
    base = "\n".join(
        [
            '"@method": POST',
            f'"@target-uri": {one.url}',
            f'"content-type": {asked["content-type"]}',
            f'"content-digest": {asked["content-digest"]}',
            f'"@signature-params": {parameters}',
        ]
    )
    raw = base64.b64decode(asked["signature"].removeprefix("platestream=").strip(":"))
    read_public(one.asker_key).verify(raw, base.encode())


@given(st.data())
def test_no_byte_of_an_exchange_can_be_changed_that_counts(data: st.DataObject) -> None:
    one = of_reads()
    field = data.draw(st.sampled_from(["request", "answer"]))
    raw = bytearray(getattr(one, field))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadSignature):
        exchange.verify_exchange(msgspec.structs.replace(one, **{field: bytes(raw)}))


HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "content-digest", "signature-input", "signature"]),
    st.one_of(st.text(max_size=60), st.sampled_from(sorted(of_reads().headers.values()))),
)


@given(HEADERS, HEADERS)
def test_whatever_stands_in_its_headers_is_refused_in_words(
    asked: dict[str, str], result: dict[str, str]
) -> None:
    one = msgspec.structs.replace(of_reads(), request_headers=asked, headers=result)
    with pytest.raises(BadSignature):
        exchange.verify_exchange(one)
