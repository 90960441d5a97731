"""Diagnosis of a camera's address, in one sentence without address and password."""

import hashlib
import re
import secrets
import socket
import ssl
from base64 import b64encode
from urllib.parse import unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import httpx

from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.config import PORTS, StreamKind
from platestream.cameras.sources.http import MOST_DIGITS, status_sentence
from platestream.cameras.sources.streams import PROTOCOLS, Stream

SECONDS = 10.0


def split_credentials(url: str) -> tuple[str, str]:
    """Return an address without its `user:password`, and these."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def first_frame(url: str, credentials: str, kind: StreamKind, largest: int = 20_000_000) -> Capture:
    """Return a frame from a camera. Raises CameraError with a sentence that says where it fails."""
    check_connection(url)
    if kind == "rtsp":
        ask_rtsp(url, credentials)
    frames = PROTOCOLS[kind](Stream(url, credentials, every=SECONDS, silent=SECONDS, largest=largest))
    try:
        return next(iter(frames))
    except StopIteration:
        raise CameraError("it sends no frame") from None
    except httpx.HTTPError as error:
        raise CameraError(sentence(error)) from None


def sentence(error: Exception) -> str:
    """Return a sentence that describes a failure."""
    if isinstance(error, CameraError):
        return str(error)
    if isinstance(error, httpx.ConnectTimeout | httpx.ReadTimeout | TimeoutError):
        return "it does not answer in time"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return "the address is no http:// or https:// address"
    if isinstance(error, httpx.RemoteProtocolError):
        return "what answers there does not speak HTTP"
    if isinstance(error, httpx.ConnectError):
        return "it cannot be connected to: " + (
            "TLS fails" if "SSL" in str(error) else "refused or no way there"
        )
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def check_connection(url: str) -> None:
    """Open a connection to the camera and close it. Raises CameraError."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        known = " or ".join(f"{scheme}://" for scheme in PORTS)
        raise CameraError(f"the address does not start with {known}, or has a wrong port") from None
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise CameraError(f"the name {host} is not known (DNS)") from None
    try:
        socket.create_connection((str(places[0][4][0]), port), SECONDS).close()
    except ConnectionRefusedError:
        raise CameraError(f"{host} refuses connections on port {port}: is this the right port?") from None
    except TimeoutError:
        raise CameraError(
            f"{host} does not answer on port {port}: is it on, is a firewall between?"
        ) from None
    except OSError as error:
        raise CameraError(f"{host} cannot be reached: {error.strerror}") from None


def ask_rtsp(url: str, credentials: str) -> None:
    """Send DESCRIBE, with authentication if required.

    Raises CameraError unless the camera describes a video.
    """
    status, headers, body = _describe(url, "")
    if status == 401 and credentials:
        status, headers, body = _describe(url, _authorization(url, credentials, headers))
    if status != 200:
        raise CameraError(status_sentence(status, bool(credentials)))
    if "m=video" not in body:
        raise CameraError("it streams no video")


def _describe(url: str, authorization: str) -> tuple[int, list[tuple[str, str]], str]:
    parts = urlsplit(url)
    lines = [f"DESCRIBE {url} RTSP/1.0", "CSeq: 1", "Accept: application/sdp", "User-Agent: platestream"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or PORTS[parts.scheme]), SECONDS
        ) as plain:
            plain.settimeout(SECONDS)
            secure = parts.scheme == "rtsps"
            line = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
                if secure
                else plain
            )
            line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return _answer(line)
    except TimeoutError:
        raise CameraError("it accepts the connection and does not answer") from None
    except ssl.SSLError:
        raise CameraError("TLS fails: is its certificate known to this machine?") from None
    except OSError as error:
        raise CameraError(f"the connection broke: {error.strerror}") from None


def _answer(line: socket.socket) -> tuple[int, list[tuple[str, str]], str]:
    held = b""
    while b"\r\n\r\n" not in held and len(held) < 65_536:
        part = line.recv(4096)
        if not part:
            break
        held += part
    head, _end, body = held.partition(b"\r\n\r\n")
    first, *rest = head.decode(errors="replace").split("\r\n")
    found = re.match(r"RTSP/\d\.\d (\d{3})", first)
    if not found:
        raise CameraError("what answers there does not speak RTSP")
    headers = [
        (name.strip().lower(), value.strip()) for name, _colon, value in (one.partition(":") for one in rest)
    ]
    length = dict(headers).get("content-length") or "0"
    if not length.isdecimal() or len(length) > MOST_DIGITS:
        raise CameraError("what answers there does not speak RTSP")
    while len(body) < min(int(length), 65_536) and (part := line.recv(4096)):
        body += part
    return int(found[1]), headers, body.decode(errors="replace")


def _authorization(url: str, credentials: str, headers: list[tuple[str, str]]) -> str:
    """Return the answer to a challenge: Digest (RFC 2069 and 7616, MD5 and SHA-256) or Basic."""
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

    first, second = digest(f"{user}:{challenge['realm']}:{password}"), digest(f"DESCRIBE:{url}")
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
