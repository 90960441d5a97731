"""What was sent, written down send by send, and a camera that writes so."""

import hashlib
import json
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal

from tests.support.flows import plate_picture

State = Literal["done", "failed", "unknown"]
SHOTS = 3
APART = timedelta(seconds=150)
"""Between two vehicles: after three of them the flow has forgotten the first one's pass."""
BROKEN = plate_picture("XXX9998")[:700]
PASSWORD = "s3cret:word"  # of `tests.support.gateway.account`


@dataclass(frozen=True)
class Send:
    """One frame: `vehicle` and `shot` count what its camera shows. `plate` is empty where it shows none.

    done: acknowledged at least once, at `heard` (seconds since 1970). failed: refused each time. unknown: no
    answer, and never acknowledged.
    """

    camera: str
    vehicle: int
    shot: int
    at: datetime
    sha256: str
    plate: str
    state: State = "unknown"
    heard: float = 0.0


class Journal:
    """A file of JSON lines: each attempt before it is made, and what was heard of it afterwards."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()

    def write(self, send: Send, said: str, status: int = 0) -> None:
        """`said` is begun; then done or failed, by an answer of this status, or nothing more."""
        frame = [send.camera, send.vehicle, send.shot, send.at.isoformat(), send.sha256, send.plate]
        with self._lock, self._file.open("a") as file:
            file.write(json.dumps([*frame, time.time(), status, said]) + "\n")

    def sends(self) -> list[Send]:
        """Each frame once, in the order in which it was first begun, with what came of all its attempts."""
        attempts: dict[tuple[Any, ...], dict[str, list[float]]] = {}
        lines = self._file.read_text().splitlines() if self._file.exists() else ()
        for line in lines:
            *frame, at, _status, said = json.loads(line)
            attempts.setdefault(tuple(frame), {}).setdefault(said, []).append(at)
        return [_send(frame, said) for frame, said in attempts.items()]


def _send(frame: tuple[Any, ...], said: dict[str, list[float]]) -> Send:
    camera, vehicle, shot, at, sha256, plate = frame
    refused = len(said.get("failed", ())) == len(said["begun"])
    state: State = "done" if "done" in said else "failed" if refused else "unknown"
    heard = min(said.get("done", [0.0]))
    return Send(camera, vehicle, shot, datetime.fromisoformat(at), sha256, plate, state, heard)


@dataclass
class Camera:
    """Uploads vehicles of three frames each, one frame after the other, and sends again what had no answer.

    Before every fourth vehicle there is a frame that is no picture, and one with a wrong password: never as
    the last of a run, for `status` tells of a camera's newest frame. `every`: seconds from one vehicle to the
    next, at least; `apart`: the same by the camera's own clock. Vehicles that follow one another closely
    by it must look different, or they are one: `stride` is from one's number to the next one's. Run again, it
    goes on with its next `vehicle`.
    """

    name: str
    port: int
    first: datetime
    journal: Journal
    wait: float = 0.4
    every: float = 0.0
    apart: timedelta = APART
    stride: int = 1
    host: str = "127.0.0.1"
    vehicle: int = 0
    unanswered: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def plate(self, vehicle: int) -> str:
        """Of its vehicle of this number, from 0: no two of the first 9,000 share one, as long as 9,000 and
        `stride` have no common factor.
        """
        return f"KT{self.name[0].upper()}{1000 + vehicle * self.stride % 9000}"

    def run(self) -> None:
        intruder = plate_picture("XXX9999")
        while not self.over.is_set():
            due, vehicle = time.monotonic() + self.every, self.vehicle
            plate = self.plate(vehicle)
            picture, began = plate_picture(plate), self.first + vehicle * self.apart
            if vehicle % 4 == 0:
                self._send(vehicle, SHOTS, began - timedelta(seconds=2), BROKEN)
                before = began - timedelta(seconds=1)
                self._send(vehicle, SHOTS + 1, before, intruder, "XXX9999", "guessed")
            for shot in range(SHOTS):
                self._send(vehicle, shot, began + shot * timedelta(milliseconds=200), picture, plate)
            self.vehicle += 1
            self.over.wait(max(0.0, due - time.monotonic()))

    def _send(
        self,
        vehicle: int,
        shot: int,
        at: datetime,
        picture: bytes,
        plate: str = "",
        password: str = PASSWORD,
    ) -> None:
        """Until there is an answer."""
        send = Send(self.name, vehicle, shot, at, hashlib.sha256(picture).hexdigest(), plate)
        while True:
            self.journal.write(send, "begun")
            said, status = _upload(self.host, self.port, self.name, password, at, picture)
            if said != "unknown":
                self.journal.write(send, said, status)
                break
            self.unanswered += 1
            time.sleep(0.05)
        time.sleep(self.wait)


def _upload(
    host: str, port: int, camera: str, password: str, at: datetime, picture: bytes
) -> tuple[State, int]:
    """By Digest (RFC 7616) of MD5, as most cameras know it."""
    url = f"http://{host}:{port}/"
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {"captured-at": stamp, "content-type": "image/jpeg"}
    try:
        asked = urllib.request.Request(url, b"", headers, method="POST")
        with urllib.request.urlopen(asked, timeout=20):
            return "unknown", 200  # it must ask who we are
    except urllib.error.HTTPError as error:
        if error.code != 401:
            return "unknown", error.code
        wanted = " ".join(error.headers.get_all("www-authenticate") or [])
    except (OSError, HTTPException):
        return "unknown", 0
    realm, nonce = (re.findall(f'{name}="([^"]*)"', wanted)[0] for name in ("realm", "nonce"))
    who, what = _md5(f"{camera}:{realm}:{password}"), _md5("POST:/")
    response = _md5(f"{who}:{nonce}:00000001:0a4f113b:auth:{what}")
    headers["Authorization"] = (
        f'Digest username="{camera}", realm="{realm}", nonce="{nonce}", uri="/", algorithm=MD5, '
        f'response="{response}", qop=auth, nc=00000001, cnonce="0a4f113b"'
    )
    try:
        with urllib.request.urlopen(urllib.request.Request(url, picture, headers), timeout=20):
            return "done", 200
    except urllib.error.HTTPError as error:
        stale = "stale=true" in str(error.headers)  # a gateway that was started anew knows the nonce no more
        again = stale or error.code in (408, 429)
        return "failed" if 400 <= error.code < 500 and not again else "unknown", error.code
    except (OSError, HTTPException):  # no answer, or half of one
        return "unknown", 0


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
