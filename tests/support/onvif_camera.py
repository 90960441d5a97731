"""An ONVIF camera's services as far as events need them, over HTTP: made here, because no device is in reach.

It checks the token of WS-Security against its own clock, which is wrong by `ahead`.
"""

import hashlib
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree

USER, PASSWORD = "alpr", "s3cret:word"
SUBSCRIPTION = '<dom0:SubscriptionId xmlns:dom0="http://maker.example/event">77</dom0:SubscriptionId>'
ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:n="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:tt="http://www.onvif.org/ver10/schema"><s:Body>{}</s:Body></s:Envelope>'
)


@dataclass
class OnvifCamera:
    """Events of the camera, and the requests that it got. With `deaf` it knows no pull point."""

    ahead: timedelta = timedelta(hours=5)
    deaf: bool = False
    events: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    subscribed: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/onvif/device_service"

    def answer(self, request: bytes) -> tuple[int, str]:
        root = ElementTree.fromstring(request)
        body = next(one for one in root if one.tag.endswith("Body"))
        name = body[0].tag.rpartition("}")[2]
        self.asked.append(name)
        self.heads.append(ElementTree.tostring(root[0], encoding="unicode"))
        if name == "GetSystemDateAndTime":
            return 200, self._clock()
        if not self._signed(root):
            return 400, _fault("ter:NotAuthorized", "Sender not authorized")
        if name == "GetCapabilities":
            address = "" if self.deaf else "<XAddr>http://10.9.9.9/onvif/event_service</XAddr>"
            return 200, f"<Capabilities><Events>{address}</Events></Capabilities>"
        if name == "CreatePullPointSubscription":
            self.subscribed.set()
            reference = (
                "<n:SubscriptionReference><a:Address>http://10.9.9.9/onvif/pull?x=1</a:Address>"
                f"<a:ReferenceParameters>{SUBSCRIPTION}</a:ReferenceParameters></n:SubscriptionReference>"
            )
            return (
                200,
                f"<CreatePullPointSubscriptionResponse>{reference}</CreatePullPointSubscriptionResponse>",
            )
        if "http://maker.example/event" not in self.heads[-1]:
            return 500, _fault("ter:InvalidArgs", "no such subscription")
        if name == "Renew":
            return 500, _fault("ter:ActionNotSupported", "not here")
        if name == "Unsubscribe":
            self.ended.set()
            return 200, "<UnsubscribeResponse/>"
        until = time.monotonic() + 0.5
        while not self.events and time.monotonic() < until:
            time.sleep(0.02)
        found, self.events = "".join(self.events), []
        return 200, f"<PullMessagesResponse>{found}</PullMessagesResponse>"

    def _clock(self) -> str:
        at = datetime.now(UTC) + self.ahead
        return (
            "<SystemDateAndTime><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute>"
            f"<tt:Second>{at.second}</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year>"
            f"<tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></SystemDateAndTime>"
        )

    def _signed(self, root: ElementTree.Element) -> bool:
        found = {one.tag.rpartition("}")[2]: one.text or "" for one in root.iter()}
        if found.get("Username") != USER:
            return False
        at = datetime.strptime(found["Created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        fresh = abs(datetime.now(UTC) + self.ahead - at) < timedelta(minutes=5)
        wanted = hashlib.sha1(
            b64decode(found["Nonce"]) + found["Created"].encode() + PASSWORD.encode(), usedforsecurity=False
        )
        return fresh and wanted.digest() == b64decode(found["Password"])


def _fault(code: str, why: str) -> str:
    return (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
        f"<s:Reason><s:Text>{why}</s:Text></s:Reason></s:Fault>"
    )


@contextmanager
def onvif_camera(**changes: Any) -> Iterator[OnvifCamera]:
    camera = OnvifCamera(**changes)

    class Services(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = camera.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(ENVELOPE.format(body).encode())

        def log_message(self, *_told: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    camera.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield camera
    finally:
        server.shutdown()
        server.server_close()
