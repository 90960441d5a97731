"""Requests to our witnesses: each gets a head with the proof that it extends the last head that it has seen.

A silent witness does not delay the others: all are asked concurrently, for ten seconds at most. The time
since which one has failed is stored beside the log, for metrics and `platestream doctor`.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import AddCheckpointRequest, Head
from platestream.merkle.note import Note, NoteError, Signature, signatures
from platestream.transparency_log.config import LogConfig, Witness
from platestream.transparency_log.publisher_state import WitnessState
from platestream.transparency_log.witness_client import RequestError, add_checkpoint

OK, CONFLICT, NO_PROOF = 200, 409, 422


@dataclass
class WitnessAnswers:
    """The answers of the witnesses. `ahead` names witnesses that have seen heads unknown here."""

    signatures: list[Signature] = field(default_factory=list)
    cosigned: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _WitnessAnswer:
    """The answer of one witness: a signature, or the reason why there is none."""

    size: int
    signature: Signature | None = None
    said: str = ""
    ahead: bool = False


def ask(log_config: LogConfig, head: Head, note: Note, now: datetime) -> WitnessAnswers:
    """Show `head` to all witnesses. Raises PrivateFileError and OSError for their state that is stored
    here.
    """
    heard = WitnessAnswers()
    if not log_config.witnesses:
        return heard
    node = tiles.reader(head.size, lambda tile: log_config.folder.read(tile.path))
    states = log_config.state.witnesses.read()
    with ThreadPoolExecutor(len(log_config.witnesses)) as pool:
        sizes = [states.get(one.key.name, WitnessState()).size for one in log_config.witnesses]
        requests = [
            pool.submit(_ask, one, min(size, head.size), head, note, node)
            for one, size in zip(log_config.witnesses, sizes, strict=True)
        ]
        answers = [one.result() for one in requests]
    with log_config.state.witnesses.writing() as kept:
        for witness, one in zip(log_config.witnesses, answers, strict=True):
            _note(kept.setdefault(witness.key.name, WitnessState()), one, now)
    for witness, one in zip(log_config.witnesses, answers, strict=True):
        name = witness.key.name
        if one.signature is not None:
            heard.signatures.append(one.signature)
            heard.cosigned.append(name)
        elif one.ahead:
            heard.ahead.append(f"The witness {name} {one.said}.")
        else:
            heard.silent.append(f"{name} {one.said}")
    return heard


def _ask(witness: Witness, old: int, head: Head, note: Note, node: merkle.Node) -> _WitnessAnswer:
    for _attempt in range(2):
        try:
            body = bytes(AddCheckpointRequest(old, tuple(merkle.consistency(old, head.size, node)), note))
            answer = add_checkpoint(witness.url, body)
        except RequestError as error:
            return _WitnessAnswer(old, said=str(error))
        except (OSError, ValueError):
            return _WitnessAnswer(
                old, said="cannot be shown this head: a published tile is missing or damaged"
            )
        if answer.status == OK:
            return _signed(witness, head, old, answer.body)
        if answer.status == NO_PROOF:
            return _WitnessAnswer(
                old, said="says that this head does not go on from the one that it has seen", ahead=True
            )
        if answer.status != CONFLICT:
            return _WitnessAnswer(old, said=f"refuses this head (status {answer.status})")
        known = _size(answer.body)
        if known is None:
            return _WitnessAnswer(old, said="answers 409 without a size")
        if known > head.size:
            return _WitnessAnswer(
                known, said=f"has seen a head of {known} entries, and {head.size} are known here", ahead=True
            )
        if known == old:
            return _WitnessAnswer(known, said=f"has seen another head of {known} entries", ahead=True)
        old = known
    return _WitnessAnswer(old, said="sees other heads meanwhile")


def _signed(witness: Witness, head: Head, old: int, body: bytes) -> _WitnessAnswer:
    """Check the signature, because another server may answer in the witness's place."""
    try:
        for one in signatures(body.decode()):
            if witness.key.of_key(one) and witness.key.holds(head.text, one):
                return _WitnessAnswer(head.size, one)
    except (NoteError, UnicodeDecodeError):
        pass
    return _WitnessAnswer(old, said="answers without a signature of its key")


def _size(body: bytes) -> int | None:
    text = body.decode("ascii", "replace").removesuffix("\n")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else None


def _note(state: WitnessState, answer: _WitnessAnswer, now: datetime) -> None:
    state.size = answer.size
    if answer.signature is not None:
        state.cosigned_at, state.failed_since, state.said = now.timestamp(), 0.0, ""
    else:
        state.failed_since, state.said = state.failed_since or now.timestamp(), answer.said
