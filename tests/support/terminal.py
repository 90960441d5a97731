"""A program at a terminal, with a person who types."""

import os
import pty
import select
import signal
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class Terminal:
    """`command` on a terminal of its own; `shown` is all that it wrote."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self.shown = ""
        self._seen = 0
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            # Jobs in the background ignore Ctrl-C, and what they start does, too; at a terminal nothing does.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            # A terminal that is asked where its cursor is would have to answer.
            os.execvpe(
                command[0],
                command,
                {**environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "200"},
            )

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str, within: float = 30) -> str:
        """Read on until it shows `text`; what came since that of the last call."""
        begin, end = self._seen, time.monotonic() + within
        while text not in self.shown[begin:]:
            left = end - time.monotonic()
            assert left > 0, f"no {text!r} in {self.shown[begin:]!r}"
            if self._ready(left):
                self.shown += self._read()
        self._seen = self.shown.index(text, begin) + len(text)
        return self.shown[begin : self._seen]

    def ended(self) -> int:
        """The exit code, once it has ended."""
        while self._ready(30) and (piece := self._read()):
            self.shown += piece
        until = time.monotonic() + 30  # it gives its terminal back before it has ended
        while time.monotonic() < until:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        raise AssertionError(f"it has not ended: {self.shown[-500:]!r}")

    def _ready(self, within: float) -> bool:
        # Not select(2), which takes no descriptor above 1023: a process of many tests has more open.
        waiting = select.poll()
        waiting.register(self._terminal, select.POLLIN)
        return bool(waiting.poll(within * 1000))

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 1 << 16).decode(errors="replace")
        except OSError:  # the other side has closed
            return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._terminal)  # which ends what still runs there
