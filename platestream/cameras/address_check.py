"""Diagnosis of a camera's address, in one sentence without address and password."""

import socket
from urllib.parse import unquote, urlsplit

import httpx

from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.kinds import PORTS, StreamKind
from platestream.cameras.sources.http import status_sentence
from platestream.cameras.sources.rtsp import SECONDS, RtspConnection
from platestream.cameras.sources.streams import PROTOCOLS, Stream


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
    with RtspConnection(url, credentials) as line:
        answer = line.ask("DESCRIBE", url, "Accept: application/sdp")
    if answer.status != 200:
        raise CameraError(status_sentence(answer.status, bool(credentials)))
    if "m=video" not in answer.body:
        raise CameraError("it streams no video")
