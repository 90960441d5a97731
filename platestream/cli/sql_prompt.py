"""The prompt of `platestream sql`: lines up to `;`, completion by Tab, and a history without plates."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory

from services.sql.text import shape, split

ENDS = ("exit", "quit", r"\q")


class Shapes(FileHistory):
    """Whole statements while it lasts, and on disk what `shape` leaves of them: no plate, case or reason."""

    def __init__(self, path: Path, known: Collection[str]) -> None:
        """Make `path` for its owner only. Raises OSError, also where it is a link or another person's."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(made).st_mode):
                raise OSError(f"{path} is not a file")
            os.fchmod(made, 0o600)  # refused to whoever does not own it
        finally:
            os.close(made)
        super().__init__(str(path))
        self._known = known

    def store_string(self, string: str) -> None:
        kept = " ".join(f"{shape(one, self._known)};" for one in split(string)[0])
        if kept:
            super().store_string(kept)


def history_path() -> Path:
    """A person's own, in their home (XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "platestream" / "sql_history"


class Prompt:
    """Reads statements from a terminal. `words` are completed; of nothing else than these is kept on disk."""

    def __init__(self, name: str, words: Collection[str]) -> None:
        """Raises OSError where the history cannot be kept."""
        self._session: PromptSession[str] = PromptSession(
            f"{name}> ",
            multiline=Condition(self._unfinished),
            prompt_continuation="  … ",
            history=Shapes(history_path(), frozenset(word.lower() for word in words)),
            completer=WordCompleter(sorted(words), ignore_case=True),
            complete_while_typing=False,
        )

    def statements(self) -> list[str]:
        """The next ones. Raises EOFError at the end, and KeyboardInterrupt for Ctrl-C."""
        typed = self._session.prompt()
        if typed.strip().rstrip(";") in ENDS:
            raise EOFError
        return split(typed)[0]

    def _unfinished(self) -> bool:
        typed = self._session.default_buffer.text
        return bool(split(typed)[1]) and typed.strip() not in ENDS
