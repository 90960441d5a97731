"""Disks below dm-crypt are encrypted, and swap in zram; anything else is named."""

import os
import tempfile
from pathlib import Path

import pytest

from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import NotCheckedError
from platestream.operations.doctor.secrecy import swap, table_disk
from platestream.runtime.encrypted_disks import is_encrypted, unencrypted_swaps

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
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as made:  # swap is never on a disk in memory
        as_its_disk(tmp_path, Path(made.name))


def as_its_disk(tmp_path: Path, file: Path) -> None:
    assert found(tmp_path, str(file)) == [str(file)]
    on = file.stat().st_dev
    disk = tmp_path / "sys" / "dev" / "block" / f"{os.major(on)}:{os.minor(on)}" / "dm"
    disk.mkdir(parents=True)
    (disk / "uuid").write_text("CRYPT-LUKS2-abc\n")
    assert found(tmp_path, str(file)) == []
    assert is_encrypted(file, tmp_path / "sys")
    assert is_encrypted(file.parent, tmp_path / "sys")
    assert not is_encrypted(file.parent, tmp_path / "another")
    with pytest.raises(OSError, match="No such file"):
        is_encrypted(tmp_path / "gone", tmp_path / "sys")
    assert found(tmp_path, "/swapfile-of-the-host") == ["/swapfile-of-the-host"]


def test_the_doctor_warns_of_it() -> None:
    soon = swap(CheckContext({}, swaps=lambda: ["/dev/sda3"]))
    assert (soon.state, "/dev/sda3" in soon.found) == ("soon", True)
    right = swap(CheckContext({}, swaps=list))
    assert right.state == "right"

    def absent() -> list[str]:
        raise FileNotFoundError

    with pytest.raises(NotCheckedError):
        swap(CheckContext({}, swaps=absent))


@pytest.mark.parametrize(("encrypted", "state"), [(True, "right"), (False, "soon")])
def test_the_doctor_says_whether_the_tables_are_on_an_encrypted_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool, state: str
) -> None:
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path))
    asked = list[Path]()

    def says(folder: Path) -> bool:
        asked.append(folder)
        return encrypted

    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", f"chdb://{tmp_path}/tables/platestream")
    answer = table_disk(CheckContext({}, encrypted=says))
    assert (answer.state, asked) == (state, [tmp_path / "tables" / "platestream"])
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", "https://smith:x@ch.example:8443/platestream")
    with pytest.raises(NotCheckedError):
        table_disk(CheckContext({}, encrypted=says))
