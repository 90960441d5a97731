"""Capture times: by the camera's clock where it agrees with ours, otherwise by ours."""

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
MEMORY = timedelta(hours=24)


class CameraClock:
    """Comparison of a camera's clock with ours.

    A frame may be late (the camera stored it while its link was down), but none arrives before it is taken.
    The least delay of the last day is therefore the time by which the camera's clock is behind ours; it is
    negative where the clock is ahead. Within `trust` seconds the clock counts as right, and late frames have
    the camera's time.
    """

    def __init__(self, trust: float) -> None:
        self._trust = trust
        self._least: dict[datetime, float] = {}
        self.drift: float | None = None

    def captured_at(self, camera_time: datetime | None, arrived: datetime) -> datetime:
        """Return the time at which a frame was taken: the camera's own time where its clock is trusted."""
        if camera_time is None:
            return arrived
        delay = (arrived - camera_time).total_seconds()
        hour = arrived.replace(minute=0, second=0, microsecond=0)
        self._least = {at: least for at, least in self._least.items() if hour - at < MEMORY}
        self._least[hour] = min(delay, self._least.get(hour, delay))
        self.drift = min(self._least.values())
        return min(camera_time, arrived) if abs(self.drift) <= self._trust else arrived
