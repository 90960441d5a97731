"""RTSP 1.0 over one TCP connection (RFC 2326): requests with sign-in, and the packets that come between."""

import hashlib
import re
import secrets
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from platestream.cameras.capture import CameraError
from platestream.cameras.kinds import PORTS
from platestream.cameras.sources.http import MOST_DIGITS

SECONDS = 10.0
LONGEST = 65_536
"""Bytes of the head of an answer, and of its body, at most."""
_POLL = 1.0
_NOT_RTSP = "what answers there does not speak RTSP"


@dataclass(frozen=True)
class Answer:
    """Answer to a request; names of headers are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """Return the last header of this name; empty without one."""
        return dict(self.headers).get(name, "")


class Packet(NamedTuple):
    """Packet of a track, by its channel."""

    channel: int
    data: bytes


class Inbox:
    """Bytes from a camera, taken as packets and answers."""

    def __init__(self) -> None:
        self._held = bytearray()

    def put(self, data: bytes) -> None:
        self._held += data

    def take(self) -> Packet | Answer | None:
        """Take the next packet or answer; return None if there is no whole one. Raises CameraError."""
        held = self._held
        if held[:1] == b"$":
            size = 4 + int.from_bytes(held[2:4], "big")
            if len(held) < max(size, 4):
                return None
            packet = Packet(held[1], bytes(held[4:size]))
            del held[:size]
            return packet
        end = held.find(b"\r\n\r\n")
        if end < 0:
            if len(held) > LONGEST or not b"RTSP/".startswith(bytes(held[:5])):
                raise CameraError(_NOT_RTSP)
            return None
        status, headers = _head(bytes(held[:end]))
        length = dict(headers).get("content-length") or "0"
        if not length.isdecimal() or len(length) > MOST_DIGITS or int(length) > LONGEST:
            raise CameraError(_NOT_RTSP)
        size = end + 4 + int(length)
        if len(held) < size:
            return None
        answer = Answer(status, headers, held[end + 4 : size].decode(errors="replace"))
        del held[:size]
        return answer


class RtspConnection:
    """Connection to a camera. Each request is signed in once the camera has asked for it."""

    def __init__(self, url: str, credentials: str) -> None:
        """Connect. Raises CameraError."""
        parts = urlsplit(url)
        self._credentials, self._challenge = credentials, list[tuple[str, str]]()
        self._number, self._inbox = 0, Inbox()
        self._packets = list[Packet]()
        try:
            plain = socket.create_connection(
                (parts.hostname or "", parts.port or PORTS[parts.scheme]), SECONDS
            )
            secure = parts.scheme == "rtsps"
            self._line: socket.socket = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
                if secure
                else plain
            )
        except ssl.SSLError:
            raise CameraError("TLS fails: is its certificate known to this machine?") from None
        except TimeoutError:
            raise CameraError("it does not answer in time") from None
        except OSError as error:
            raise CameraError(f"it cannot be connected to: {error.strerror}") from None
        self._line.settimeout(_POLL)

    def __enter__(self) -> "RtspConnection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    def ask(self, method: str, address: str, *headers: str) -> Answer:
        """Return the answer to a request, with the sign-in if required. Raises CameraError."""
        answer = self._ask(method, address, headers)
        if answer.status == 401 and self._credentials:
            self._challenge = answer.headers
            answer = self._ask(method, address, headers)
        return answer

    def packets(self, stop: Callable[[], bool]) -> Iterator[Packet | None]:
        """Yield what comes on all channels, and None each second without a packet. Raises CameraError."""
        while not stop():
            while self._packets:
                yield self._packets.pop(0)
            if isinstance(found := self._inbox.take(), Packet):
                yield found
            elif found is None and not self._receive():
                yield None

    def send(self, method: str, address: str, *headers: str) -> None:
        """Send a request whose answer is read with the packets, and ignored. Raises CameraError."""
        self._number += 1
        lines = [f"{method} {address} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: platestream", *headers]
        if self._challenge:
            signed = authorization(method, address, self._credentials, self._challenge)
            lines.append(f"Authorization: {signed}")
        try:
            self._line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        except OSError as error:
            raise CameraError(f"the connection broke: {error.strerror or 'no answer'}") from None

    def _ask(self, method: str, address: str, headers: tuple[str, ...]) -> Answer:
        self.send(method, address, *headers)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            found = self._inbox.take()
            if isinstance(found, Packet):
                self._packets.append(found)
            elif found is None:
                self._receive()
            elif found.header("cseq") in ("", str(self._number)):
                return found
        raise CameraError("it accepts the connection and does not answer")

    def _receive(self) -> bool:
        """Wait for more; return False if nothing came for a second."""
        try:
            part = self._line.recv(LONGEST)
        except TimeoutError:
            return False
        except OSError as error:
            raise CameraError(f"the connection broke: {error.strerror or type(error).__name__}") from None
        if not part:
            raise CameraError("it ended the connection" if self._number > 1 else _NOT_RTSP)
        self._inbox.put(part)
        return True


def _head(text: bytes) -> tuple[int, list[tuple[str, str]]]:
    first, *rest = text.decode(errors="replace").split("\r\n")
    found = re.match(r"RTSP/\d\.\d (\d{3})", first)
    if not found:
        raise CameraError(_NOT_RTSP)
    pairs = (one.partition(":") for one in rest)
    return int(found[1]), [(name.strip().lower(), value.strip()) for name, _colon, value in pairs]


def authorization(method: str, url: str, credentials: str, headers: list[tuple[str, str]]) -> str:
    """Return the answer to a challenge: Digest (RFC 2069 and 7616, MD5 and SHA-256) or Basic. Raises
    CameraError.
    """
    challenges = [value for name, value in headers if name == "www-authenticate"]
    digests = [value for value in challenges if value.lower().startswith("digest ")]
    user, _colon, password = credentials.partition(":")
    if not digests:
        return f"Basic {b64encode(credentials.encode()).decode()}"
    try:
        challenge = parse_keqv_list(parse_http_list(digests[0][7:]))
    except (ValueError, IndexError):
        raise CameraError("it asks for a sign-in that cannot be read") from None
    if not {"realm", "nonce"} <= challenge.keys():
        raise CameraError("it asks for a sign-in that cannot be read")
    name = challenge.get("algorithm", "MD5").upper()
    make = "sha256" if name == "SHA-256" else "md5"

    def digest(text: str) -> str:
        return hashlib.new(make, text.encode(), usedforsecurity=False).hexdigest()

    first, second = digest(f"{user}:{challenge['realm']}:{password}"), digest(f"{method}:{url}")
    fields = {"username": user, "realm": challenge["realm"], "nonce": challenge["nonce"], "uri": url}
    if "qop" in challenge:
        client = secrets.token_hex(8)
        fields |= {
            "response": digest(f"{first}:{challenge['nonce']}:00000001:{client}:auth:{second}"),
            "cnonce": client,
        }
        extra = ", qop=auth, nc=00000001"
    else:
        fields["response"], extra = digest(f"{first}:{challenge['nonce']}:{second}"), ""
    if "opaque" in challenge:
        fields["opaque"] = challenge["opaque"]
    return (
        "Digest "
        + ", ".join(f'{key}="{value}"' for key, value in fields.items())
        + f", algorithm={name}"
        + extra
    )
