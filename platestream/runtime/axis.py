"""Ends of the value axes of plots."""

import math

STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


def axis_end(most: float) -> float:
    """Return the smallest of `STEPS` times a power of ten that is at least `most`.

    >>> axis_end(0.7), axis_end(130), axis_end(0)
    (0.8, 150.0, 1.0)
    """
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return float(next(step * power for step in STEPS if step * power >= most))
