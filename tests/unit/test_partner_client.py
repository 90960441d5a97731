"""Asking a partner that is slow, dead, hostile or somewhere else does no harm and holds up nobody."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import msgspec
import pytest

from platestream.partners import addresses
from platestream.partners.addresses import ForbiddenAddress
from platestream.partners.signing import Request, sign_answer
from platestream.partners.transport import Bounds, Client, Partner, PartnerResult
from platestream.schemas.partner import INQUIRIES, InvalidAddress, Reads, base_address, printable
from tests.unit.test_partner_signing import OURS, STRANGERS, THEIRS, keys

BODY = b"{}"
IDENT = UUID(int=7)
HERE = Bounds(deadline=10.0, largest=20_000, here=True)
Serve = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def now() -> datetime:
    return datetime.now(UTC)


def heard(serve: Serve, bounds: Bounds = HERE, address: str = "", **more: Any) -> PartnerResult[Reads]:
    """What is heard of a server that does `serve` with each connection, once the request is there."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")[1:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            await reader.readexactly(int({k.lower(): v for k, v in headers.items()}["content-length"]))
            path = head.split()[1]
            await serve(Request("POST", f"http://127.0.0.1:{port}{path}", headers), writer)
        writer.close()

    port = 0

    async def run() -> PartnerResult[Reads]:
        nonlocal port
        server = await asyncio.start_server(connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(OURS, bounds, now)
        partner = Partner("county", address or f"http://127.0.0.1:{port}", keys(THEIRS))
        try:
            return await client.ask(partner, INQUIRIES, BODY, IDENT, Reads)
        finally:
            await client.close()
            server.close()

    return asyncio.run(run())


def answering(
    body: bytes,
    status: int = 200,
    key: Any = THEIRS,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Serve:
    """A server that signs its answer with `key`."""

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        fields = {**sign_answer(key, request, status, kind, body, now()), **(headers or {})}
        await send(writer, status, fields, body)

    return serve


async def send(
    writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes = b""
) -> None:
    fields = {"Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)
    await writer.drain()


READ = {
    "detection_id": str(UUID(int=1)),
    "captured_at": "2026-05-04T18:00:00Z",
    "camera_id": "north",
    "latitude": 34.5,
    "longitude": -109.4,
    "plate": "ABC123",
    "confidence": 0.9,
}


def reads(**changed: Any) -> bytes:
    return msgspec.json.encode({"reads": [{**READ, **changed}], "found": 1})


def test_a_signed_answer_is_heard() -> None:
    result = heard(answering(reads()))
    assert result.outcome == "answered"
    assert result.answer is not None
    assert [one.plate for one in result.answer.reads] == ["ABC123"]


def test_a_refusal_is_heard_with_its_rule_and_nothing_that_steers_a_terminal() -> None:
    problem = msgspec.json.encode({"detail": "no MOU\x1b[2J\r\n is <b>in force</b>", "plate": "ABC123"})
    result = heard(answering(problem, 403, kind="application/problem+json"))
    assert result == PartnerResult("refused", "no MOU [2J is <b>in force</b>", status=403)


@pytest.mark.parametrize(
    "changed",
    [
        {"plate": "<script>alert(1)</script>"},
        {"plate": "ABC\x1b[31m"},
        {"camera_id": "<img src=x onerror=alert(1)>"},
        {"vehicle_make": "x" * 65},
        {"latitude": 91.0},
        {"confidence": "high"},
        {"captured_at": "yesterday"},
        {"captured_at": "2026-05-04T18:00:00"},
        {"state": "az"},
        {"more": "than is known"},
    ],
    ids=str,
)
def test_reads_that_are_not_as_reads_are_refused_whole(changed: dict[str, Any]) -> None:
    result = heard(answering(reads(**changed)))
    assert (result.outcome, result.answer) == ("bad_answer", None)
    assert result.text.isprintable()


def test_more_reads_than_were_asked_for_are_refused() -> None:
    body = msgspec.json.encode({"reads": [READ] * 201, "found": 201})
    assert heard(answering(body), Bounds(10.0, 200_000, here=True)).outcome == "bad_answer"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b"{" * 5000, b'{"reads":[],"found":1e9'])
def test_signed_garbage_is_refused(body: bytes) -> None:
    assert heard(answering(body)).outcome == "bad_answer"


def test_an_answer_that_somebody_else_signed_or_nobody_is_not_shown() -> None:
    assert heard(answering(reads(), key=STRANGERS)).outcome == "bad_signature"

    async def unsigned(_request: Request, writer: asyncio.StreamWriter) -> None:
        await send(writer, 200, {"Content-Type": "application/json"}, reads())

    async def replayed(request: Request, writer: asyncio.StreamWriter) -> None:
        earlier = Request(request.method, request.url, {**request.headers, "Signature": "platestream=:AAAA:"})
        await send(
            writer, 200, sign_answer(THEIRS, earlier, 200, "application/json", reads(), now()), reads()
        )

    assert heard(unsigned).outcome == "bad_signature"
    assert heard(replayed).outcome == "bad_signature"


def test_who_does_not_know_us_may_say_so_without_a_signature() -> None:
    async def serve(_request: Request, writer: asyncio.StreamWriter) -> None:
        await send(writer, 401, {}, b'{"detail": "<script>"}')

    result = heard(serve)
    assert result.outcome == "not_known"
    assert "script" not in result.text


def test_an_endless_answer_and_one_that_unpacks_to_one_are_given_up() -> None:
    async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"2000\r\n" + b"x" * 8192 + b"\r\n")
            await writer.drain()

    assert heard(endless).outcome == "bad_answer"
    packed = gzip.compress(b" " * 10_000_000)
    assert len(packed) < HERE.largest
    assert heard(answering(packed, headers={"Content-Encoding": "gzip"})).outcome == "bad_answer"


def test_a_slow_drip_a_silent_server_and_a_long_head_end_at_the_deadline() -> None:
    async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def headers(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\n")
        while True:
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    quick = Bounds(0.3, 20_000, here=True)
    for serve in (drip, silent, headers):
        began = time.monotonic()
        assert heard(serve, quick).outcome == "late"
        assert time.monotonic() - began < 10


def test_a_server_that_sends_us_elsewhere_is_not_followed() -> None:
    asked = []

    async def elsewhere(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.url)
        await send(writer, 307, {"Location": request.url.replace("/partner/v1/inquiries", "/more")})

    result = heard(elsewhere)
    assert result.outcome == "unreachable"
    assert "elsewhere" in result.text
    assert len(asked) == 1


def test_nothing_that_listens_and_nothing_that_speaks_http_are_unreachable() -> None:
    async def other(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    assert heard(other).outcome == "unreachable"
    assert heard(other, address="http://127.0.0.1:9").outcome == "unreachable"
    assert heard(other, address="https://no-such-host.invalid").outcome in ("unreachable", "late")


def test_this_machine_is_not_asked_unless_that_is_said_and_never_in_clear() -> None:
    reached = []

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        reached.append(request)

    elsewhere = Bounds(10.0, 20_000)
    assert "https" in heard(serve, elsewhere).text
    for address in ("https://127.0.0.1:8123", "https://localhost:8123", "https://[::1]:8123"):
        result = heard(serve, elsewhere, address)
        assert (result.outcome, result.text) == ("unreachable", "its address is this machine itself")
    assert reached == []


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        *(
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
        ),
        *("0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "240.0.0.1", "255.255.255.255"),
    ],
)
def test_addresses_that_no_partner_has_are_not_asked(text: str) -> None:
    with pytest.raises(ForbiddenAddress):
        addresses.check_address(ip_address(text), here=False)


@pytest.mark.parametrize(
    "text", ["10.0.0.5", "192.168.1.4", "172.16.9.9", "100.64.1.1", "8.8.8.8", "2606::1"]
)
def test_private_networks_and_the_internet_are(text: str) -> None:
    addresses.check_address(ip_address(text), here=False)


def test_a_name_of_which_one_address_is_wrong_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_asked: Any, **_more: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("169.254.169.254", 443))]

    monkeypatch.setattr("socket.getaddrinfo", both)
    with pytest.raises(ForbiddenAddress):
        asyncio.run(addresses.resolve("alpr.county.example", 443, here=False))


