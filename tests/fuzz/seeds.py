"""Inputs that decoders accept, made by the project's own examples, samples and writers."""

import gzip
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import cv2
import lz4.frame
import msgspec
import numpy as np
from backports import zstd
from PIL import Image

from docs.generators.catalogue import example
from platestream.cameras.pushes.simulate import DEVICES, Passing
from platestream.engine import compression
from platestream.evidence import package
from platestream.operations.up.status import StartedProcess, StartPlan
from platestream.partners import exchange
from platestream.partners.signing import JSON, PROBLEM, Answer, sign_answer
from platestream.runtime.token_file import Token
from platestream.schemas.detection import Alternative
from platestream.schemas.fields import Vehicle
from platestream.schemas.hotlist import Area
from platestream.schemas.inquiry import FIRST, SealedInquiry
from platestream.schemas.partner import INQUIRIES, Asker, Inquiry, PictureOf, Pictures, Read, Reads, Refusal
from platestream.schemas.partner_lists import (
    CURRENT_OFFERS,
    CurrentOffers,
    HitReceipt,
    Offer,
    OfferDecision,
    OfferDecisions,
    RemoteHit,
    offered_fields,
)
from platestream.transparency_log.log_export import Head, Line
from tests.fuzz.decoders import AGENCY, BETWEEN, NOW, SIGNER
from tests.fuzz.decoders_of_doors import CSRF, SESSION, TOKEN, engine_request
from tests.fuzz.decoders_of_partners import LISTED, partner_request
from tests.support.hotlist_samples import SAMPLES
from tests.support.partners import COUNTYS, OURS

ROOT = Path(__file__).parents[2]


def _example(name: str) -> bytes:
    return bytes(example(name).accepted)


def _toml(page: str) -> bytes:
    """The file that a page of the documentation shows."""
    return (ROOT / "docs" / page).read_text().split("```toml\n")[1].split("```")[0].encode()


def _pictures() -> list[bytes]:
    frame = cv2.imread(str(ROOT / "platestream/demo/frames/02-stj-01-plain.jpg"))
    assert frame is not None
    small = cv2.resize(frame, (48, 32))
    made = [cv2.imencode(kind, small)[1].tobytes() for kind in (".jpg", ".png", ".webp")]
    exif = Image.Exif()
    exif[0x0132] = "2026:11:24 15:04:05"
    exif.get_ifd(0x8769).update({0x9003: "2026:11:24 15:04:05", 0x9011: "-07:00", 0x9291: "25"})
    for kind in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        Image.fromarray(np.asarray(small, np.uint8)).save(out, kind, exif=exif, progressive=True, quality=20)
        made.append(out.getvalue())
    return made


