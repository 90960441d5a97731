"""Agencies that answer after a while, for `bench partners`: one process, a port for each, by TLS and signed.

python -m benchmarks.partner_delays < told.json
"""

import asyncio
import json
import random
import ssl
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from platestream.access.signing_keys import OwnKey
from platestream.partners.signing import Request, sign_answer
from platestream.schemas.partner import Read, Reads


def answer(reads: int) -> bytes:
    """A body of so many reads."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {"captured_at": now, "latitude": 34.5, "longitude": -109.4, "confidence": 0.9}
    made = [
        msgspec.convert(
            {"detection_id": f"{number:032x}", "camera_id": "main-n", "plate": "LEAD123", **fields}, Read
        )
        for number in range(reads)
    ]
    return msgspec.json.encode(Reads(reads=tuple(made), found=reads))


async def serve(result: Any, body: bytes) -> None:
    """Until the process ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(result["certificate"], result["key"])
    for port, private in result["agencies"].items():
        key = OwnKey(private, datetime.now(UTC), True)
        connection = partial(_connection, key, f"https://localhost:{port}", result["delay"], body)
        await asyncio.start_server(connection, "127.0.0.1", int(port), ssl=context)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _connection(
    key: OwnKey,
    address: str,
    delay: float,
    body: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        await reader.readexactly(int(headers["content-length"]))
        await asyncio.sleep(random.uniform(0.5, 1.5) * delay)
        request = Request("POST", address + first.split()[1], headers)
        result = sign_answer(key, request, 200, "application/json", body, datetime.now(UTC))
        head = "".join(f"{name}: {value}\r\n" for name, value in result.items())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    said = json.load(sys.stdin)
    asyncio.run(serve(said, answer(said["reads"])))
