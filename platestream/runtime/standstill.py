"""End of a flow that hangs, so that whatever supervises its process starts it again.

Its metrics and heartbeats come from threads of their own, so they do not show that it hangs.
"""

import faulthandler
import time
from datetime import timedelta
from threading import Thread

from platestream.runtime.clock import PROCESS

LOOK = timedelta(minutes=1)
STANDSTILL = timedelta(minutes=10)
"""Time without a poll of any source, as of the last look, after which the process ends. The longest wait that
ends by itself is that of an insert: five minutes of retries, and the last answer."""


def watch(look: timedelta = LOOK, standstill: timedelta = STANDSTILL) -> None:
    """Watch the flow of this process: if it hangs, write where each thread is, and end with status 1.

    A flow that was never polled is still starting. The timer is one in C, which a call that never returns to
    Python, and an exit that hangs, do not stop.
    """
    Thread(target=_watch, args=(look, standstill), name="standstill", daemon=True).start()


def _watch(look: timedelta, standstill: timedelta) -> None:
    seen = 0
    while True:
        time.sleep(look.total_seconds())
        if PROCESS.count != seen:
            seen = PROCESS.count
            faulthandler.dump_traceback_later(standstill.total_seconds(), exit=True)
