"""Files of the data folder that a killed process leaves whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from connectors.private_file import write_whole

WRITER = """
import sys
from pathlib import Path
from connectors.private_file import write_whole
while True:
    for letter in (b"a", b"b"):
        write_whole(Path(sys.argv[1]), letter * 1_000_000)
        print("x", flush=True)
"""


def test_what_a_killed_writer_leaves_is_one_of_the_two(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(20):
                content = file.read_bytes()
                assert len(content) == 1_000_000
                assert len(set(content)) == 1
            writer.send_signal(signal.SIGKILL)
        assert len(set(file.read_bytes())) == 1
    assert file.stat().st_mode & 0o777 == 0o600


def test_its_owner_alone_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    old = os.umask(0)
    try:
        write_whole(file, b"x")
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o600
