"""Delay of a video's frames in buffers, by the clock of the stream.

A machine that is late takes old frames out of a connection's buffers. By the time at which they are taken, a
vehicle would have passed later than it did, and more of its frames would be wanted, which makes the
machine later still. The stream's own clock says how much of it has passed.

That clock is the camera's, so what it can change is limited: a frame that was waited for is not late, and
none is later than `MOST_SECONDS`.
"""

TRIAL_SECONDS, STEADY_SECONDS = 20.0, 0.5
"""A clock is believed after a trial of so many seconds, at whose end it is wrong by so many at most."""
DRIFT = STEADY_SECONDS / TRIAL_SECONDS
"""Share by which a believed clock may run slower than ours."""
WAIT_SECONDS = 0.5
"""A frame that was waited for so long was in no buffer."""
MOST_SECONDS = 60.0
"""Longest delay that is believed; buffers hold some megabytes of video."""


class StreamClock:
    """The clock of one connection, which starts at any time and may stand, jump or run wrong."""

    def __init__(self) -> None:
        self._position = float("inf")  # so that the first frame begins the first trial
        self._taken_at = self._came_at = self._offset = self._tried_since = 0.0
        self._believed = False

    def delay(self, position: float, asked_at: float, taken_at: float) -> float:
        """Return for how long a frame was in buffers; 0 while the stream's clock is not believed.

        `position` is the frame's time by the stream. It was asked for and taken at times of a steady clock of
        ours. All are in seconds.
        """
        offset = taken_at - position
        if position <= self._position or offset - self._offset > MOST_SECONDS:
            self._begin_trial(offset, taken_at)
        elif taken_at - asked_at >= WAIT_SECONDS:
            self._offset = offset
        else:
            slower = DRIFT * (taken_at - self._taken_at) if self._believed else 0.0
            # The frame that waited least has the least offset.
            self._offset = min(self._offset + slower, offset)
        self._position, self._taken_at = position, taken_at
        waited = offset - self._offset
        if not self._believed and taken_at - self._tried_since >= TRIAL_SECONDS:
            if waited <= STEADY_SECONDS:
                self._believed = True
            else:
                self._begin_trial(offset, taken_at)
        # Frames come in their order, also by a clock that is believed from now on.
        self._came_at = max(taken_at - (waited if self._believed else 0.0), self._came_at)
        return taken_at - self._came_at

    def _begin_trial(self, offset: float, at: float) -> None:
        self._believed, self._offset, self._tried_since = False, offset, at
