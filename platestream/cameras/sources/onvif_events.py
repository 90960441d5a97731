"""Events of an ONVIF camera from a pull point: a subscription at the camera, which is asked for what is new.

The sign-in is that of HTTP (Digest) and a token of WS-Security with a digest, whichever the camera wants.
Addresses that a camera names are used with the host of `url` only. An event that the camera has given is not
given again: those of one answer are lost where the gateway is killed before they are in the spool.
"""

import hashlib
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx

from platestream.cameras.capture import CameraError
from platestream.cameras.pushes.fields import decode_xml
from platestream.cameras.sources.http import status_sentence
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas.message import RefusedError

LIFE_SECONDS, PULL_SECONDS, MOST_EVENTS = 60, 5, 32
"""Life of a subscription, renewed at half of it; longest wait of the camera; events in an answer."""
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
_REQUESTS = {
    "GetSystemDateAndTime": (_DEVICE, f"{_DEVICE}/GetSystemDateAndTime"),
    "GetCapabilities": (_DEVICE, f"{_DEVICE}/GetCapabilities"),
    "CreatePullPointSubscription": (_EVENTS, f"{_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"),
    "PullMessages": (_EVENTS, f"{_EVENTS}/PullPointSubscription/PullMessagesRequest"),
    "Renew": (_NOTIFICATION, f"{_MANAGER}/RenewRequest"),
    "Unsubscribe": (_NOTIFICATION, f"{_MANAGER}/UnsubscribeRequest"),
}
"""Namespace and action of each request."""
Element = ElementTree.Element


