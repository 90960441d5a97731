"""Hourly count of what was written, as an entry of the ledger seals it. It holds no plate and no picture."""

from datetime import date

import msgspec

from platestream.schemas.fields import Instant


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one day of capture: their number by camera, first and last time, and a hash of all of
    them.
    """

    source: str
    day: date
    cameras: dict[str, int]
    first: Instant
    last: Instant
    sha256: str


class FrameTally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The numbered frames of a camera and epoch that arrived at the recognition by the end of the hour.

    `frames`, `outcomes`, `twice` and `gaps` are of this hour: arrived frames, what became of them, frames
    with the number of another one, and ranges of numbers that did not arrive in it. `last` is the highest
    number so far, `arrived` and `lost` are counts since the epoch began, and `base` is what was not counted
    here because counting began later. `device` is of the camera's own numbers in this hour: how many, the
    lowest and the highest. An empty `epoch` is of frames without a number.
    """

    camera: str
    epoch: str = ""
    frames: int = 0
    outcomes: dict[str, int] = {}
    twice: int = 0
    gaps: list[tuple[int, int]] = []
    base: int = 0
    last: int = 0
    arrived: int = 0
    lost: dict[str, int] = {}
    device: tuple[int, int, int] | None = None

    @property
    def missing(self) -> int:
        """The numbers so far that neither arrived nor were reported as lost."""
        return 0 if not self.epoch else self.last - self.base - self.arrived - sum(self.lost.values())


class HourTally(msgspec.Struct, frozen=True, kw_only=True):
    """Detections of one hour of capture, by camera."""

    hour: Instant
    cameras: dict[str, int]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by camera: arrived frames, detections that were written first, and those that the retention job
    deleted by the retention period then in force.
    """

    retained_s: int
    frames: list[FrameTally]
    passes: list[HourTally]
    expired: list[HourTally]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The rows written after `since` and until `until`, by the database's clock; of older releases without
    `counts`.
    """

    since: Instant
    until: Instant
    days: list[Day]
    counts: Counts | None = None
