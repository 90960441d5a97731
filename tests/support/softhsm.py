"""SoftHSM: a PKCS#11 token in software, with keys that OpenSC's pkcs11-tool makes in it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest

from tests.conftest import skip_unless_ci

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "4321-agency"
KEY = "platestream"
TOKENS = ("agency", "another", "removed")


class SoftHsm:
    """Tokens of a test run, each with a key. A process reads the configuration once, so they stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tokens").mkdir(parents=True)
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(conf)
        for token in TOKENS:
            _run("softhsm2-util", "--init-token", "--free", "--label", token, "--so-pin", PIN, "--pin", PIN)
            self.make_key(token, KEY, "--sensitive")
        self.make_key("agency", "second", "--sensitive")
        self.make_key("agency", "extractable", "--extractable")

    def make_key(self, token: str, label: str, *more: str) -> None:
        """Make an AES key, as the documents say."""
        tool = ("pkcs11-tool", "--module", str(MODULE), "--token-label", token, "--login", "--pin", PIN)
        _run(*tool, "--keygen", "--key-type", "AES:32", "--label", label, *more)

    def uri(
        self, token: str = "agency", key: str = KEY, pin: Path | None = None, module: Path = MODULE
    ) -> str:
        """Return the URI of a key."""
        path = quote(str(pin or self.pin_file))
        return f"pkcs11:token={token};object={key}?module-path={module}&pin-source=file:{path}"

    def delete(self, token: str) -> None:
        """Delete a token, as if it was pulled out for ever."""
        _run("softhsm2-util", "--delete-token", "--token", token)

    @cached_property
    def pin_file(self) -> Path:
        """File with the right PIN."""
        made = self.folder / "pin"
        made.write_text(PIN + "\n")
        made.chmod(0o600)
        return made


@pytest.fixture(scope="session")
def softhsm(run_folder: Path) -> Iterator[SoftHsm]:
    """The tokens of this process."""
    if not MODULE.exists() or shutil.which("pkcs11-tool") is None:
        skip_unless_ci("SoftHSM is needed: apt-get install softhsm2 opensc")
    yield SoftHsm(Path(mkdtemp(dir=run_folder)) / "softhsm")
    os.environ.pop("SOFTHSM2_CONF")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)
