"""Swap is protected below dm-crypt and in zram, and anything else is named."""

import os
from pathlib import Path

import pytest

from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import NotCheckedError
from platestream.operations.doctor.secrecy import swap
from platestream.runtime.swap import unencrypted_swaps

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def device(sys: Path, name: str, uuid: str = "", below: tuple[str, ...] = (), backing: str = "") -> None:
    folder = sys / "class" / "block" / name
    (folder / "dm").mkdir(parents=True)
    (folder / "slaves").mkdir()
    if uuid:
        (folder / "dm" / "uuid").write_text(f"{uuid}\n")
    if backing:
        (folder / "backing_dev").write_text(f"{backing}\n")
    for one in below:
        (folder / "slaves" / one).symlink_to(sys / "class" / "block" / one)


def found(tmp_path: Path, *names: str) -> list[str]:
    lines = [f"{name}                               partition\t8388604\t0\t-2\n" for name in names]
    (tmp_path / "swaps").write_text(HEAD + "".join(lines))
    return unencrypted_swaps(tmp_path / "swaps", tmp_path / "sys")


def test_no_swap_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_devices_below_dm_crypt_and_zram_are_protected_and_others_are_named(tmp_path: Path) -> None:
    sys = tmp_path / "sys"
    device(sys, "dm-7", "CRYPT-PLAIN-swap")
    device(sys, "dm-8", "LVM-abc", ("dm-7",))
    device(sys, "dm-9", "LVM-abc", ("dm-7", "sda3"))
    device(sys, "sda3")
    device(sys, "zram7", backing="none")
    device(sys, "zram8", backing="/dev/sda3")
    names = [f"/dev/{one}" for one in ("dm-7", "dm-8", "dm-9", "sda3", "zram7", "zram8", "gone")]
    assert found(tmp_path, *names) == ["/dev/dm-9", "/dev/sda3", "/dev/zram8", "/dev/gone"]


def test_a_file_is_as_the_disk_that_it_is_on(tmp_path: Path) -> None:
    file = tmp_path / "swapfile"
    file.write_bytes(b"")
    assert found(tmp_path, str(file)) == [str(file)]
    on = file.stat().st_dev
    disk = tmp_path / "sys" / "dev" / "block" / f"{os.major(on)}:{os.minor(on)}" / "dm"
    disk.mkdir(parents=True)
    (disk / "uuid").write_text("CRYPT-LUKS2-abc\n")
    assert found(tmp_path, str(file)) == []
    assert found(tmp_path, "/swapfile-of-the-host") == ["/swapfile-of-the-host"]


def test_the_doctor_warns_of_it() -> None:
    (soon,) = swap(CheckContext({}, swaps=lambda: ["/dev/sda3"]))
    assert (soon.state, "/dev/sda3" in soon.found) == ("soon", True)
    (right,) = swap(CheckContext({}, swaps=list))
    assert right.state == "right"

    def absent() -> list[str]:
        raise FileNotFoundError

    with pytest.raises(NotCheckedError):
        list(swap(CheckContext({}, swaps=absent)))
