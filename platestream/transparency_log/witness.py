"""Witness of other logs (C2SP `tlog-witness`): it cosigns a head that extends the last one.

The last size and root of each log are on the disk before a cosignature is sent, and concurrent requests are
processed one after the other. Two heads that do not extend each other are therefore never both cosigned, even
after a kill.
"""

from dataclasses import dataclass
from datetime import datetime

from platestream.merkle.checkpoint import AddCheckpointRequest, Head, read_head, read_request
from platestream.merkle.note import NoteError, Signer, Verifier
from platestream.merkle.tree import EMPTY, consistent
from platestream.transparency_log.config import LogConfig, witness_signer
from platestream.transparency_log.publisher_state import WitnessedHead, witnessed_heads

MOST = 64_000
"""Most bytes of a request."""


@dataclass(frozen=True)
class Reply:
    """The answer of a witness: HTTP status, body and content type."""

    status: int
    body: str
    kind: str = "text/plain; charset=utf-8"


class LogWitness:
    """The witness that the settings describe. Raises LogError where they describe none."""

    def __init__(self, log_config: LogConfig) -> None:
        self._signer: Signer = witness_signer(log_config)
        self._logs: dict[str, Verifier] = {one.name: one for one in log_config.logs}
        self._seen = witnessed_heads(log_config.state.root)

    @property
    def key(self) -> Verifier:
        """The public key of this witness."""
        return self._signer.verifier

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that are witnessed."""
        return tuple(self._logs)

    def add_checkpoint(self, body: bytes, now: datetime) -> Reply:
        """Judge a request. Raises PrivateFileError and OSError: then nothing was cosigned."""
        try:
            request = read_request(body)
            head = read_head(request.note.text)
        except NoteError as error:
            return Reply(400, f"{error}\n")
        log = self._logs.get(head.origin)
        if log is None:
            return Reply(404, "this log is not witnessed here\n")
        try:
            if log.signature(request.note) is None:
                return Reply(403, "not signed by the key of this log\n")
        except NoteError:
            return Reply(403, "the signature of this log is not right\n")
        if request.old > head.size:
            return Reply(400, "the old size is larger than the head's\n")
        refused = self._remember(request, head)
        if refused is not None:
            return refused
        return Reply(200, self._signer.sign(head.text, int(now.timestamp())).line)

    def _remember(self, request: AddCheckpointRequest, head: Head) -> Reply | None:
        """Store the head as the last of its log; return a refusal where it does not extend the last one."""
        with self._seen.writing() as heads:
            last = heads.get(head.origin, WitnessedHead(0, EMPTY.hex()))
            root = bytes.fromhex(last.root)
            another = request.old == head.size and root != head.root
            if request.old != last.size or another:
                return Reply(409, f"{last.size}\n", "text/x.tlog.size")
            if not consistent(request.old, head.size, root, head.root, request.hashes):
                return Reply(422, "the proof does not lead from the last head to this one\n")
            heads[head.origin] = WitnessedHead(head.size, head.root.hex())
        return None
