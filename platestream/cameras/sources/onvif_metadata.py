"""Metadata track of an ONVIF camera: XML documents in RTP packets, over the connection of RTSP.

The camera sends a `MetadataStream` for each picture that it analyzes, with what it sees and reads. Documents
without a plate and without an event are not parsed. A document with a lost packet is left out.
"""

import re
import time
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from platestream.cameras.capture import CameraError
from platestream.cameras.sources.http import status_sentence
from platestream.cameras.sources.rtsp import Answer, RtspConnection

_MEDIA = re.compile(r"^m=", re.MULTILINE)
_NAME = re.compile(r"^a=rtpmap:\d+ vnd\.onvif\.metadata(\.[a-z.]+)?/", re.MULTILINE | re.IGNORECASE)
_CONTROL = re.compile(r"^a=control:(\S+)", re.MULTILINE)
_TIMEOUT = re.compile(r";\s*timeout=(\d{1,6})")
_CHANNEL = re.compile(r"interleaved=(\d{1,3})")
SESSION_SECONDS = 60
"""Time after which a camera ends a silent session, if it names none."""
PACKED = ".gzip"
_WANTED = (b"LicensePlate", b"NotificationMessage")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Track(NamedTuple):
    """Address of a metadata track and of its session, and whether its documents are compressed (gzip)."""

    address: str
    session: str
    packed: bool


def documents(
    url: str, credentials: str, largest: int, silent: float, stop: Callable[[], bool]
) -> Iterator[bytes | None]:
    """Yield each document that may have a plate, and None for others.

    Raises CameraError, also where nothing comes for `silent` seconds.
    """
    with RtspConnection(url, credentials) as line:
        described = _asked(line, credentials, "DESCRIBE", url, "Accept: application/sdp")
        track = metadata_track(described, url)
        made = _asked(
            line, credentials, "SETUP", track.address, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
        )
        named = made.header("session")
        session = f"Session: {named.partition(';')[0].strip()}"
        _asked(line, credentials, "PLAY", track.session, session)
        found, limit = _CHANNEL.search(made.header("transport")), _TIMEOUT.search(named)
        channel = int(found[1]) if found else 0
        every = max(int(limit[1]) if limit else SESSION_SECONDS, 2) / 2
        inbox = Documents(largest, packed=track.packed)
        heard = asked = time.monotonic()
        for packet in line.packets(stop):
            now = time.monotonic()
            if now - asked > every:
                asked = now
                line.send("OPTIONS", track.session, session)
            if packet is None or packet.channel != channel:
                if now - heard > silent:
                    raise CameraError(f"no metadata for {silent:g} seconds")
                continue
            heard = now
            if (document := inbox.put(packet.data)) is not None:
                yield document if _may_have_plate(document) else None
        line.send("TEARDOWN", track.session, session)


def metadata_track(described: Answer, url: str) -> Track:
    """Return the track of the metadata in a description. Raises CameraError."""
    base = described.header("content-base") or described.header("content-location") or url
    general, *media = _MEDIA.split(described.body)
    for one in media:
        if one.startswith("application ") and (name := _NAME.search(one)):
            kind = (name[1] or "").lower()
            if kind not in ("", PACKED):
                raise CameraError(f"its metadata is of the kind {kind[:20]}, which is not read: choose XML")
            return Track(_joined(base, one), _joined(base, general), kind == PACKED)
    raise CameraError("it streams no metadata: switch on analytics in the profile of this address")


def _joined(base: str, section: str) -> str:
    """Return the address of a part of a description: its own, or one below the address of all."""
    found = _CONTROL.search(section)
    control = found[1] if found else "*"
    if control == "*":
        return base
    return control if "://" in control else f"{base.rstrip('/')}/{control}"


def _asked(line: RtspConnection, credentials: str, method: str, address: str, *headers: str) -> Answer:
    answer = line.ask(method, address, *headers)
    if answer.status != 200:
        raise CameraError(status_sentence(answer.status, bool(credentials)))
    return answer


def _may_have_plate(document: bytes) -> bool:
    return document.startswith(_UTF_16) or any(one in document for one in _WANTED)


class Documents:
    """Documents of at most `largest` bytes, put together from the packets of a track (RFC 3550)."""

    def __init__(self, largest: int, *, packed: bool) -> None:
        self._largest, self._packed = largest, packed
        self._parts = bytearray()
        self._next: int | None = None
        self._whole = True

    def put(self, packet: bytes) -> bytes | None:
        """Take a packet; return the document that it completes."""
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return None
        number = int.from_bytes(packet[2:4], "big")
        if self._next is not None and number != self._next:
            self._whole = False
        self._next = (number + 1) % 65_536
        self._parts += _payload(packet)
        if len(self._parts) > self._largest:
            self._whole = False
            self._parts.clear()
        if not packet[1] & 0x80:
            return None
        document, whole = bytes(self._parts), self._whole
        self._parts.clear()
        self._whole = True
        if not whole or not document:
            return None
        return self._unpacked(document) if self._packed else document

    def _unpacked(self, document: bytes) -> bytes | None:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            found = unpacker.decompress(document, self._largest)
        except zlib.error:
            return None
        return None if unpacker.unconsumed_tail else found


def _payload(packet: bytes) -> bytes:
    """Return the content of a packet, without contributors, extension and padding."""
    begin, end = 12 + 4 * (packet[0] & 0x0F), len(packet)
    if packet[0] & 0x10:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    if packet[0] & 0x20:
        end -= packet[-1]
    return packet[begin:end]
