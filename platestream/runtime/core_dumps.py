"""Prevention of core dumps: a process's memory contains plates, reasons, passwords and keys."""

import ctypes
import resource
import sys

_SET_DUMPABLE = 4  # prctl(2)


def disable() -> None:
    """Disable core dumps of this process.

    The resource limit, which child processes inherit, prevents files. On Linux the process is also made
    undumpable, because the limit does not stop programs to which the kernel pipes dumps (core(5)). Other
    accounts of the machine cannot read its memory then; root can.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
