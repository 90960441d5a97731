"""The product's decoders as functions of bytes: files are written, servers are opened."""

import base64
import io
import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clickhouse import migrate
from connectors.cameras import check, ftp_server, http_server, web
from connectors.cameras.sign_in import SignIn
from connectors.cameras.times import told_at
from connectors.engine import accounts, compression, configuration, insert_head, plan
from connectors.engine.body import Body, Decoded, Decoder
from connectors.engine.guesses import Guesses
from connectors.engine.runner import Runner
from connectors.engine.server import Limits, Server
from connectors.engine.statement_log import StatementLog
from connectors.engine.users import Users
from connectors.files import FileTopics
from connectors.notify import signed
from connectors.notify.senders import read_secret
from connectors.partners import client as partner_client
from connectors.partners import exchange
from connectors.partners.keys import OwnKey
from connectors.partners.signing import (
    JSON,
    PROBLEM,
    Answer,
    sign_answer,
    sign_request,
    verify_request,
)
from connectors.partners.signing import Request as SignedRequest
from connectors.profiles import load
from connectors.settings import Settings
from connectors.tokens import Tokens
from connectors.topic_file import TopicFile
from operators.decode import Bounds, admit, decode_image
from operators.notify.rules import parse_rules
from platestream import bolo_server
from platestream.console.app import app
from platestream.console.attempts import FREE_OF_ADDRESS, Attempts
from platestream.partner_server import application as partner_application
from schemas.exchange import SignedExchange
from schemas.hotlist import BOLO_SOURCE, HotListEntry
from schemas.message import Message, RefusedError
from schemas.partner import INQUIRIES, PICTURES, Pictures, Reads
from schemas.partner_lists import (
    HITS,
    OFFERS,
    STANDING,
    Decided,
    Decisions,
    HitElsewhere,
    Noted,
    Offer,
    Standing,
)
from schemas.registry import RegistryRecord
from schemas.topics import FRAMES, REGISTRY, Topic
from services import openid, tokens
from services.cameras import config
from services.evidence import origin, package
from services.hotlist import bolos
from services.hotlist.entry import make_entry
from services.hotlist.files.lines import Parser, TextLines
from services.inquiries import export
from services.partners import hits_elsewhere, receiving, register, taking
from services.partners.answering import Desk
from services.up import status
from tests.fuzz.doors import Door, Lines
from tests.fuzz.watch import Decode
from tests.support.console import Pages
from tests.support.database import Database, close_all
from tests.support.engine import users_file
from tests.support.hits import put_hit
from tests.support.partners import ADDRESS, COUNTYS, OURS, agency

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
ZONE = ZoneInfo("America/Phoenix")
SMALL = Bounds(bytes=100_000, pixels=1_000_000)
"""So that a picture within bounds needs less memory than what counts as growth."""
KEY = b"k" * 32
SIGNER = Ed25519PrivateKey.from_private_bytes(KEY)
BETWEEN = b"\n--\n"
AGENCY = "apache-county-so"


