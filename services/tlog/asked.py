"""Our witnesses: each is shown a head with the proof that it goes on from what it has seen.

A witness that does not answer holds nothing up: all are asked at once, for ten seconds at most, and how long
one has failed is kept beside the log, for metrics and `platestream doctor`.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from connectors.tlog.asking import AskingError, add_checkpoint
from connectors.tlog.kept import WitnessState
from operators.tlog import merkle, tiles
from operators.tlog.checkpoint import Asked, Head
from operators.tlog.note import Note, NoteError, Signature, signatures
from services.tlog.config import LogConfig, Witness

OK, CONFLICT, NO_PROOF = 200, 409, 422


@dataclass
class Witnessing:
    """What witnesses answered. `ahead` says who has seen what we know nothing of."""

    signatures: list[Signature] = field(default_factory=list)
    cosigned: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Told:
    """By one witness: a signature, or why there is none."""

    size: int
    signature: Signature | None = None
    said: str = ""
    ahead: bool = False


def ask(found: LogConfig, head: Head, note: Note, now: datetime) -> Witnessing:
    """Show `head` to all witnesses. Raises PrivateFileError and OSError for what is kept of them here."""
    heard = Witnessing()
    if not found.witnesses:
        return heard
    node = tiles.reader(head.size, lambda tile: found.folder.read(tile.path))
    states = found.kept.witnesses.read()
    with ThreadPoolExecutor(len(found.witnesses)) as pool:
        sizes = [states.get(one.key.name, WitnessState()).size for one in found.witnesses]
        asked = [
            pool.submit(_ask, one, min(size, head.size), head, note, node)
            for one, size in zip(found.witnesses, sizes, strict=True)
        ]
        told = [one.result() for one in asked]
    with found.kept.witnesses.writing() as kept:
        for witness, one in zip(found.witnesses, told, strict=True):
            _note(kept.setdefault(witness.key.name, WitnessState()), one, now)
    for witness, one in zip(found.witnesses, told, strict=True):
        name = witness.key.name
        if one.signature is not None:
            heard.signatures.append(one.signature)
            heard.cosigned.append(name)
        elif one.ahead:
            heard.ahead.append(f"The witness {name} {one.said}.")
        else:
            heard.silent.append(f"{name} {one.said}")
    return heard


def _ask(witness: Witness, old: int, head: Head, note: Note, node: merkle.Node) -> _Told:
    for _attempt in range(2):
        try:
            body = bytes(Asked(old, tuple(merkle.consistency(old, head.size, node)), note))
            answer = add_checkpoint(witness.url, body)
        except AskingError as error:
            return _Told(old, said=str(error))
        except (OSError, ValueError):
            return _Told(old, said="cannot be shown this head: a published tile is missing or damaged")
        if answer.status == OK:
            return _signed(witness, head, old, answer.body)
        if answer.status == NO_PROOF:
            return _Told(
                old, said="says that this head does not go on from the one that it has seen", ahead=True
            )
        if answer.status != CONFLICT:
            return _Told(old, said=f"refuses this head (status {answer.status})")
        seen = _size(answer.body)
        if seen is None:
            return _Told(old, said="answers 409 without a size")
        if seen > head.size:
            return _Told(
                seen, said=f"has seen a head of {seen} entries, and {head.size} are known here", ahead=True
            )
        if seen == old:
            return _Told(seen, said=f"has seen another head of {seen} entries", ahead=True)
        old = seen
    return _Told(old, said="sees other heads meanwhile")


def _signed(witness: Witness, head: Head, old: int, body: bytes) -> _Told:
    """Its signature must be right: whoever answers in its place has not its key."""
    try:
        for one in signatures(body.decode()):
            if witness.key.made(one) and witness.key.holds(head.text, one):
                return _Told(head.size, one)
    except (NoteError, UnicodeDecodeError):
        pass
    return _Told(old, said="answers without a signature of its key")


def _size(body: bytes) -> int | None:
    text = body.decode("ascii", "replace").removesuffix("\n")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else None


def _note(state: WitnessState, told: _Told, now: datetime) -> None:
    state.size = told.size
    if told.signature is not None:
        state.cosigned_at, state.failed_since, state.said = now.timestamp(), 0.0, ""
    else:
        state.failed_since, state.said = state.failed_since or now.timestamp(), told.said
