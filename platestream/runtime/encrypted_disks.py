"""Disks that the kernel encrypts, and swap that is not: memory contains plates, reasons and keys."""

import os
from collections.abc import Iterator
from pathlib import Path

SWAPS, SYS = Path("/proc/swaps"), Path("/sys")


def unencrypted_swaps(swaps: Path = SWAPS, sys: Path = SYS) -> list[str]:
    """Return the names of swap devices and files that are not known to be encrypted.

    Known are devices below dm-crypt, as LUKS and crypttab make them, and zram without a backing device.
    Raises FileNotFoundError where the kernel has no such list, and OSError.
    """
    lines = swaps.read_text().splitlines()[1:]
    names = [line.split()[0] for line in lines if line.strip()]
    return [name for name in names if not _protected(_device(Path(name), sys))]


def is_encrypted(path: Path, sys: Path = SYS) -> bool:
    """Return whether a file or folder is known to be on an encrypted device. Network file systems and those
    with several devices are not known. Raises OSError.
    """
    path.stat()
    return _protected(_device(path.resolve(), sys))


def _device(path: Path, sys: Path) -> Path:
    """Return the folder of a swap device in sysfs, or of the device that a swap file is on."""
    if path.parts[:2] == ("/", "dev"):
        return sys / "class" / "block" / path.resolve().name
    try:
        device = path.stat().st_dev
    except OSError:  # of the host, seen from a container
        return sys / "unknown"
    return sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"


def _protected(device: Path) -> bool:
    if device.name.startswith("zram"):
        return _text(device / "backing_dev") in ("", "none")
    if _text(device / "dm" / "uuid").startswith("CRYPT-"):
        return True
    below = list(_below(device))
    return bool(below) and all(map(_protected, below))


def _below(device: Path) -> Iterator[Path]:
    slaves = device / "slaves"
    if slaves.is_dir():
        yield from slaves.iterdir()


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
