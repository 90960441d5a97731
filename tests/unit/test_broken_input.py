"""Faults that fuzzing found (benchmarks/notes/fuzzing.md), each as the input that showed it."""

import tomllib
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from backports import zstd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access.profiles import load
from platestream.cameras import config
from platestream.cameras.capture import CameraError
from platestream.cameras.capture_times import headers_time
from platestream.cameras.config_checks import address
from platestream.cameras.sources.http import parts
from platestream.cameras.sources.rtsp import Inbox
from platestream.cameras.sources.upload_auth import SignIn
from platestream.edges.topic_file import TopicFile, TopicFileError
from platestream.engine import compression, plan
from platestream.engine.body import Body, DecodingWriter
from platestream.engine.errors import EngineError
from platestream.engine.requests import parse_request
from platestream.evidence import package
from platestream.hotlist import bolos
from platestream.notifications import webhook_signature
from platestream.notifications.senders import read_secret
from platestream.operations.up import status
from platestream.operations.up.supervisor import UpError
from platestream.operators.notify.rules import parse_rules
from platestream.runtime.private_file import PrivateFileError
from platestream.runtime.token_file import Tokens
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.profile import ProfileError
from platestream.schemas.toml import read_toml
from platestream.transparency_log import log_export
from platestream.web.sessions import Session

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
DEEP = "[" * 100_000
DIGITS = "9" * 5000  # Python makes no number of so many
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.mark.parametrize(
    "date", ["Tue, 24 Nov 99999999999999999999 15:04:05 GMT", "0001-01-01T00:00:00+23:59"]
)
def test_a_date_of_no_year_is_no_time(date: str) -> None:
    assert headers_time({"date": date}) is None


def test_a_sign_in_that_is_not_ascii_is_wrong_and_no_more() -> None:
    result = (
        'username="a", realm="platestream", nonce="0.0-0", uri="/", qop=auth, nc=1, cnonce="b", response="é"'
    )
    assert SignIn({"a": "b"}, basic=False, now=lambda: 0.0).account(f"Digest {result}", "POST", "/") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("webhook-signature", "v1,é"), ("webhook-timestamp", "²"), ("webhook-timestamp", DIGITS)],
)
def test_a_signature_that_is_not_ascii_or_a_time_that_is_no_number_is_bad(name: str, value: str) -> None:
    fields = {**webhook_signature.headers(b"k" * 32, "1", NOW, b""), name: value}
    with pytest.raises(webhook_signature.BadSignature):
        webhook_signature.verify(b"k" * 32, fields, b"", NOW)


def test_a_link_whose_signature_is_not_ascii_is_not_signed() -> None:
    session = Session("vale", began=NOW, until=NOW + timedelta(hours=1), last_request=NOW)
    assert not session.is_valid_link("/a", "9999999999", "é", NOW)


def test_a_length_of_thousands_of_digits_is_too_large() -> None:
    with pytest.raises(CameraError, match="over 1000 bytes"):
        list(parts(iter([f"--a\r\nContent-Length: {DIGITS}\r\n\r\n".encode()]), b"--a", 1000))


@pytest.mark.parametrize("length", ["a", "-1", DIGITS])
def test_a_camera_whose_length_is_no_number_does_not_speak_rtsp(length: str) -> None:
    inbox = Inbox()
    inbox.put(f"RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
    with pytest.raises(CameraError, match="does not speak RTSP"):
        inbox.take()


def test_a_port_of_thousands_of_digits_is_none() -> None:
    with pytest.raises(RefusedError, match="no host:port"):
        address(f"127.0.0.1:{DIGITS}")


def test_a_timeout_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(EngineError, match="session_timeout"):
        parse_request([("user", "a"), ("session_timeout", DIGITS)], {})


def test_toml_nested_too_deeply_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"a = {DEEP}")
    with pytest.raises(ValueError, match="nested"):
        read_toml(path.read_text())
    with pytest.raises(RefusedError, match="nested"):
        config.load(path)
    with pytest.raises(RefusedError, match="nested"):
        parse_rules(path.read_text())
    with pytest.raises(ProfileError, match="nested"):
        load(str(path))


