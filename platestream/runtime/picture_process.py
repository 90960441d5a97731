"""Settings of a process that handles pictures all the time."""

import ctypes

import cv2

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_FREE, _LARGEST = 64 << 20, 32 << 20
"""Bytes of freed memory that an arena keeps, and those of the largest picture for which it does."""
_ARENAS = 8
"""Arenas that threads share: without a limit, eight for each core would keep that much."""


def set_up() -> None:
    """Keep freed memory for the next picture, and let OpenCV work in the calling thread alone.

    Otherwise glibc returns the memory of each picture, which the kernel clears again for the next one: a
    fifth of a reader's time. OpenCV's own threads spin while they wait for each other.
    """
    cv2.setNumThreads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # only glibc has it
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_TRIM_THRESHOLD, _FREE)
        mallopt(_MMAP_THRESHOLD, _LARGEST)
