"""A camera that uploads vehicles of three frames each, and sends again what was not acknowledged."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from platestream.schemas.detection import detection_id
from platestream.schemas.fields import rfc3339
from tests.support.flows import plate_picture

SHOTS = 3
PASSWORD = "s3cret:word"  # of `tests.support.gateway.account`
APART = timedelta(seconds=150)
"""Between two vehicles: after three of them the flow has forgotten the first one's pass."""


def by_httpx(port: int, camera: str, at: str, picture: bytes) -> bool:
    """Upload to a gateway of this machine; whether it was acknowledged."""
    try:
        answer = httpx.post(
            f"http://127.0.0.1:{port}/",
            content=picture,
            headers={"captured-at": at},
            auth=httpx.DigestAuth(camera, PASSWORD),
            timeout=20,
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


@dataclass
class Camera:
    """Uploads vehicles of three frames each, one frame after the other, until it is told to stop."""

    name: str
    send: Callable[[str, str, bytes], bool]
    first: datetime
    wait: float = 0.03
    acknowledged: list[datetime] = field(default_factory=list)
    sent_again: int = 0

    def run(self, over: threading.Event) -> None:
        number = 0
        while not over.is_set():
            picture = plate_picture(f"KT{self.name[0].upper()}{1000 + number}")
            for shot in range(SHOTS):
                at = self.first + number * APART + shot * timedelta(milliseconds=200)
                while not self.send(self.name, rfc3339(at), picture):
                    self.sent_again += 1
                    time.sleep(0.05)
                self.acknowledged.append(at)
                time.sleep(self.wait)
            number += 1

    @property
    def passes(self) -> set[str]:
        opening = self.acknowledged[::SHOTS]
        return {str(detection_id(self.name, at, 0)) for at in opening}
