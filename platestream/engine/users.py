"""Current accounts; the users files are read again when one of them changes."""

import logging
import os
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from platestream.engine import accounts
from platestream.engine.accounts import Accounts, AccountsError, KnownNames
from platestream.runtime.private_file import PrivateFileError
from platestream.runtime.token_file import TERMINAL, Tokens

logger = logging.getLogger(__name__)


class Users:
    """Callable that returns the accounts. A file that becomes unreadable is logged and changes nothing."""

    def __init__(self, paths: list[Path] | None, known: KnownNames, tokens: Path | None = None) -> None:
        self._paths = paths or [Path(str(files("platestream.clickhouse").joinpath("server-users.xml")))]
        self._known, self._tokens = known, Tokens(tokens) if tokens else None
        self._seen = self._stamps()
        self._accounts = self._read()

    def __call__(self) -> Accounts:
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._accounts = self._read().after(self._accounts)
            except AccountsError as error:
                logger.error("accounts stay as they were: %s", error)
        return self._accounts

    def _read(self) -> Accounts:
        found = accounts.read(self._paths, self._known, os.environ)
        return replace(found, is_token=self._is_token)

    def _is_token(self, name: str, text: str) -> bool:
        """Return whether this is a valid token of the command line of the person `name`."""
        try:
            found = self._tokens.find(text, datetime.now(UTC)) if self._tokens else None
        except (OSError, PrivateFileError) as error:
            logger.error("no sign-in with a token: %s", error)
            return False
        return found is not None and found.who == name and TERMINAL in found.parts

    def _stamps(self) -> list[tuple[int, int, int]]:
        try:
            found = [path.stat() for path in self._paths]
            return [(one.st_mtime_ns, one.st_size, one.st_ino) for one in found]
        except OSError as error:
            raise AccountsError(f"users file {error.filename}: {error.strerror}") from None