PICTURES = _pictures()
TAKEN_AT = [b"date: Tue, 24 Nov 2026 15:04:05 GMT\ncaptured-at: 2026-11-24T15:04:05Z\n\n" + PICTURES[3]]
FRAMES = [
    "\n".join(f"{name}: {value}" for name, value in msgspec.json.decode(_example("frame")).items()).encode()
    + b"\n\npicture"
]
RECORDS = {
    "detections": b"\n\n" + _example("detection"),
    "hotlist": b"ncic:V123456789\n\n" + _example("hotlist_entry"),
    "alert_hits": b"\n\n" + _example("alert_hit"),
    "hit_actions": b"\n\n" + _example("hit_action"),
    "deliveries": b"\n\n" + _example("delivery"),
    "inquiries": b"\n\n" + _example("sealed_inquiry"),
    "registry": b"\n\n" + _example("registry_record"),
    "dead_letters": b"\n\n" + _example("dead_letter"),
}
OWN = (
    b"reference,category,plate,state,marks,expires_at,cameras,areas,hours,look_alikes,valid_from\n"
    b"26-1,stolen_vehicle,a?t-30*,AZ,sticker=moose; rack=yes,2026-12-31,a; b,34.5 -109.4 800,"
    b'"mon tue 22:00-06:00; 12:00-13:00",2,2026-11-24T15:04:05-07:00\n'
)
LISTS = {
    **{layout: f"{line}\n".encode() for layout, line in SAMPLES.items()},
    "csv": OWN,
    "ncic": f"HEADER 20261124\n{SAMPLES['ncic']}\n".encode(),
    "columns": b"abc 123;x;MN;Stolen plate;26-1\n",
}
_BOLO = {
    "reference": "26-1", "plate": "ABC1234", "state": "AZ", "category": "stolen vehicle", "case_number": "26-1",
    "reason": "Seen at a burglary", "requested_by": "Ofc. Vale", "contact": "555-0114",
    "instructions": "Do not stop", "expires_at": "2026-12-31",
}  # fmt: skip
BOLO = msgspec.json.encode(_BOLO)
_SAID = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in _BOLO.items())
MAILS = [
    _SAID.encode(),
    f'From: a@b.example\nSubject: BOLO\nMIME-Version: 1.0\nContent-Type: text/plain; charset="utf-8"\n'
    f"Content-Transfer-Encoding: quoted-printable\n\n{_SAID}".encode(),
    f"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
    f"Content-Type: text/plain\n\n{_SAID}\n--x--\n".encode(),
]
BOLO_FILE = [
    ",".join(_BOLO).encode() + b"\n" + ",".join(_BOLO.values()).encode() + b"\n",
]
WEBHOOK = [
    f"POST /bolo/{AGENCY} HTTP/1.1\r\nHost: a\r\nwebhook-id: 1\r\nwebhook-timestamp: {NOW.timestamp():.0f}\r\n"
    f"webhook-signature: v1,AAAA\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
]
SIGNATURE = [
    f"webhook-id: 1\nwebhook-timestamp: {NOW.timestamp():.0f}\nwebhook-signature: v1,AAAA v1,BBBB\n\n{{}}".encode()
]
_ID = UUID(int=7)
_ASKER = Asker(agency="county", person="jones", trained_on=NOW.date(), case_number="26-0101")
_READ = Read(
    detection_id=_ID, captured_at=NOW, camera_id="elm", latitude=34.5, longitude=-109.4, plate="ABC1234",
    confidence=0.9, state="AZ", frames=3, agreeing=2, vehicle_make="Ford",
)  # fmt: skip
_AREA = Area(latitude=34.5, longitude=-109.4, radius_m=800)
_TOLD = RemoteHit(
    agency="county", offer_id=_ID, read=_READ, alternatives=(Alternative("A8C1234", 0.4),),
    vehicle_other={"sticker": "moose"},
)  # fmt: skip
PARTNER_BODIES = [
    bytes([number]) + msgspec.json.encode(body)
    for number, body in (
        (0, Inquiry(asker=_ASKER, way="search", plate="ABC*", cameras=("a",), since=NOW, until=NOW)),
        (1, PictureOf(asker=_ASKER, detection_id=_ID, captured_at=NOW)),
        (2, Offer(asker=_ASKER, number=1, offer_id=_ID, entry=offered_fields(LISTED))),
        (
            2,
            Offer(
                asker=_ASKER,
                number=2,
                offer_id=_ID,
                entry=msgspec.structs.replace(
                    offered_fields(LISTED),
                    plate="A?C*",
                    areas=(_AREA,),
                    vehicle=Vehicle(make="Ford", other={"a": "b"}),
                ),
            ),
        ),
        (3, CurrentOffers(agency="county", number=1, offers=(_ID, UUID(int=8)))),
        (4, _TOLD),
    )
]
PARTNER_ANSWERS = [
    bytes([number]) + msgspec.json.encode(body)
    for number, body in (
        (0, Reads(reads=(_READ,), found=1)),
        (1, Pictures(vehicle=PICTURES[0][:60])),
        (2, OfferDecision(offer_id=_ID, decision="taken")),
        (3, OfferDecisions(offers=(OfferDecision(offer_id=_ID, decision="dropped"),))),
        (4, HitReceipt()),
        (8, Refusal(detail="no MOU with this agency is in force")),
    )
]


