"""Cameras that are read by HTTP: MJPEG streams, and addresses that return one picture for each request."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, tzinfo
from email.parser import BytesHeaderParser
from typing import Any

import httpx
from python_multipart.multipart import parse_options_header

from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.capture_times import camera_time
from platestream.runtime.clock import Clock, utc_now

HEADERS = 16_384
"""Size limit of the headers of one part of a stream, bytes."""
MOST_DIGITS = 12
"""Digits of a length at most: Python rejects numbers with thousands of digits."""


class HttpCamera:
    """HTTP client for one camera, with Digest if the camera requires it, else Basic."""

    def __init__(self, url: str, credentials: str, silent: float, largest: int) -> None:
        self.url, self._largest = url, largest
        user, _colon, password = credentials.partition(":")
        self._basic = httpx.BasicAuth(user, password) if credentials else None
        self._auth: httpx.Auth | None = httpx.DigestAuth(user, password) if credentials else None
        self._client = httpx.Client(timeout=httpx.Timeout(silent, connect=min(silent, 10.0)), trust_env=False)

    def close(self) -> None:
        self._client.close()

    def snapshots(
        self, every: float, stop: Callable[[], bool], zone: tzinfo = UTC, now: Clock = utc_now
    ) -> Iterator[Capture]:
        """Yield one picture every `every` seconds. Raises CameraError and httpx.HTTPError."""
        try:
            while not stop():
                began = time.monotonic()
                with self._request() as answer:
                    image = self._read_body(answer)
                    headers = dict(answer.headers)
                yield Capture(now(), image, camera_time=camera_time(image, headers, zone))
                time.sleep(max(0.0, began + every - time.monotonic()))
        finally:
            self.close()

    def mjpeg(self, stop: Callable[[], bool], zone: tzinfo = UTC, now: Clock = utc_now) -> Iterator[Capture]:
        """Yield the pictures of a `multipart/x-mixed-replace` stream.

        Raises CameraError and httpx.HTTPError.
        """
        for headers, image in self.parts(stop):
            yield Capture(now(), image, camera_time=camera_time(image, headers, zone))

    def parts(self, stop: Callable[[], bool]) -> Iterator[tuple[Mapping[str, str], bytes]]:
        """Yield the parts of an endless multipart answer. Raises CameraError and httpx.HTTPError."""
        try:
            with self._request() as answer:
                kind, options = parse_options_header(answer.headers.get("content-type", ""))
                if not kind.startswith(b"multipart/"):
                    raise CameraError(
                        f"it answers with {kind.decode(errors='replace') or 'nothing'}, no stream"
                    )
                boundary = b"--" + options.get(b"boundary", b"").strip(b'"').removeprefix(b"--")
                for part in parts(answer.iter_bytes(), boundary, self._largest):
                    if stop():
                        return
                    yield part
            raise CameraError("the stream ended")
        finally:
            self.close()

    @contextmanager
    def _request(self) -> Iterator[httpx.Response]:
        """Yield a 200 response whose body is not yet read. Raises CameraError for any other status."""
        with self._client.stream("GET", self.url, auth=self._auth) as answer:
            if answer.status_code == 200:
                yield answer
                return
        if answer.status_code != 401 or self._auth is self._basic:
            raise CameraError(status_sentence(answer.status_code, bool(self._basic)))
        self._auth = self._basic
        with self._request() as answer:
            yield answer

    def _read_body(self, answer: httpx.Response) -> bytes:
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) > self._largest:
                raise CameraError(f"a picture of over {self._largest} bytes")
        return bytes(body)


def status_sentence(status: int, signed: bool) -> str:
    """Return a sentence that explains a status of HTTP or RTSP."""
    if status == 401:
        return "it refuses the name or password (401)" if signed else "it wants a name and a password (401)"
    if status == 403:
        return "the account may not see this (403)"
    if status == 404:
        return "there is nothing at this path (404): see the camera's manual for the right one"
    if 300 <= status < 400:
        return f"it sends us elsewhere ({status}): give the final address"
    return f"it answers with an error ({status})"


def parts(
    chunks: Iterator[bytes], boundary: bytes, largest: int
) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """Yield headers (names in lower case) and body of each part of a multipart stream.

    A part is yielded as soon as it is complete. It gives its length, or ends where the next boundary begins.
    Lines end in CRLF or, in some firmwares, in LF.
    Raises CameraError for a part over `largest`.
    """
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while found := _part(held, boundary, largest):
            headers, body, used = found
            del held[:used]
            if body:
                yield headers, body


def _part(held: bytearray, boundary: bytes, largest: int) -> tuple[Mapping[str, str], bytes, int] | None:
    start = held.find(boundary)
    ends = [(held.find(mark, max(start, 0)), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    head, blank = min((one for one in ends if one[0] >= 0), default=(-1, 0))
    if start < 0 or head < 0:
        if len(held) > largest + HEADERS:
            raise CameraError("its stream is no sequence of pictures")
        return None
    line = held.find(b"\n", start) + 1
    fields: Any = BytesHeaderParser().parsebytes(bytes(held[line : head + blank])) if line <= head else {}
    headers = {name.lower(): str(value) for name, value in fields.items()}
    length, begin = headers.get("content-length", ""), head + blank
    if length.isdecimal():
        if len(length) > MOST_DIGITS or int(length) > largest:
            raise CameraError(f"a picture of over {largest} bytes")
        end = begin + int(length)
        return (headers, bytes(held[begin:end]), end) if len(held) >= end else None
    end = held.find(b"\n" + boundary, begin)
    if end < 0:
        if len(held) - begin > largest:
            raise CameraError(f"a picture of over {largest} bytes")
        return None
    return headers, bytes(held[begin:end].removesuffix(b"\r")), end + 1
