"""What the process of a flow shows of itself: the port of its metrics, its recovery store, its disk."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from connectors import core_dumps
from connectors.metrics import meters, require_port, serve
from connectors.settings import Settings
from schemas import metrics

RECOVERY = "BYTEWAX_RECOVERY_DIRECTORY"


def watch(settings: Settings) -> None:
    """Called once at the start of a flow's process. Raises PortTakenError."""
    core_dumps.forbid()
    require_port(os.environ)
    if settings.metrics:
        host, _colon, port = settings.metrics.rpartition(":")
        serve(int(port), host)
    data = None if settings.kafka else settings.data
    folders = {"recovery": recovery_folder(sys.argv[1:], os.environ), "data": data}
    for name, folder in folders.items():
        if folder is not None:
            meters.follow(metrics.DISK_FREE, name, value=partial(free, folder))
    if folders["recovery"] is not None:
        meters.follow(metrics.RECOVERY_BYTES, value=partial(size, folders["recovery"]))


def recovery_folder(arguments: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """The recovery store that `bytewax.run` was told of."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-r", "--recovery-directory", default=environ.get(RECOVERY))
    told, _rest = parser.parse_known_args(list(arguments))
    return Path(told.recovery_directory) if told.recovery_directory else None


def size(folder: Path) -> float:
    """Bytes in the files of `folder`; a file that goes meanwhile is not counted."""
    total = 0
    for path in folder.glob("**/*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return float(total)


def free(folder: Path) -> float:
    """Free share of the disk that holds `folder`, 0 to 1; 1 where the folder is not there yet."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 1.0
    return usage.free / usage.total
