"""Metrics of a flow's process: the port, the recovery store and the disk."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from platestream.runtime import core_dumps
from platestream.runtime.metrics import meters, require_port, serve
from platestream.schemas import metrics
from platestream.settings import Settings

RECOVERY = "BYTEWAX_RECOVERY_DIRECTORY"


def start_process(settings: Settings) -> None:
    """Set up the process of a flow; called once at its start. Raises PortTakenError."""
    core_dumps.disable()
    require_port(os.environ)
    if settings.metrics:
        host, _colon, port = settings.metrics.rpartition(":")
        serve(int(port), host)
    data = None if settings.kafka else settings.data
    folders = {"recovery": recovery_folder(sys.argv[1:], os.environ), "data": data}
    for name, folder in folders.items():
        if folder is not None:
            meters.follow(metrics.DISK_FREE, name, value=partial(free_share, folder))
    if folders["recovery"] is not None:
        meters.follow(metrics.RECOVERY_BYTES, value=partial(folder_size, folders["recovery"]))


def recovery_folder(arguments: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Return the recovery store in the arguments of `bytewax.run`, or None."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-r", "--recovery-directory", default=environ.get(RECOVERY))
    options, _rest = parser.parse_known_args(list(arguments))
    return Path(options.recovery_directory) if options.recovery_directory else None


def folder_size(folder: Path) -> float:
    """Return the bytes in the files of `folder`; a file that disappears is not counted."""
    total = 0
    for path in folder.glob("**/*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return float(total)


def free_share(folder: Path) -> float:
    """Return the free share of the disk with `folder`, 0 to 1; 1 if the folder does not exist yet."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 1.0
    return usage.free / usage.total
