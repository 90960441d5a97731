"""Being a witness of others' logs (C2SP `tlog-witness`): a head is cosigned when it goes on from the last.

The last size and root of each log are on the disk before a cosignature leaves, and two requests at once are
taken one after the other: so no two heads that do not go on from each other can both be cosigned, whatever
is killed when.
"""

from dataclasses import dataclass
from datetime import datetime

from connectors.tlog.kept import Seen, seen
from operators.tlog.checkpoint import Asked, Head, read_asked, read_head
from operators.tlog.merkle import EMPTY, consistent
from operators.tlog.note import NoteError, Signer, Verifier
from services.tlog.config import LogConfig, witness_signer

MOST = 64_000
"""Bytes of a request."""


@dataclass(frozen=True)
class Reply:
    """Of a witness: a status of HTTP, what it says, and what type that is."""

    status: int
    body: str
    kind: str = "text/plain; charset=utf-8"


class LogWitness:
    """The witness that the settings describe. Raises LogError where they describe none."""

    def __init__(self, found: LogConfig) -> None:
        self._signer: Signer = witness_signer(found)
        self._logs: dict[str, Verifier] = {one.name: one for one in found.logs}
        self._seen = seen(found.kept.root)

    @property
    def key(self) -> Verifier:
        """What others know us by."""
        return self._signer.verifier

    @property
    def origins(self) -> tuple[str, ...]:
        """Logs that are witnessed."""
        return tuple(self._logs)

    def add_checkpoint(self, body: bytes, now: datetime) -> Reply:
        """Judge a request. Raises PrivateFileError and OSError: then nothing was cosigned."""
        try:
            asked = read_asked(body)
            head = read_head(asked.note.text)
        except NoteError as error:
            return Reply(400, f"{error}\n")
        log = self._logs.get(head.origin)
        if log is None:
            return Reply(404, "this log is not witnessed here\n")
        try:
            if log.signature(asked.note) is None:
                return Reply(403, "not signed by the key of this log\n")
        except NoteError:
            return Reply(403, "the signature of this log is not right\n")
        if asked.old > head.size:
            return Reply(400, "the old size is larger than the head's\n")
        refused = self._remember(asked, head)
        if refused is not None:
            return refused
        return Reply(200, self._signer.sign(head.text, int(now.timestamp())).line)

    def _remember(self, asked: Asked, head: Head) -> Reply | None:
        """Keep the head as the last of its log; why not, where it does not go on from the last."""
        with self._seen.writing() as heads:
            last = heads.get(head.origin, Seen(0, EMPTY.hex()))
            root = bytes.fromhex(last.root)
            another = asked.old == head.size and root != head.root
            if asked.old != last.size or another:
                return Reply(409, f"{last.size}\n", "text/x.tlog.size")
            if not consistent(asked.old, head.size, root, head.root, asked.hashes):
                return Reply(422, "the proof does not lead from the last head to this one\n")
            heads[head.origin] = Seen(head.size, head.root.hex())
        return None