def _lines(headers: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()


_ASKED = partner_request(COUNTYS)
PARTNER_SIGNATURES = [_lines(_ASKED.headers) + b"\n\n{}"]
PARTNER_HEADERS = [
    b"%d\n%b\n\n%b" % (status, _lines(sign_answer(COUNTYS, partner_request(), status, kind, body, NOW)), body)
    for status, kind, body in (
        (200, JSON, PARTNER_ANSWERS[2][1:]),
        (409, PROBLEM, b'{"detail":"this is not newer"}'),
        (302, JSON, b"{}"),
    )
]
PARTNER_REQUESTS = [
    b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%b\r\n\r\n%b"
    % (
        path.encode(),
        len(body),
        _lines(partner_request(COUNTYS, path, body).headers).replace(b"\n", b"\r\n"),
        body,
    )
    for path, body in ((INQUIRIES, PARTNER_BODIES[0][1:]), (CURRENT_OFFERS, PARTNER_BODIES[4][1:]))
] + [b"GET /healthy HTTP/1.1\r\nHost: a\r\n\r\n"]
_UPLOAD = b"Host: a\r\nAuthorization: Basic Y2FtZXJhOnNlY3JldA==\r\n"
_FORM = (
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    + PICTURES[3]
    + b"\r\n--x--\r\n"
)
UPLOADS = [
    b"PUT /a.jpg HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%b" % (_UPLOAD, len(PICTURES[0]), PICTURES[0]),
    b"POST / HTTP/1.1\r\n%sContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n%b"
    % (_UPLOAD, len(_FORM), _FORM),
    b"POST /a?b HTTP/1.1\r\n%sDate: Tue, 24 Nov 2026 15:04:05 GMT\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    % _UPLOAD,
    b"GET /healthy HTTP/1.1\r\nHost: a\r\n\r\n",
]
SIGN_INS = [
    b"Basic Y2FtZXJhOnNlY3JldA==",
    b'Digest username="camera", realm="platestream", nonce="0.000-0", uri="/a", qop=auth, nc=00000001, '
    b'cnonce="a", response="b", algorithm=SHA-256',
]
FTP = [
    b"USER camera\r\nPASS secret\r\nTYPE I\r\nPWD\r\nCWD /a/b\r\nMKD c\r\nPASV\r\nSTOR a.jpg\r\nQUIT\r\n",
    b"USER camera\r\nPASS secret\r\nLIST\r\nMLSD\r\nSIZE a\r\nMDTM a\r\nRNFR a\r\nRNTO b\r\nDELE b\r\nRMD c\r\n"
    b"REST 5\r\nALLO 5\r\nEPSV\r\nSTOU\r\nAPPE a\r\nFEAT\r\nHELP\r\nOPTS UTF8 ON\r\nSITE CHMOD 1 a\r\nABOR\r\n"
    b"STAT a\r\nMFMT 20260101000000 a\r\nAUTH TLS\r\n",
]
STREAM = [
    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nDate: Tue, 24 Nov 2026 15:04:05 GMT\r\n\r\n%b\r\n"
    b"--frame\r\n\r\nabc\r\n--frame\r\n" % (len(PICTURES[3]), PICTURES[3])
]
PUSHES = {
    form: [
        (b"m" if sent.content_type.startswith("multipart/") else b"j") + sent.body
        for picture in (b"", b"\xff\xd8\xff\xd9")
        for sent in [device(Passing("ABC1234", NOW, 0.9, picture))]
    ]
    for form, device in DEVICES.items()
}
RTSP = [
    b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nContent-Length: 5\r\n"
    b'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth", algorithm=SHA-256, opaque="c"\r\n\r\nm=vid'
]
CAMERAS = [
    _toml("how-to/operator/cameras.md")
    .replace(b"secrets/white-mountain", b"secret")
    .replace(b"secrets/yard-gate", b"secret"),
    b'[cameras.a]\nkind = "http"\nlatitude = 34.5\nlongitude = -109.4\ncredentials_file = "secret"\n'
    b'crop = [0.0, 0.0, 0.5, 1.0]\ntime_zone = "America/Phoenix"\n',
]
NOTIFY = [_toml("how-to/administrator/notifications.md")]
PROFILES = [path.read_bytes() for path in sorted((ROOT / "platestream/access/profiles").glob("*.toml"))]
OPENID = [
    b'issuer = "https://id.example.gov"\nclient_id = "a"\nclient_secret_file = "secret"\nname = "Agency"\n'
    b'group_claim = "groups"\ngroup = "alpr"\n'
]
USERS = [
    (ROOT / "clickhouse/server-users.xml").read_bytes(),
    b"<clickhouse><users><smith><password>a</password><networks><ip>10.0.0.0/8</ip></networks><profile>default"
    b"</profile><grants><query>GRANT platestream_analyst</query></grants></smith></users></clickhouse>",
]
TOKENS = [
    msgspec.json.encode(
        {
            "1": Token(
                "1",
                "vale",
                "CAD",
                ("hits",),
                NOW,
                "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
            )
        }
    )
]
PLAN = [
    msgspec.json.encode(
        StartPlan((StartedProcess("engine", "holds the tables", "127.0.0.1:9100"),), "cameras.toml", 1, 2)
    )
]
BROKEN_TOPIC = [bytes(range(50))]


def _export() -> bytes:
    sealed = SealedInquiry.from_json(_example("sealed_inquiry"))
    line = Line(1, FIRST, sealed.hash, msgspec.Raw(sealed.inquiry.to_json()))
    return b"".join(msgspec.json.encode(one) + b"\n" for one in (line, Head(1, sealed.hash, 1)))


EXPORTS = [_export()]


def _package() -> bytes:
    result = package.Manifest(
        hold_id="1", case_number="26-0101", agency="a", exported_at=datetime(2026, 11, 24, tzinfo=ZoneInfo("UTC")),
        exported_by="a", receiver="b", signed_by=package.key_fingerprint(SIGNER), files=[],
    )  # fmt: skip
    out = io.BytesIO()
    package.pack(package.seal({"detections.json": b"[]", "pictures/a.jpg": b"picture"}, result, SIGNER), out)
    return out.getvalue()


PACKAGES = [_package()]
EVIDENCE_RECORDS = [b"[]" + BETWEEN + b"[" + _example("sealed_inquiry") + b"]"]


def _exchanged() -> bytes:
    body, result = PARTNER_BODIES[0][1:], PARTNER_ANSWERS[0][1:]
    request = partner_request(OURS, INQUIRIES, body)
    answer = Answer(200, request, sign_answer(COUNTYS, request, 200, JSON, result, NOW))
    one = exchange.record_exchange("county", OURS, body, COUNTYS.key.public_key(), answer, result, NOW)
    return msgspec.json.encode(one) + BETWEEN + msgspec.json.encode([_READ])


EVIDENCE_ORIGINS = [_exchanged()]
_PEM = package._pem(SIGNER.public_key())
MANIFESTS = [
    b'{"hold_id":"1","case_number":"26-1","agency":"a","exported_at":"2026-11-24T00:00:00Z","exported_by":"a",'
    b'"receiver":"b","signed_by":"c","files":[{"path":"a","bytes":1,"sha256":"b"}]}' + BETWEEN + _PEM
]
_ROWS = b"1\ta\t2026-11-24 00:00:00\n"
BODIES = [
    b"\x00" + gzip.compress(_ROWS),
    b"\x03" + zstd.compress(_ROWS),
    b"\x04" + lz4.frame.compress(_ROWS),
    b"\x05" + compression.encode_block(_ROWS),
]
HEADS = [
    b"(n, s) VALUES (1, 'a''b\\'c'), (now(), [1, 2])",
    b"/* a */ -- b\n SELECT 1",
    b'`a` ("n") FORMAT CSV\r\n1,2',
    b"SETTINGS a = 1 FORMAT RowBinary ",
]
_INSERT = "?query=INSERT%20INTO%20platestream.t%20FORMAT%20"
ENGINE = [
    engine_request("SELECT n, s FROM platestream.t WHERE n = {a:UInt32}", "?param_a=1&default_format=JSON"),
    engine_request("INSERT INTO platestream.t (n, s) VALUES (1, 'a'), (1 + 1, concat('a', 'b'))"),
    engine_request(b"\x01\x00\x00\x00\x01a\x00\x00\x00\x00", f"{_INSERT}RowBinary"),
    engine_request(
        b"\x01\x01\x01n\x06UInt32\x01\x00\x00\x00", f"{_INSERT}Native&session_id=a&session_timeout=60"
    ),
    engine_request(b'{"n": 1}', f"{_INSERT}JSONEachRow&max_threads=1&query_id=a"),
    engine_request(
        gzip.compress(b"SELECT 1"), "?compress=1&wait_end_of_query=1", "POST", "Content-Encoding: gzip"
    ),
    engine_request(
        compression.encode_block(b"SELECT 1 FORMAT Native"), "?decompress=1&enable_http_compression=1"
    ),
    engine_request("", "?query=SELECT%20currentUser()&role=platestream_owner&database=system", "GET"),
    engine_request(
        '--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--x--\r\n',
        "",
        "POST",
        "Content-Type: multipart/form-data; boundary=x",
    ),
    engine_request("KILL QUERY WHERE query_id = 'a'"),
    engine_request("SET max_threads = 1", "?session_id=a"),
    b"POST /?user=smith&password=wrong HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nSELECT 1",
    b"GET /ping HTTP/1.1\r\nHost: a\r\nX-ClickHouse-User: smith\r\nX-ClickHouse-Key: smith-p\xc3\xa4ss\r\n\r\n",
]


def _page(path: str, form: str = "", *more: str) -> bytes:
    body = b"csrf=" + CSRF + b"&" + form.encode() if form else b""
    method = "POST" if form else "GET"
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Cookie: __Host-platestream={SESSION.decode()}",
        *more,
    ]
    if form:  # the proof is longer than what stands for it, and a length must be right
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body) - 6 + 32}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _api(path: str, **body: object) -> bytes:
    result = msgspec.json.encode(body)
    head = (
        f"{'POST' if body else 'GET'} /api{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN.decode()}"
        f"\r\nContent-Type: application/json\r\nContent-Length: {len(result) if body else 0}\r\n\r\n"
    )
    return head.encode() + (result if body else b"")


