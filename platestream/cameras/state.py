"""State of each camera, which the gateway writes and `platestream cameras health` reads."""

import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

import msgspec

from platestream.cameras.picture_states import FAULTS, PictureState
from platestream.runtime.metrics import meters
from platestream.runtime.private_file import write_file
from platestream.schemas import metrics

NAME = "state.json"


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The health of one camera. `drift` is in seconds; `fault` is a sentence, or empty.

    `picture` is the state of its picture, and `picture_since` the time from which it holds.
    """

    name: str
    kind: str
    up: bool
    last_frame: datetime | None = None
    drift: float | None = None
    fault: str = ""
    frames: dict[str, int] = {}
    picture: PictureState = ""
    picture_since: datetime | None = None


class GatewayHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The health of the whole gateway at a time."""

    at: datetime
    waiting: int
    waiting_bytes: int
    sending: str
    cameras: tuple[CameraHealth, ...]


class CameraState:
    """The current state of one camera, for use by many threads."""

    def __init__(self, name: str, kind: str, silent: float, began: datetime) -> None:
        self.name, self._kind, self._silent, self._began = name, kind, silent, began
        self._lock = threading.Lock()
        self._frames: Counter[str] = Counter()
        self._last: datetime | None = None
        self._fault = ""
        self.drift: float | None = None
        self._picture: PictureState = ""
        self._picture_since: datetime | None = None
        meters.put(metrics.GATEWAY_LAST_FRAME, name, to=began.timestamp())
        for outcome in metrics.GATEWAY_OUTCOMES:  # begin at 0, so that the first loss shows as an increase
            meters.count(metrics.GATEWAY_FRAMES, name, outcome, by=0)

    def count(self, outcome: str, by: int = 1) -> None:
        """Count frames with an outcome of `metrics.GATEWAY_FRAMES`."""
        with self._lock:
            self._frames[outcome] += by
        meters.count(metrics.GATEWAY_FRAMES, self.name, outcome, by=by)

    def arrived(self, at: datetime, drift: float | None) -> None:
        """Note that a frame arrived that is a picture."""
        with self._lock:
            self._last, self._fault, self.drift = at, "", drift
        meters.put(metrics.GATEWAY_LAST_FRAME, self.name, to=at.timestamp())
        if drift is not None:
            meters.put(metrics.GATEWAY_DRIFT, self.name, to=drift)

    def picture_is(self, state: PictureState, since: datetime | None) -> None:
        """Note the state of the camera's picture."""
        with self._lock:
            self._picture, self._picture_since = state, since
        for fault in FAULTS:
            meters.put(metrics.GATEWAY_PICTURE_FAULT, self.name, fault, to=float(fault == state))

    def failed(self, fault: str) -> None:
        """Note a fault of the camera, which lasts until its next frame."""
        with self._lock:
            self._fault = fault

    def health(self, now: datetime) -> CameraHealth:
        """Return the health of the camera now."""
        with self._lock:
            quiet = (now - (self._last or self._began)).total_seconds()
            up = self._last is not None and quiet <= self._silent
            fault = self._fault or ("" if quiet <= self._silent else f"no frame for {quiet:.0f} s")
            frames = dict(self._frames)
            picture, since = self._picture, self._picture_since
        return CameraHealth(
            name=self.name,
            kind=self._kind,
            up=up,
            last_frame=self._last,
            drift=self.drift,
            fault=fault,
            frames=frames,
            picture=picture,
            picture_since=since,
        )


def write(folder: Path, health: GatewayHealth) -> None:
    """Write the state beside the spool, complete or not at all."""
    write_file(folder / NAME, msgspec.json.encode(health))


def read(folder: Path) -> GatewayHealth | None:
    """Return the newest state of a gateway; None where none ever ran."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=GatewayHealth)
    except FileNotFoundError:
        return None
