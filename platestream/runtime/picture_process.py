"""Settings of a process that handles pictures all the time."""

import ctypes

import cv2

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_FREE, _LARGEST = 64 << 20, 32 << 20
"""Bytes of freed memory that a thread keeps, and those of the largest picture for which it does."""


def set_up() -> None:
    """Keep freed memory for the next picture, and let OpenCV work in the calling thread alone.

    Otherwise glibc returns the memory of each picture, which the kernel clears again for the next one: a
    fifth of a reader's time. OpenCV's own threads spin while they wait for each other.
    """
    cv2.setNumThreads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # only glibc has it
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _FREE)
        mallopt(_MMAP_THRESHOLD, _LARGEST)
