"""How each camera is, as the gateway knows it and as `platestream cameras health` reads it."""

import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.metrics import meters
from connectors.private_file import write_whole
from schemas import metrics

NAME = "state.json"


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One camera. `drift` is in seconds; `fault` is what is wrong, in a sentence, or empty."""

    name: str
    kind: str
    up: bool
    last_frame: datetime | None = None
    drift: float | None = None
    fault: str = ""
    frames: dict[str, int] = {}


class GatewayHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The whole gateway at a moment."""

    at: datetime
    waiting: int
    waiting_bytes: int
    sending: str
    cameras: tuple[CameraHealth, ...]


class CameraState:
    """What is known of one camera. For use by many threads."""

    def __init__(self, name: str, kind: str, silent: float, began: datetime) -> None:
        self.name, self._kind, self._silent, self._began = name, kind, silent, began
        self._lock = threading.Lock()
        self._frames: Counter[str] = Counter()
        self._last: datetime | None = None
        self._fault = ""
        self.drift: float | None = None
        meters.put(metrics.GATEWAY_LAST_FRAME, name, to=began.timestamp())
        for outcome in metrics.GATEWAY_OUTCOMES:  # from 0, so that the first one that is lost is seen
            meters.count(metrics.GATEWAY_FRAMES, name, outcome, by=0)

    def count(self, outcome: str, by: int = 1) -> None:
        """Frames with an outcome of `metrics.GATEWAY_FRAMES`."""
        with self._lock:
            self._frames[outcome] += by
        meters.count(metrics.GATEWAY_FRAMES, self.name, outcome, by=by)

    def arrived(self, at: datetime, drift: float | None) -> None:
        """A frame came that is a picture."""
        with self._lock:
            self._last, self._fault, self.drift = at, "", drift
        meters.put(metrics.GATEWAY_LAST_FRAME, self.name, to=at.timestamp())
        if drift is not None:
            meters.put(metrics.GATEWAY_DRIFT, self.name, to=drift)

    def failed(self, fault: str) -> None:
        """Something is wrong with the camera, until its next frame."""
        with self._lock:
            self._fault = fault

    def health(self, now: datetime) -> CameraHealth:
        """How it is now."""
        with self._lock:
            quiet = (now - (self._last or self._began)).total_seconds()
            up = self._last is not None and quiet <= self._silent
            fault = self._fault or ("" if quiet <= self._silent else f"no frame for {quiet:.0f} s")
            told = dict(self._frames)
        return CameraHealth(
            name=self.name,
            kind=self._kind,
            up=up,
            last_frame=self._last,
            drift=self.drift,
            fault=fault,
            frames=told,
        )


def write(folder: Path, health: GatewayHealth) -> None:
    """Puts the state beside the spool, whole or not at all."""
    write_whole(folder / NAME, msgspec.json.encode(health))


def read(folder: Path) -> GatewayHealth | None:
    """The newest state of a gateway; None where none ever ran."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=GatewayHealth)
    except FileNotFoundError:
        return None