@pytest.mark.parametrize("value", ["1" * 5000, "2026-13-45T00:00:00Z"])
def test_a_value_of_toml_that_no_number_or_date_is_is_an_error_of_its_file(value: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        read_toml(f"a = {value}")


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(RefusedError, match=r"a\.toml"):
        read_secret(str(path))
    with pytest.raises(ProfileError, match=r"a\.toml"):
        load(str(path))


@pytest.mark.parametrize("content", [b'{"\xff": 1}', b'{"1": {"id": "1", "x": ' + DEEP.encode()])
def test_a_damaged_file_of_tokens_or_plan_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(PrivateFileError):
        Tokens(tmp_path / "plan.json").all()
    with pytest.raises(UpError):
        status._plan(tmp_path)


def test_a_hash_of_a_token_that_is_not_ascii_is_none_and_a_time_needs_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    more = '{"1":{"id":"1","who":"a","program":"","parts":[],"ends_at":"2027-01-01T00:00:00%s","hashed":"é"}}'
    path.write_text(more % "Z")
    assert Tokens(path).find("platestream_1_secret", NOW) is None
    path.write_text(more % "")
    with pytest.raises(PrivateFileError):
        Tokens(path).find("platestream_1_secret", NOW)


@pytest.mark.parametrize(
    ("column", "value"),
    [("headers", b"{"), ("time", 2**62), ("key", "text"), ("value", 5), ("headers", b'{"a":1}')],
)
def test_a_damaged_message_of_a_topic_is_named(column: str, value: object, tmp_path: Path) -> None:
    file = TopicFile(tmp_path / "t", "frames")
    file.append([Message(b"camera", b"picture", {"a": "b"}, NOW)], 1, NOW)
    file._db().execute(f"UPDATE messages SET {column} = ?", (value,))
    with pytest.raises(TopicFileError, match="message at 1 is damaged"):
        list(file.read_to_end())
    file.close()


def test_a_line_of_an_export_that_is_nested_too_deeply_is_no_seal() -> None:
    line = b'{"seal":1,"previous":"","hash":"","inquiry":' + DEEP.encode()
    assert "line 1: not a seal" in list(log_export.verify([line], NOW))


def _manifest() -> package.Manifest:
    fields = {"hold_id": "1", "case_number": "1", "agency": "a", "exported_by": "a", "receiver": "a"}
    return package.Manifest(**fields, exported_at=NOW, signed_by=package.key_fingerprint(KEY), files=[])


@pytest.mark.parametrize("content", [b"[", b'["\xff"]', DEEP.encode(), b"[1]"])
@pytest.mark.parametrize("name", [package.CUSTODY, package.INQUIRIES])
def test_records_of_a_package_that_cannot_be_read_are_a_fault_of_it(name: str, content: bytes) -> None:
    _read, faults = package.verify(package.seal({name: content}, _manifest(), KEY))
    assert faults == ["custody.json or inquiries.json cannot be read"]


def test_a_manifest_that_is_not_utf_8_cannot_be_read() -> None:
    files = {package.MANIFEST: b'{"\xff":1}', package.SIGNATURE: b"", package.KEY: b""}
    assert package.verify(files) == (None, ["manifest or key cannot be read"])


@pytest.mark.parametrize("change", [b"\xff", b"\x00"])
def test_a_damaged_zip_is_no_package(change: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("ä.json", "content " * 100)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + change + whole[at + 1 :])
        try:
            package.read(path)
        except package.PackageError:
            continue


def test_a_package_that_unpacks_to_gigabytes_from_a_few_bytes_is_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w", ZIP_BZIP2) as archive:
        archive.writestr("a", b"\0" * 50_000_000)
    assert (tmp_path / "a.zip").stat().st_size < 1000
    with pytest.raises(package.PackageError, match="stored or deflated"):
        package.read(tmp_path / "a.zip")


HEAD = "From: a@b.example\nMIME-Version: 1.0\nContent-Type: "


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}text/plain; charset=nonsense\n\nPlate: ABC1234",
        f"{HEAD}text/plain; charset=idna\n\nPlate: ABC1234",
        f'{HEAD}text/plain; charset="a\0b"\n\nPlate: ABC1234',
        f"From: {'<' * 3000}\nContent-Type: {';(' * 1000}\n\nPlate: ABC1234",
        "".join(f"{HEAD}multipart/mixed; boundary=x{n}\n\n--x{n}\n" for n in range(1500)),
    ],
)
def test_a_mail_that_cannot_be_read_is_refused_and_soon(text: str) -> None:
    began = perf_counter()
    with pytest.raises(RefusedError, match="mail"):
        bolos.read_mail(text)
    assert perf_counter() - began < 1


def test_a_line_of_blanks_in_a_mail_takes_no_time() -> None:
    began = perf_counter()
    assert bolos.read_mail(f"Plate: A{' ' * 500_000}B")["plate"].startswith("A ")
    assert perf_counter() - began < 1


@pytest.mark.parametrize(
    "text", [b"'\\" * 500_000, b"a" * 1_000_000, b"/* " * 300_000, b"/**/" * 250_000, b'"\\' * 500_000]
)
def test_a_long_text_is_read_in_time_by_its_length(text: bytes) -> None:
    """It took minutes, in which no other request was answered."""
    began = perf_counter()
    plan.split(b"INSERT INTO t " + text)
    plan.may_evaluate(text)
    plan._READS.match(text + b" 1")
    assert perf_counter() - began < 1


def test_values_whose_string_does_not_end_are_not_evaluated() -> None:
    assert not plan.may_evaluate(b"(1, 'file(1)")
    assert not plan.may_evaluate(b"(1, 'a\\")
    assert plan.may_evaluate(b"(1, 'it''s', 'a\\'b', now())")


@pytest.mark.parametrize(
    "decoder",
    [compression.FrameDecoder("zstd"), compression.FrameDecoder("gzip"), compression.BlockDecoder()],
    ids=["zstd", "gzip", "block"],
)
def test_a_few_bytes_that_unpack_to_gigabytes_are_given_up_at_the_limit(
    decoder: compression.FrameDecoder | compression.BlockDecoder,
) -> None:
    taken = 0

    class Small(Body):
        def write(self, data: bytes) -> None:
            nonlocal taken
            taken = max(taken, len(data))
            super().write(data)

    plain = b"\0" * 100_000_000
    packed = zstd.compress(plain)
    if isinstance(decoder, compression.BlockDecoder):
        block = compression.HEADER.pack(compression.ZSTD, len(packed) + compression.HEADER.size, 100) + packed
        packed = compression.CHECKSUM.pack(*compression.checksum(block)) + block
    elif decoder._encoding == "gzip":
        gzip = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        packed = gzip.compress(plain) + gzip.flush()
    with Small(5_000_000) as body, pytest.raises(EngineError):
        DecodingWriter(body, [decoder]).write(packed)
    assert taken <= compression.PIECE