class PullPoint:
    """Client of one camera's events; `url` is its device service, as `http://CAMERA/onvif/device_service`."""

    def __init__(self, url: str, credentials: str, largest: int, now: Clock = utc_now) -> None:
        self._url, self._largest, self._now = url, largest, now
        self._user, _colon, self._password = credentials.partition(":")
        auth = httpx.DigestAuth(self._user, self._password) if credentials else None
        self._client = httpx.Client(auth=auth, timeout=PULL_SECONDS + 10.0, trust_env=False)
        self._ahead, self._last = timedelta(), b""

    def events(self, stop: Callable[[], bool]) -> Iterator[bytes | None]:
        """Yield each event as XML, and None where the camera answers that there is none.

        Raises CameraError and httpx.HTTPError.
        """
        try:
            self._ahead = self._clock_difference()
            found = self._call(self._url, "GetCapabilities", "<Category>Events</Category>")
            term = f"<InitialTerminationTime>PT{LIFE_SECONDS}S</InitialTerminationTime>"
            made = self._call(self._here(_text(found, "XAddr")), "CreatePullPointSubscription", term)
            address, reference = self._here(_text(made, "Address")), _reference(self._last)
            try:
                yield from self._pull(address, reference, stop)
            finally:
                self._end(address, reference)
        finally:
            self._client.close()

    def _pull(self, address: str, reference: str, stop: Callable[[], bool]) -> Iterator[bytes | None]:
        wanted = f"<Timeout>PT{PULL_SECONDS}S</Timeout><MessageLimit>{MOST_EVENTS}</MessageLimit>"
        renewed = time.monotonic()
        while not stop():
            answer = self._call(address, "PullMessages", wanted, reference)
            found = list(answer.iter("NotificationMessage"))
            yield from (ElementTree.tostring(one) for one in found)
            if not found:
                yield None
            if time.monotonic() - renewed > LIFE_SECONDS / 2:
                renewed = time.monotonic()
                self._renew(address, reference)

    def _renew(self, address: str, reference: str) -> None:
        term = f"<TerminationTime>PT{LIFE_SECONDS}S</TerminationTime>"
        try:
            self._call(address, "Renew", term, reference)
        except CameraError:
            return  # cameras that prolong the subscription with each answer need not know this request

    def _end(self, address: str, reference: str) -> None:
        try:
            self._call(address, "Unsubscribe", "", reference)
        except (CameraError, httpx.HTTPError):
            return  # the camera ends it by itself

    def _clock_difference(self) -> timedelta:
        """Return how far the camera's clock is ahead: a token of another time is refused."""
        found = self._call(self._url, "GetSystemDateAndTime", signed=False).find(".//UTCDateTime")
        if found is None:
            return timedelta()
        fields = ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")
        try:
            year, month, day, hour, minute, second = (int(found.findtext(name) or "") for name in fields)
            there = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError:
            return timedelta()
        return there - self._now()

    def _call(
        self, address: str, name: str, content: str = "", reference: str = "", *, signed: bool = True
    ) -> Element:
        """Return the envelope of an answer. Raises CameraError and httpx.HTTPError."""
        space, action = _REQUESTS[name]
        token = self._token() if signed and self._user else ""
        head = f'<a:Action xmlns:a="{_ADDRESSING}">{action}</a:Action>{reference}{token}'
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}"><s:Header>{head}</s:Header>'
            f'<s:Body><{name} xmlns="{space}">{content}</{name}></s:Body></s:Envelope>'
        )
        kind = f'application/soap+xml; charset=utf-8; action="{action}"'
        with self._client.stream("POST", address, content=body, headers={"Content-Type": kind}) as answer:
            read = bytearray()
            for part in answer.iter_bytes():
                read += part
                if len(read) > self._largest:
                    raise CameraError(f"its answer has over {self._largest} bytes")
        if answer.status_code in (401, 403):
            raise CameraError(status_sentence(answer.status_code, bool(self._user)))
        try:
            self._last = bytes(read)
            envelope = decode_xml(self._last)
        except RefusedError:
            raise CameraError(f"what answers {name} there does not speak ONVIF") from None
        if envelope.find(".//Fault") is not None:
            raise CameraError(_fault(name, envelope))
        if answer.status_code != 200:
            raise CameraError(status_sentence(answer.status_code, bool(self._user)))
        return envelope

    def _token(self) -> str:
        """Return the token of WS-Security: SHA-1 over a nonce, the camera's time and the password."""
        nonce, at = secrets.token_bytes(16), f"{self._now() + self._ahead:%Y-%m-%dT%H:%M:%SZ}"
        made = hashlib.sha1(nonce + at.encode() + self._password.encode(), usedforsecurity=False).digest()
        return (
            f'<w:Security xmlns:w="{_SECURITY}wssecurity-secext-1.0.xsd" '
            f'xmlns:u="{_SECURITY}wssecurity-utility-1.0.xsd"><w:UsernameToken>'
            f"<w:Username>{escape(self._user)}</w:Username>"
            f'<w:Password Type="{_SECURITY}username-token-profile-1.0#PasswordDigest">'
            f"{b64encode(made).decode()}</w:Password>"
            f'<w:Nonce EncodingType="{_SECURITY}soap-message-security-1.0#Base64Binary">'
            f"{b64encode(nonce).decode()}</w:Nonce><u:Created>{at}</u:Created>"
            "</w:UsernameToken></w:Security>"
        )

    def _here(self, address: str) -> str:
        """Return an address that the camera names, at the host of `url`."""
        own, named = urlsplit(self._url), urlsplit(address)
        return own._replace(path=named.path, query=named.query).geturl()


def _text(answer: Element, name: str) -> str:
    found = next((one.text.strip() for one in answer.iter(name) if one.text), "")
    if not found:
        raise CameraError("it offers no pull point for events")
    return found


def _reference(envelope: bytes) -> str:
    """Return what a camera wants to have back in the head of each request, with its namespaces."""
    root = ElementTree.fromstring(envelope)  # noqa: S314 - `decode_xml` accepted it
    found = root.iterfind(f".//{{{_ADDRESSING}}}ReferenceParameters/*")
    return "".join(ElementTree.tostring(one, encoding="unicode") for one in found)


def _fault(name: str, envelope: Element) -> str:
    codes = [one.text or "" for one in envelope.findall(".//Code//Value")]
    if any("NotAuthorized" in one or "FailedAuthentication" in one for one in codes):
        return "it refuses the sign-in"
    reason = envelope.findtext(".//Reason/Text") or envelope.findtext(".//faultstring") or ""
    said = "".join(char for char in reason if char.isprintable())[:100]
    return f"it refuses {name}: {said or 'no reason given'}"
