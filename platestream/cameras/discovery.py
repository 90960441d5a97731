"""Discovery of ONVIF cameras by WS-Discovery: a probe by multicast on the local network, and its answers."""

import re
import socket
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from uuid import uuid4

MULTICAST = ("239.255.255.250", 3702)
SECONDS = 3.0
MOST = 500
"""Most cameras that are listed; an answer is at most 64 kB."""
PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>uuid:{id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
# Answers are text of other devices: no parser of XML reads them.
_ADDRESSES = re.compile(r"<[^<>]{0,40}XAddrs[^<>]{0,200}>([^<]{1,2000})<")
_SCOPE = re.compile(r"onvif://www\.onvif\.org/(name|hardware|location)/([^\s<]{1,100})")


@dataclass(frozen=True)
class FoundCamera:
    """A camera that answered: its host, and the name and hardware that it reports."""

    host: str
    name: str = ""
    hardware: str = ""


def discover(to: tuple[str, int] = MULTICAST, seconds: float = SECONDS) -> list[FoundCamera]:
    """Send a probe and return the cameras that answer within `seconds`, by host. Raises OSError."""
    found: dict[str, FoundCamera] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        one.sendto(PROBE.format(id=uuid4()).encode(), to)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and len(found) < MOST:
            one.settimeout(left)
            try:
                answer, (address, _port) = one.recvfrom(65_535)
            except TimeoutError:
                break
            camera = read_answer(answer.decode("utf-8", "replace"), address)
            if camera is not None:
                found[camera.host] = camera
    return sorted(found.values(), key=lambda camera: camera.host)


def read_answer(text: str, address: str) -> FoundCamera | None:
    """Return the camera of an answer that came from `address`; None for any other message."""
    listed = _ADDRESSES.search(text)
    if listed is None:
        return None
    hosts = [host for one in listed[1].split() if (host := _host(one))]
    scopes = {kind: unquote(value).replace("_", " ") for kind, value in _SCOPE.findall(text)}
    host = address if address in hosts or not hosts else hosts[0]
    return FoundCamera(host, scopes.get("name", ""), scopes.get("hardware", ""))


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