_HIT = "00000000-0000-0000-0000-000000000001"
_WHY = "case_number=26-0101&reason=stolen+vehicle"
CONSOLE = [
    *(
        _page(path)
        for path in ("/", "/hits", "/search?plate=ABC", "/hotlist", "/audit", "/administration/people/vale")
    ),
    _page("/hits", f"{_WHY}&plate=ABC*&camera=a&since=2026-11-24T10:00&until=2026-11-25T10:00"),
    _page("/search", f"way=search&{_WHY}&plate=ABC*&since=2026-11-24T10:00&colour=white&state=AZ"),
    _page(f"/hits/{_HIT}"),
    _page(f"/hits/{_HIT}/steps", "kind=plate_and_state_confirmed&case_number=26-0101&note=a"),
    _page(f"/pictures/a/{_HIT}/1764000000000/crop?ends=1764000000&sign=a"),
    _page(
        "/hotlist/new",
        "reference=1&category=stolen_vehicle&plate=ABC1&expires_at=2026-12-31&case_number=26-0101",
    ),
    _page("/evidence", "case_number=26-0101&authority=a&schedule=felony&detections=a&release_at=2036-01-01"),
    _page("/audit/draws", "year=2026&seed=07&count=10"),
    _page("/administration/people", "id=smith&name=Smith&agency=sjpd&role=analyst&trained_at=2026-11-01"),
    _page("/hotlist/bolo", "agency=sjpd&text=Plate%3A+ABC+1234"),
    _page("/shift/begin", "hours=8"),
    *(
        # Argon2 takes 64 MiB, once more for the first person without a password.
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nContent-Type: "
        b"application/x-www-form-urlencoded\r\nContent-Length: 23\r\n\r\nwho=%s&password=b&c=d" % who
        for who in (b"vale", b"none")
    ),
]
API = [
    _api("/openapi.json"),
    _api(
        "/hits/look",
        case_number="26-0101",
        reason="stolen vehicle",
        plate="ABC*",
        since="2026-11-24T10:00:00Z",
    ),
    _api(f"/hits/{_HIT}"),
    _api(f"/hits/{_HIT}/steps", step="plate_and_state_confirmed", case_number="26-0101"),
    _api(
        "/inquiries/search",
        case_number="26-0101",
        reason="stolen vehicle",
        plate="ABC*",
        cameras=["a"],
        most=5,
    ),
    _api("/inquiries/companions", case_number="26-0101", plate="ABC1234", within_s=60),
    _api("/hotlist/look", source="ncic", expires_within_days=5),
    _api("/log/export", case_number="26-0101", reason="audit"),
]