def plain(decode: Decode) -> Callable[[Path], Decode]:
    """A decoder that needs no folder."""

    def opened(_folder: Path) -> Decode:
        return decode

    return opened


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[Path], Decode]:
    """A decoder of a file of this name, for its owner alone."""

    def opened(folder: Path) -> Decode:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        (folder / "secret").write_text("camera:secret")
        (folder / "secret").chmod(0o600)

        def decode(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        return decode

    return opened


def picture(data: bytes) -> None:
    decode_image(data, SMALL)


def taken_at(data: bytes) -> None:
    """Headers, an empty line, a picture."""
    head, _blank, image = data.partition(b"\n\n")
    told_at(image, headers(head), ZONE)


def headers(head: bytes) -> dict[str, str]:
    """As a broker hands them over: bytes of any kind."""
    told = (line.partition(b":") for line in head.split(b"\n"))
    return {
        name.decode("latin-1").strip(): value.strip().decode(errors="replace") for name, _colon, value in told
    }


def frame(data: bytes) -> None:
    """Headers, an empty line, a picture."""
    head, _blank, image = data.partition(b"\n\n")
    read = FRAMES.decode(Message(b"camera", image, headers(head)))
    admit(read, NOW, Bounds())
    FRAMES.encode(read)


def record(topic: Topic[Any]) -> Decode:
    """Key and value of a message, an empty line between them. What is decoded is encoded again."""

    def decode(data: bytes) -> None:
        key, _blank, value = data.partition(b"\n\n")
        topic.encode(topic.decode(Message(key, value)))

    return decode


def hot_list(parser: Parser) -> Decode:
    """A file of a layout, and an entry of each of its lines."""

    def decode(data: bytes) -> None:
        for _number, told in parser(TextLines(io.BytesIO(data))):
            if not isinstance(told, RefusedError):
                _entered("ncic", told)

    return decode


def _entered(source: str, told: Any) -> None:
    try:
        make_entry(source, told, ZONE)
    except RefusedError:
        return


def bolo_file(layout: str) -> Decode:
    def decode(data: bytes) -> None:
        for _number, told in bolos.read_file(io.BytesIO(data), layout):
            if not isinstance(told, RefusedError):
                _take(AGENCY, told)

    return decode


def _receive(agency: str, _ident: str, body: bytes) -> bolos.Taken:
    """`bolos.receive` without a database."""
    return _take(agency, bolos.fields_of(body))


def _take(agency: str, told: Any) -> bolos.Taken:
    """The entry that would be made."""
    if not bolos.lacking(told):
        _entered(BOLO_SOURCE, dict(bolos._fields(told, agency, "the sheriff")))
    return bolos.Taken("bolo:1", "added")


def bolo_door() -> Door:
    return Door(bolo_server.application({AGENCY: KEY}, _receive, lambda _agency, _why: None, lambda: NOW))


def bolo_webhook(_folder: Path) -> Decode:
    return bolo_door()


def bolo_body(_folder: Path) -> Decode:
    """The same, where the body is signed as the agency does it."""
    door, numbers = bolo_door(), count()

    def decode(data: bytes) -> None:
        told = signed.headers(KEY, str(next(numbers)), NOW, data)
        lines = [f"{name}: {value}" for name, value in told.items()]
        start = f"POST /bolo/{AGENCY} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(data)}\r\n"
        door((start + "\r\n".join(lines) + "\r\n\r\n").encode() + data)

    return decode


def webhook_signature(data: bytes) -> None:
    """Headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    told = {
        name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers(head).items()
    }
    signed.verify(KEY, told, body, NOW)


# Partners: their clock is told, and what an agency has is told to it, so that no database is asked.

REQUEST_ID = UUID(int=1)
PATHS = (INQUIRIES, PICTURES, OFFERS, STANDING, HITS)
ANSWERS: tuple[type[Reads | Pictures | Decided | Decisions | Noted], ...] = (
    *(Reads, Pictures, Decided, Decisions, Noted),
)
COUNTY = agency("county", COUNTYS)
PARTNER = partner_client.Partner("county", ADDRESS, {COUNTYS.fingerprint: COUNTYS.key.public_key()})
LISTED = HotListEntry(
    entry_id="sjpd:26-1", source="sjpd", category="stolen_vehicle", plate="ABC1234", case_number="26-1",
    reason="Stolen", requested_by="Ofc. Vale", contact="555-0114", instructions="P/C for arrest",
    expires_at=NOW + timedelta(days=9), listed_at=NOW - timedelta(days=1),
)  # fmt: skip


class PartnerLists(receiving.ListDesk):
    """What is read of a body, and what an entry or a hit would be made of it: without gate and database."""

    def _offer(
        self, _door: Any, told_by: RegistryRecord, _ident: UUID, offer: Offer, _now: datetime
    ) -> Decided:
        taking.as_listed(told_by, offer)
        return Decided(offer_id=offer.offer_id, decision="waiting")

    def _standing(self, _door: Any, told_by: str, told: Standing, _now: datetime) -> Decisions:
        receiving._check_name(told_by, told.agency)
        return Decisions(offers=tuple(Decided(offer_id=one, decision="taken") for one in told.offers))

    def _hit(self, _door: Any, told_by: str, told: HitElsewhere, now: datetime) -> Noted:
        receiving._check_name(told_by, told.agency)
        hits_elsewhere.met(told, told_by, LISTED, now)
        return Noted()


class PartnerDesk(Desk):
    """Of an agency that knows the county; what its tables would find is nothing."""

    def __init__(self, folder: Path) -> None:
        streams = FileTopics(folder, follow=False)
        streams.append(REGISTRY, [REGISTRY.encode(COUNTY)])
        settings = Settings(data=folder)
        with register.kept(settings)._file.writing() as kept:
            kept[OURS.fingerprint] = OURS
        super().__init__(settings, 1_000_000_000, lambda: NOW)
        self._lists = PartnerLists(settings, "partners", self._clients)

    def know(self, request: SignedRequest, body: bytes) -> Any:
        self._seen.clear()  # else the same request counts once
        self._asked.clear()
        return super().know(request, body)

    def _look(self, *_told: Any) -> list[Any]:
        return []


def partner_http(folder: Path) -> Decode:
    """The server for partners: a raw request."""
    return Door(partner_application(PartnerDesk(folder), ADDRESS), "https")


def partner_body(folder: Path) -> Decode:
    """The same, where the body is signed as the county does it; its first byte says of which path."""
    door = partner_http(folder)

    def decode(data: bytes) -> None:
        path, body = PATHS[data[0] % len(PATHS) if data else 0], data[1:]
        told = sign_request(COUNTYS, ADDRESS + path, body, REQUEST_ID, NOW).headers
        lines = [f"POST {path} HTTP/1.1", "host: a", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in told.items()]
        door("\r\n".join([*lines, "", ""]).encode() + body)

    return decode


def _http_headers(head: bytes) -> httpx.Headers:
    """As they come by HTTP: also the same name again."""
    told = (line.partition(b":") for line in head.split(b"\n"))
    return httpx.Headers([(name.strip(), value.strip()) for name, _colon, value in told])


def partner_signature(data: bytes) -> None:
    """Headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    request = SignedRequest("POST", ADDRESS + OFFERS, _http_headers(head))
    verify_request(request, body, PARTNER.keys, NOW)


def partner_request(key: OwnKey = OURS, path: str = OFFERS, body: bytes = b"{}") -> SignedRequest:
    return sign_request(key, ADDRESS + path, body, REQUEST_ID, NOW)


def _heard(told: Answer, body: bytes, kind: type[Any]) -> None:
    def kept(_by: str) -> SignedExchange:
        return exchange.kept("county", OURS, b"{}", COUNTYS.key.public_key(), told, body, NOW)

    partner_client._judged(PARTNER, told, body, NOW, kind, kept)


def partner_answer(data: bytes) -> None:
    """What a partner answers: its status, headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    status, _line, lines = head.partition(b"\n")
    code = int(status) if status.isdigit() and len(status) == 3 else 200
    _heard(Answer(code, partner_request(), _http_headers(lines)), body, Decided)


def partner_answer_body(data: bytes) -> None:
    """A body that is signed, of which the first byte says what was asked, and whether it is a refusal."""
    first, body = data[0] if data else 0, data[1:]
    status, kind = (403, PROBLEM) if first & 8 else (200, JSON)
    request = partner_request()
    told = Answer(status, request, sign_answer(COUNTYS, request, status, kind, body, NOW))
    _heard(told, body, ANSWERS[(first & 7) % len(ANSWERS)])


def _taken(_camera: str, capture: Any) -> None:
    decode_image(capture.image, SMALL)


def camera_http(_folder: Path) -> Decode:
    sign_in = SignIn({"camera": "secret"}, basic=True, now=lambda: 0.0)
    return Door(
        http_server.application({"camera": "north"}, sign_in, _taken, dict, {"north": ZONE}, SMALL.bytes)
    )


def camera_sign_in(data: bytes) -> None:
    """The header of a request, as Starlette reads it."""
    door = SignIn({"camera": "secret"}, basic=True, now=lambda: 0.0)
    header = data.decode("latin-1")
    door.account(header, "POST", "/a")
    door.stale(header)


def camera_ftp(_folder: Path) -> Decode:
    accounts_ = ({"camera": "north"}, {"camera": "secret"})
    return Lines(ftp_server.server(("127.0.0.1", 0), *accounts_, _taken, {}, SMALL.bytes))


def camera_stream(data: bytes) -> None:
    """A stream of MJPEG in pieces."""
    pieces = (data[at : at + 97] for at in range(0, len(data), 97))
    for told, body in web.parts(pieces, b"--frame", 3_000):
        told_at(body, told, ZONE)


def camera_rtsp(data: bytes) -> None:
    """What a camera answers to DESCRIBE, and the sign-in that follows from it."""
    ours, camera = socket.socketpair()
    with ours, camera:
        camera.sendall(data)
        camera.close()
        _status, told, _body = check._answer(ours)
    check._signed("rtsp://camera/", "user:password", told)


def cameras_toml(path: Path) -> None:
    config.load(path)


def notify_rules(path: Path) -> None:
    parse_rules(read_secret(str(path)))


def openid_file(path: Path) -> None:
    openid.provider(Settings(clickhouse="chdb:///a/platestream", data=path.parent, oidc_file=path))


def profile_file(path: Path) -> None:
    load(str(path))


def users_xml(path: Path) -> None:
    known = accounts.Known(frozenset({"platestream_analyst"}), frozenset({"default", "platestream_person"}))
    accounts.read([path], known, {})


def tokens_file(path: Path) -> None:
    Tokens(path).find("platestream_1_secret", NOW)


def up_plan(path: Path) -> None:
    status._plan(path.parent)


def topic_file(folder: Path) -> Decode:
    """A topic on disk, broken: each five bytes say what to put where, a place and a byte."""
    file = TopicFile(folder / "whole", "frames")
    file.append([Message(b"camera", b"picture", {"captured-at": "2026"}, NOW)], 4, NOW)
    file.passed("recognize", 0, 1, forget=False)
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
    list(export.verify(data.splitlines(keepends=True), NOW))


def evidence_package(path: Path) -> None:
    package.verify(package.read(path))


def evidence_records(data: bytes) -> None:
    """A package that is signed, whose records are anything: whoever signs has a key of their own."""
    custody, _line, inquiries = data.partition(BETWEEN)
    told = package.Manifest(
        hold_id="1", case_number="26-1", agency="a", exported_at=NOW, exported_by="a", receiver="b",
        signed_by=package.key_fingerprint(SIGNER), files=[],
    )  # fmt: skip
    files = {package.CUSTODY: custody, package.INQUIRIES: inquiries}
    package.verify(package.seal(files, told, SIGNER))


def evidence_origin(data: bytes) -> None:
    """An exchange with the agency of origin and rows, in a package that is signed."""
    answer, _line, rows = data.partition(BETWEEN)
    told = package.Manifest(
        hold_id="1", case_number="26-1", agency="a", exported_at=NOW, exported_by="a", receiver="b",
        signed_by=package.key_fingerprint(SIGNER), origin="county", files=[],
    )  # fmt: skip
    files = {f"{origin.ANSWERS}001.json": answer, origin.DETECTIONS: rows}
    package.verify(package.seal(files, told, SIGNER), partners=[COUNTYS.fingerprint])


def evidence_manifest(data: bytes) -> None:
    """Manifest and key, the manifest signed by the right key."""
    told, _line, pem = data.partition(BETWEEN)
    package.verify({package.MANIFEST: told, package.SIGNATURE: SIGNER.sign(told), package.KEY: pem})


def engine_body(data: bytes) -> None:
    """A compressed body: the first byte says how."""
    names = [*compression._FRAMES, ""]
    name = names[data[0] % len(names)] if data else ""
    decoder: Decoder = compression.Frames(name) if name else compression.Blocks()
    with Body(1_000_000) as body:
        decoded = Decoded(body, [decoder])
        for at in range(1, len(data), 1000):
            decoded.write(data[at : at + 1000])
        decoded.finish()


def engine_insert(data: bytes) -> None:
    """Where the data of an INSERT begin; and what they call."""
    insert_head.split(b"INSERT INTO t " + data)
    insert_head.may_evaluate(data)
    plan._READS.match(data)


def engine_insert_long(data: bytes) -> None:
    """The same of a text that repeats itself: what takes the square of the length shows."""
    if data:
        engine_insert(data * (40_000 // len(data)))


class EngineDoor(Door):
    """The engine's own door. Nobody waits after wrong passwords, so that every input is read."""

    def __init__(self, folder: Path) -> None:
        close_all()  # one process holds one folder
        config_ = configuration.write(folder / "engine")
        roles = (folder / "engine" / "roles.xml").read_text()
        profiles = configuration.profiles(roles)
        known = accounts.Known(configuration.known_roles(roles), frozenset(profiles))
        self._runner = Runner(folder / "clickhouse", config_, profiles)
        users = Users([users_file(folder)], known)
        self._log = StatementLog(self._runner, "fuzz")
        self._server = Server(self._runner, self._log, users, Limits(4, 4, 1_000_000, 0.7, 0.5), "here")
        super().__init__(self._server.application())
        for sql in ("CREATE DATABASE platestream", TABLE):
            self(engine_request(sql))

    def __call__(self, data: bytes) -> int:
        self._server._guesses = Guesses()
        return super().__call__(data)

    def failed(self, _status: int, said: bytes) -> bool:
        return b"an error in this engine" in said  # a ClickHouse server answers 500 to much that is foreseen

    def close(self) -> None:
        super().close()
        self._log.close()
        self._runner.close()


TABLE = "CREATE TABLE platestream.t (n UInt32, s String, d DateTime) ENGINE = Memory"


def engine_request(sql: str | bytes, query: str = "", method: str = "POST", *more: str) -> bytes:
    """A request of the owner."""
    body = sql.encode() if isinstance(sql, str) else sql
    password = base64.b64encode("owner:owner-päss".encode()).decode()
    lines = [f"{method} /{query} HTTP/1.1", "Host: a", f"Authorization: Basic {password}", *more]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


SESSION, CSRF, TOKEN = b"{session}", b"{csrf}", b"{token}"
"""In an input these stand for the cookie and the proof of a session, and the token of a program."""


class ConsoleDoor(Door):
    """The console and its API, asked by somebody with all roles, who is signed in anew for each input."""

    def __init__(self, folder: Path) -> None:
        close_all()
        self._database = Database(folder / "platestream")
        migrate.apply(self._database.client())
        self._pages = Pages(self._database, folder / "data")
        self._pages.staff()
        put_hit(self._database, 1)
        ends_at = self._pages.clock() + timedelta(days=1)
        kept = tokens.kept(self._pages.settings)
        self._token = kept.make("vale", "CAD", tokens.PARTS, ends_at)[1].encode()
        super().__init__(app(self._pages.console), "https")

    def __call__(self, data: bytes) -> int:
        console = self._pages.console
        console.attempts, console.addresses = Attempts(), Attempts(FREE_OF_ADDRESS)
        token, session = console.sessions.begin("vale", console.clock())
        for name, value in ((SESSION, token), (CSRF, session.csrf)):
            data = data.replace(name, value.encode())
        try:
            return super().__call__(data.replace(TOKEN, self._token))
        finally:
            console.sessions.end_all("vale")

    def close(self) -> None:
        super().close()
        self._pages.console.close()
        self._database.close()
