"""A process that crashes leaves its memory nowhere: plates, reasons, passwords and keys are in it."""

import ctypes
import resource
import sys

_SET_DUMPABLE = 4  # prctl(2)


def forbid() -> None:
    """No core dump of this process: to no file (the limit, which its children have, too), and on Linux to no
    program that the kernel hands dumps to, which the limit would not keep from them (core(5)).

    Other accounts of this machine cannot look into its memory from then on; root can.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
