"""Memory of a process that decodes pictures."""

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

MANY_AT_ONCE = """
import threading
from pathlib import Path
import numpy as np
from platestream.runtime import picture_process
picture_process.set_up()

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

together = threading.Barrier(64)

def takes_pictures(height):
    for number in range(3):
        pictures = [np.ones((height, 1920, 3), np.uint8) for _ in range(2)]
        together.wait()
        del pictures

def connections(height):
    threads = [threading.Thread(target=takes_pictures, args=(height,)) for _ in range(64)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

connections(1)  # what threads take themselves is no picture
before = pages()
connections(1080)
print((pages() - before) * 4096 // (1 << 20))
"""


def said(program: str) -> list[int]:
    """Return the numbers that a program prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return list(map(int, done.stdout.split()))


def test_of_many_connections_that_each_brought_pictures_little_memory_is_kept() -> None:
    (kept,) = said(MANY_AT_ONCE)
    assert kept < 8 * 64  # MiB, half of what Kubernetes lets the gateway have


def test_the_memory_of_a_picture_is_used_for_the_next_one_in_the_same_thread() -> None:
    faults, threads = said(DECODES)
    assert faults < 200  # 1,500 pages of 4 KiB hold one picture
    assert threads == 1
