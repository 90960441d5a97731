"""Whose clock to believe: a camera's, where it agrees with ours, else ours."""

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
REMEMBERED = timedelta(hours=24)


class CameraClock:
    """Compares a camera's clock with ours.

    A frame may be late (the camera kept it while its link was down), but none arrives before it is taken: so
    the least delay of the last day is by how much the camera's clock is behind ours. It is negative where
    the clock is ahead. Within `trust` seconds the clock is right, and late frames keep the camera's time.
    """

    def __init__(self, trust: float) -> None:
        self._trust = trust
        self._least: dict[datetime, float] = {}
        self.drift: float | None = None

    def captured_at(self, told: datetime | None, arrived: datetime) -> datetime:
        """When a frame was taken."""
        if told is None:
            return arrived
        delay = (arrived - told).total_seconds()
        hour = arrived.replace(minute=0, second=0, microsecond=0)
        self._least = {at: least for at, least in self._least.items() if hour - at < REMEMBERED}
        self._least[hour] = min(delay, self._least.get(hour, delay))
        self.drift = min(self._least.values())
        return min(told, arrived) if abs(self.drift) <= self._trust else arrived
