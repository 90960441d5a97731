"""Agencies that answer after a while, for `bench partners`: one process, a port for each, by TLS and signed.
Some lie, each in a way of LIES.

python -m benchmarks.partner_delays < agencies.json
"""

import asyncio
import base64
import json
import random
import ssl
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec

from platestream.access.signing_keys import OwnKey
from platestream.partners.signing import Request, sign_answer
from platestream.schemas.partner import MOST_READS, Read, Reads

HUGE = 5_000_000
LIES = {
    "forged": "signs with another key in the name of its own",
    "stranger": "signs with a key that nobody knows",
    "replayed": "signs its first answer only, and sends it to each later inquiry",
    "unsigned": "signs nothing",
    "plates": "sends reads of a plate that was not asked for",
    "times": "sends reads of before the time asked for",
    "count": "counts fewer reads than it sends",
    "many": "sends more reads than are taken",
    "malformed": "signs what is no JSON",
    "huge": f"sends {HUGE:,} bytes",
    "endless": "sends a byte a second, without end",
    "name": "has a certificate of another name",
}
Answered = tuple[dict[str, str], bytes]


class Agency:
    """An agency at `address`, which answers with a signature by `key` after a time around `delay`."""

    def __init__(self, address: str, private: str, delay: float, lie: str, reads: int) -> None:
        self._address, self._delay, self._lie = address, delay, lie
        own = OwnKey(private, datetime.now(UTC), True)
        other = OwnKey(base64.b64encode(bytes([251] * 32)).decode(), datetime.now(UTC), True)
        forged: Any = SimpleNamespace(fingerprint=own.fingerprint, key=other.key)
        self._key: OwnKey = {"forged": forged, "stranger": other}.get(lie, own)
        self._body = _body(lie, reads)
        self._first: Answered | None = None

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(OSError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            await reader.readexactly(int(headers["content-length"]))
            await asyncio.sleep(random.uniform(0.5, 1.5) * self._delay)
            result, body = self._answer(Request("POST", self._address + first.split()[1], headers))
            size = HUGE if self._lie == "endless" else len(body)
            head = "".join(f"{name}: {value}\r\n" for name, value in result.items())
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n{head}\r\n".encode())
            while self._lie == "endless":
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
            writer.write(body)
            await writer.drain()
        writer.close()

    def _answer(self, request: Request) -> Answered:
        if self._lie == "replayed" and self._first is not None:
            return self._first
        signed = sign_answer(self._key, request, 200, "application/json", self._body, datetime.now(UTC))
        self._first = (
            {"Content-Type": "application/json"} if self._lie == "unsigned" else signed,
            self._body,
        )
        return self._first


def _body(lie: str, reads: int) -> bytes:
    """Return an answer of so many reads, or of more."""
    if lie == "malformed":
        return b'{"reads": ['
    if lie == "huge":
        return b" " * HUGE
    at = datetime.now(UTC) - timedelta(days=8 if lie == "times" else 0)
    plate = "OTHER99" if lie == "plates" else "LEAD123"
    count = MOST_READS + 1 if lie == "many" else reads
    fields = {"captured_at": at, "latitude": 34.5, "longitude": -109.4, "confidence": 0.9, "plate": plate}
    made = [
        msgspec.convert({"detection_id": f"{number:032x}", "camera_id": "main-n", **fields}, Read)
        for number in range(count)
    ]
    return msgspec.json.encode(Reads(reads=tuple(made), found=1 if lie == "count" else count))


async def serve(given: Any) -> None:
    """Until the process ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(given["certificate"], given["key"])
    for port, fields in given["agencies"].items():
        one = Agency(f"https://localhost:{port}", reads=given["reads"], **fields)
        await asyncio.start_server(one.connection, "127.0.0.1", int(port), ssl=context)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.load(sys.stdin)))
