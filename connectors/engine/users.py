"""The accounts of this moment: users files are read again when one of them changed."""

import logging
import os
from importlib.resources import files
from pathlib import Path

from connectors.engine import accounts
from connectors.engine.accounts import Accounts, AccountsError, Known

logger = logging.getLogger(__name__)


class Users:
    """Call it for the accounts. A file that has become unreadable changes nothing and is logged."""

    def __init__(self, paths: list[Path] | None, known: Known) -> None:
        self._paths = paths or [Path(str(files("clickhouse").joinpath("server-users.xml")))]
        self._known = known
        self._seen = self._stamps()
        self._accounts = self._read()

    def __call__(self) -> Accounts:
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._accounts = self._read()
            except AccountsError as error:
                logger.error("accounts stay as they were: %s", error)
        return self._accounts

    def _read(self) -> Accounts:
        return accounts.read(self._paths, self._known, os.environ)

    def _stamps(self) -> list[tuple[int, int]]:
        try:
            return [(path.stat().st_mtime_ns, path.stat().st_size) for path in self._paths]
        except OSError as error:
            raise AccountsError(f"users file {error.filename}: {error.strerror}") from None
