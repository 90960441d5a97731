"""Signed notes, checkpoints, proofs and requests: what is written is read, and nothing else is believed.

That others agree is tests/integration/test_tlog_clients.py's to show; here is a note of Go's documentation.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.merkle.checkpoint import (
    AddCheckpointRequest,
    Head,
    Proof,
    open_checkpoint,
    read_head,
    read_proof,
    read_request,
)
from platestream.merkle.note import (
    LOG,
    WITNESS,
    Note,
    NoteError,
    Signature,
    Signer,
    Verifier,
    parse,
    signatures,
    valid_name,
)

KEY = Signer("sjpd.example/log", LOG, bytes(range(32)))
OTHER = Signer("sjpd.example/log", LOG, bytes(range(1, 33)))
SEEN = Signer("witness.example/w", WITNESS, bytes(range(2, 34)))
HEAD = Head("sjpd.example/log", 812, bytes(range(32)))

NAMES = st.text(min_size=1, max_size=40).filter(lambda name: valid_name(name) and name.isprintable())
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)


def test_the_note_of_gos_documentation_is_verified() -> None:
    """https://pkg.go.dev/golang.org/x/mod/sumdb/note, example of Open."""
    key = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = parse(
        (
            "If you think cryptography is the answer to your problem,\n"
            "then you don't know what your problem is.\n\n"
            "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
            "b6KE6RyyBwJnAM=\n"
        ).encode()
    )
    assert key.signature(note) is not None
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    with pytest.raises(NoteError):
        key.signature(Note(note.text.replace("know", "knew"), note.signatures))


def signed(head: Head = HEAD, key: Signer = KEY) -> Note:
    return Note(head.text, (key.sign(head.text),))


def test_a_head_is_opened_with_its_own_key_only() -> None:
    assert open_checkpoint(str(signed()).encode(), KEY.verifier)[0] == HEAD
    for wrong in (
        signed(key=OTHER),
        signed(HEAD._replace(origin="other.example/log")),
        Note(HEAD.text, (SEEN.sign(HEAD.text, 5),)),
        Note(HEAD.text.replace("812", "813"), signed().signatures),
    ):
        with pytest.raises(NoteError):
            open_checkpoint(str(wrong).encode(), KEY.verifier)


def test_a_witness_signs_a_time_besides_which_cannot_be_changed() -> None:
    made = SEEN.sign(HEAD.text, 1_764_000_000)
    assert made.at == 1_764_000_000
    assert SEEN.verifier.holds(HEAD.text, made)
    later = Signature(made.name, made.key_hash, (made.at + 1).to_bytes(8) + made.raw[8:])
    assert not SEEN.verifier.holds(HEAD.text, later)
    assert not KEY.verifier.holds(HEAD.text, made)


def test_a_newer_cosignature_takes_the_place_of_the_older() -> None:
    note = signed().with_also([SEEN.sign(HEAD.text, 5)]).with_also([SEEN.sign(HEAD.text, 9)])
    assert [one.at for one in note.signatures if one.name == SEEN.name] == [9]
    assert len(note.signatures) == 2
    assert open_checkpoint(str(note).encode(), KEY.verifier)[0] == HEAD


@given(NAMES, st.binary(min_size=32, max_size=32), st.sampled_from([LOG, WITNESS]))
def test_keys_are_read_as_they_are_written(name: str, seed: bytes, kind: int) -> None:
    key = Signer(name, LOG if kind == LOG else WITNESS, seed)
    assert Signer.parse(key.secret()) == key
    assert Verifier.parse(str(key.verifier)) == key.verifier
    assert "seed" not in repr(key), "a key is never shown"


@given(NAMES, st.integers(0, 10**17), st.binary(min_size=32, max_size=32), HASHES, st.integers(0, 10**17))
def test_heads_proofs_and_requests_are_read_as_they_are_written(
    name: str, size: int, root: bytes, hashes: tuple[bytes, ...], number: int
) -> None:
    head = Head(name, size, root)
    note = Note(head.text, (KEY.sign(head.text), SEEN.sign(head.text, 7)))
    assert read_head(head.text) == head
    assert parse(str(note).encode()) == note
    assert read_proof(str(Proof(number, hashes, note)).encode()) == Proof(number, hashes, note)
    assert read_request(bytes(AddCheckpointRequest(number, hashes, note))) == AddCheckpointRequest(
        number, hashes, note
    )


@given(st.data())
def test_no_byte_of_a_signed_head_can_be_another(data: st.DataObject) -> None:
    content = bytearray(str(signed()).encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NoteError):
        open_checkpoint(bytes(content), KEY.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\nAAAA\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=",
        "a\n1\n" + "A" * 43 + "=\n\nmore\n",
        "a\n1\n" + "A" * 42 + "B=\n",  # base64 that is not the shortest way to write it
        f"a\n{'9' * 30}\n" + "A" * 43 + "=\n",
    ],
)
def test_a_malformed_head_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_head(text)


@given(st.binary(max_size=300))
def test_broken_bytes_are_refused_with_a_sentence(content: bytes) -> None:
    for read in (parse, read_proof, read_request):
        with pytest.raises(NoteError):
            read(content)
    for prefix in (b"c2sp.org/tlog-proof@v1\nindex 0\n\n", b"old 0\n\n"):
        with pytest.raises(NoteError):
            (read_proof if prefix.startswith(b"c2sp") else read_request)(prefix + content)


@pytest.mark.parametrize(
    "text", ["", "x", "a+b+c", str(KEY.verifier)[:-4], str(KEY.verifier).replace("+", "+0", 1)]
)
def test_a_mistyped_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(text)
    with pytest.raises(NoteError):
        Signer.parse(text)


def test_lines_of_signatures_are_whole() -> None:
    line = SEEN.sign(HEAD.text, 1).line
    assert len(signatures(line + line)) == 2
    for wrong in (line[:-1], line + "x", line.replace("—", "-"), line * 101, "\n"):
        with pytest.raises(NoteError):
            signatures(wrong)