@pytest.mark.parametrize(
    ("text", "one_form"),
    [
        ("https://alpr.county.example", "https://alpr.county.example"),
        (" HTTPS://ALPR.County.Example:443/ ", "https://alpr.county.example"),
        ("https://10.0.0.5:8444", "https://10.0.0.5:8444"),
        ("https://[2001:DB8::1]:8444", "https://[2001:db8::1]:8444"),
        ("http://localhost:8444", "http://localhost:8444"),
    ],
)
def test_an_address_has_one_form(text: str, one_form: str) -> None:
    assert base_address(text) == one_form
    assert base_address(one_form) == one_form


@pytest.mark.parametrize(
    "text",
    [
        *("", "alpr.county.example", "ftp://county.example", "http://county.example", "http://10.0.0.5"),
        *("https://county.example/alpr", "https://county.example?x", "https://county.example#x"),
        *("https://me@county.example", "https://me:pw@county.example", "https://", "https://a b.example"),
        *("https://county.example:0x1", "https://county.example:99999", "https://[::1", "file:///etc/passwd"),
        *("https://cöunty.example", "https://-x.example", "https://county.example\r\nHost: other"),
    ],
)
def test_an_address_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        base_address(text)


def test_words_of_others_are_one_line_that_steers_nothing() -> None:
    assert printable("a\x1b[2J\n\tb\x00\u202e c" + "x" * 1000, 20) == "a [2J b c" + "x" * 11
