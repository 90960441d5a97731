"""Decoders of files, exports and evidence packages, as functions of bytes: files are written."""

import struct
from pathlib import Path

from platestream.access import openid
from platestream.access.profiles import load
from platestream.cameras import config
from platestream.edges.topic_file import TopicFile
from platestream.engine import accounts
from platestream.evidence import origin, package
from platestream.notifications.senders import read_secret
from platestream.operations.up import status
from platestream.operators.notify.rules import parse_rules
from platestream.runtime.token_file import Tokens
from platestream.schemas.message import Message
from platestream.settings import Settings
from platestream.transparency_log import log_export
from tests.fuzz.decoders import BETWEEN, NOW, SIGNER
from tests.fuzz.watch import Decode
from tests.support.partners import COUNTYS


def cameras_toml(path: Path) -> None:
    config.load(path)


def notify_rules(path: Path) -> None:
    parse_rules(read_secret(str(path)))


def openid_file(path: Path) -> None:
    openid.provider(Settings(clickhouse="chdb:///a/platestream", data=path.parent, oidc_file=path))


def profile_file(path: Path) -> None:
    load(str(path))


def users_xml(path: Path) -> None:
    known = accounts.KnownNames(
        frozenset({"platestream_analyst"}), frozenset({"default", "platestream_person"})
    )
    accounts.read([path], known, {})


def tokens_file(path: Path) -> None:
    Tokens(path).find("platestream_1_secret", NOW)


def up_plan(path: Path) -> None:
    status._plan(path.parent)


def topic_file(folder: Path) -> Decode:
    """A topic on disk, broken: each five bytes say what to put where, a place and a byte."""
    file = TopicFile(folder / "whole", "frames")
    file.append([Message(b"camera", b"picture", {"captured-at": "2026"}, NOW)], 4, NOW)
    file.mark_read("recognize", 0, 1, forget=False)
    file.close()
    whole = (folder / "whole").read_bytes()
    places = [at for at, byte in enumerate(whole) if byte]  # most of a page is empty

    def decode(data: bytes) -> None:
        made = bytearray(whole)
        for at in range(0, len(data) - 4, 5):
            place, byte = struct.unpack_from("<IB", data, at)
            made[places[place % len(places)]] = byte
        path = folder / "broken"
        for name in ("broken-wal", "broken-shm", "broken-journal"):
            (folder / name).unlink(missing_ok=True)
        path.write_bytes(made)
        broken = TopicFile(path, "frames")
        try:
            for read in (
                lambda: list(broken.read_to_end()),
                lambda: [broken.message(row) for row in broken.rows(0, 0, 10)],
                lambda: (broken.end(0), broken.oldest(), broken.unread()),
            ):
                read()
        finally:
            broken.close()

    return decode


def inquiry_log(data: bytes) -> None:
    """An export, each line of it from its own end on."""
    list(log_export.verify(data.splitlines(keepends=True), NOW))


def evidence_package(path: Path) -> None:
    package.verify(package.read(path))


def evidence_records(data: bytes) -> None:
    """A package that is signed, whose records are anything: whoever signs has a key of their own."""
    custody, _line, inquiries = data.partition(BETWEEN)
    result = package.Manifest(
        hold_id="1", case_number="26-1", agency="a", exported_at=NOW, exported_by="a", receiver="b",
        signed_by=package.key_fingerprint(SIGNER), files=[],
    )  # fmt: skip
    files = {package.CUSTODY: custody, package.INQUIRIES: inquiries}
    package.verify(package.seal(files, result, SIGNER))


def evidence_origin(data: bytes) -> None:
    """An exchange with the agency of origin and rows, in a package that is signed."""
    answer, _line, rows = data.partition(BETWEEN)
    result = package.Manifest(
        hold_id="1", case_number="26-1", agency="a", exported_at=NOW, exported_by="a", receiver="b",
        signed_by=package.key_fingerprint(SIGNER), origin="county", files=[],
    )  # fmt: skip
    files = {f"{origin.ANSWERS}001.json": answer, origin.DETECTIONS: rows}
    package.verify(package.seal(files, result, SIGNER), partners=[COUNTYS.fingerprint])


def evidence_manifest(data: bytes) -> None:
    """Manifest and key, the manifest signed by the right key."""
    result, _line, pem = data.partition(BETWEEN)
    package.verify({package.MANIFEST: result, package.SIGNATURE: SIGNER.sign(result), package.KEY: pem})
