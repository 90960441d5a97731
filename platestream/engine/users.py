"""Current accounts; the users files are read again when one of them changes."""

import logging
import os
from importlib.resources import files
from pathlib import Path

from platestream.engine import accounts
from platestream.engine.accounts import Accounts, AccountsError, KnownNames

logger = logging.getLogger(__name__)


class Users:
    """Callable that returns the accounts. A file that becomes unreadable is logged and changes nothing."""

    def __init__(self, paths: list[Path] | None, known: KnownNames) -> None:
        self._paths = paths or [Path(str(files("platestream.clickhouse").joinpath("server-users.xml")))]
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
