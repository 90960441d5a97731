"""Memory of a process that decodes pictures one after the other."""

import subprocess
import sys

DECODES = """
import resource
import cv2
import numpy as np
from platestream.runtime import picture_process
picture_process.set_up()
_, jpeg = cv2.imencode(".jpg", np.full((1080, 1920, 3), 90, np.uint8))
for number in range(20):
    if number == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    small = cv2.resize(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), (640, 360)).astype(np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, cv2.getNumThreads())
"""


def faults_and_threads() -> list[int]:
    """Return the pages that the kernel clears for ten pictures, and the threads that OpenCV uses."""
    command = [sys.executable, "-c", DECODES]
    done = subprocess.run(command, capture_output=True, check=True)
    return list(map(int, done.stdout.split()))


def test_the_memory_of_a_picture_is_used_for_the_next_one_in_the_same_thread() -> None:
    faults, threads = faults_and_threads()
    assert faults < 200  # 1,500 pages of 4 KiB hold one picture
    assert threads == 1
