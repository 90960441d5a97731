"""Prompt of `platestream sql`: lines up to `;`, completion by Tab, and a history without plates."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory

from platestream.inquiries.sql.text import shape, split

ENDS = ("exit", "quit", r"\q")


class Shapes(FileHistory):
    """History that holds whole statements in memory, and on disk their `shape` only: no plate, case or
    reason.
    """

    def __init__(self, path: Path, known: Collection[str]) -> None:
        """Create `path` for its owner only. Raises OSError, also if it is a link or belongs to another
        person.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(made).st_mode):
                raise OSError(f"{path} is not a file")
            os.fchmod(made, 0o600)  # refuses a file of another owner
        finally:
            os.close(made)
        super().__init__(str(path))
        self._known = known

    def store_string(self, string: str) -> None:
        shapes = " ".join(f"{shape(one, self._known)};" for one in split(string)[0])
        if shapes:
            super().store_string(shapes)


def history_path() -> Path:
    """Return the path of a person's own history file, in their home (XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "platestream" / "sql_history"


class Prompt:
    """Reader of statements from a terminal. Only the completed `words` are stored on disk."""

    def __init__(self, name: str, words: Collection[str]) -> None:
        """Open the history. Raises OSError if it cannot be stored."""
        self._session: PromptSession[str] = PromptSession(
            f"{name}> ",
            multiline=Condition(self._unfinished),
            prompt_continuation="  … ",
            history=Shapes(history_path(), frozenset(word.lower() for word in words)),
            completer=WordCompleter(sorted(words), ignore_case=True),
            complete_while_typing=False,
        )

    def statements(self) -> list[str]:
        """Return the next statements. Raises EOFError at the end, and KeyboardInterrupt on Ctrl-C."""
        typed = self._session.prompt()
        if typed.strip().rstrip(";") in ENDS:
            raise EOFError
        return split(typed)[0]

    def _unfinished(self) -> bool:
        typed = self._session.default_buffer.text
        return bool(split(typed)[1]) and typed.strip() not in ENDS
