"""Publication of the log: newly sealed inquiries are put into the tree, and a head is signed, witnessed and
stamped. The hourly counts that it holds are published, too.

This never signs two heads of one size, or a head that does not extend the last one:

- one process at a time has the log (a lock on its private folder);
- the last head is stored in private and is on the disk before anybody sees it, and a tree is extended only
  from tiles whose root is that head's;
- the seals must follow the seal that the last head ended with (the hash chain of `inquiry_log`), which they
  do not in a database that was restored or rewritten;
- the published head, and the heads that witnesses have seen, must not be ahead of the stored one.

After a kill there may be tiles of no head, which the next run writes again, or a head that was signed and not
published, which it publishes. Anything else is refused, with advice.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from platestream.merkle import tiles
from platestream.merkle.checkpoint import Head, open_checkpoint
from platestream.merkle.note import Note, NoteError, Signature, Signer, Verifier, parse
from platestream.merkle.tiles import Growth, Tile, numbered
from platestream.merkle.tree import EMPTY, SIZE
from platestream.transparency_log import leaves
from platestream.transparency_log.config import LogConfig, LogError
from platestream.transparency_log.leaves import Leaf, LeavesError
from platestream.transparency_log.log_integrity import KEPT as YEARS
from platestream.transparency_log.log_integrity import LATE
from platestream.transparency_log.published_counts import write_days
from platestream.transparency_log.published_folder import CHECKPOINT
from platestream.transparency_log.publisher_state import LastRun, SignedHead
from platestream.transparency_log.witness_client import RequestError, stamp
from platestream.transparency_log.witnesses import WitnessAnswers, ask

RESTORED = (
    "If the database or this folder was restored from a backup, what was published since cannot be taken "
    "back: begin another log under another name, keep this one's files published, and say why in public "
    "(docs/how-to/operator/published-log.md, When publishing is refused)"
)


@dataclass(frozen=True)
class Published:
    """The result: the head, the number of new entries, and the seals whose inquiry was missing or altered.

    `cosigned` names witnesses, `silent` gives the reasons of the others, and `unstamped` is the reason why
    there is no time stamp.
    """

    head: Head
    new: int
    altered: tuple[int, ...] = ()
    cosigned: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    unstamped: str = ""


def publish(
    log_config: LogConfig, key: Signer, client: Client, now: datetime, *, look_first: bool = True
) -> Published:
    """Extend the log to the last seal. `client` needs the sealer's role.

    `look_first` asks witnesses whether they have seen more than is stored here, before anything is signed.
    Raises LogError where nothing may be signed, BusyError, DatabaseError and OSError.
    """
    with log_config.state.lock():
        try:
            published = _publish(log_config, key, client, now, look_first)
        except (LogError, LeavesError, NoteError) as error:
            log_config.state.store_run(LastRun(at=now.timestamp(), refused=str(error)))
            raise LogError(str(error)) from None
        log_config.state.store_run(LastRun(at=now.timestamp(), unstamped=published.unstamped))
        return published


def head_path(size: int) -> str:
    """Return the path of a head by its size, with the signature of the log only: it never changes."""
    return f"head/{numbered(size)}"


def _publish(
    log_config: LogConfig, key: Signer, client: Client, now: datetime, look_first: bool
) -> Published:
    last, note = _last(log_config, key.verifier)
    if note is not None and look_first:
        _check_witnesses(ask(log_config, last, note, now))
    growth = _tree(log_config, last)
    signed = log_config.state.signed()
    _check_continuation(client, last.size, signed.seal_hash if signed else "")
    altered: list[int] = []
    end = signed.seal_hash if signed else ""
    for entry in _before(client, last.size, now):
        _write(log_config, growth.add(entry))
    while page := leaves.salted(client, growth.size + 1):
        for leaf in page:
            end = _following(leaf, end)
            if not leaf.whole:
                altered.append(leaf.seal)
            _write(log_config, growth.add(leaf.entry))
    if growth.size > last.size:
        _write(log_config, growth.edge())
        last = Head(key.name, growth.size, growth.root())
        note = Note(last.text, (key.sign(last.text),))
        log_config.state.store_signed(
            SignedHead(note=str(note), size=last.size, seal_hash=end, signed_at=now.timestamp())
        )
    if note is None:
        return Published(Head(key.name, 0, growth.root()), 0)
    if log_config.counts:
        write_days(log_config.folder, client, last, now)
    return _show(log_config, last, note, now, signed.size if signed else 0, altered)


def _show(
    log_config: LogConfig, head: Head, note: Note, now: datetime, before: int, altered: list[int]
) -> Published:
    """Publish a stored head, with the signatures of the witnesses that answer, and a time stamp."""
    path = head_path(head.size)
    witnessing = ask(log_config, head, note, now)
    _check_witnesses(witnessing)
    if log_config.folder.find(path) != str(note).encode():
        log_config.folder.write(path, str(note).encode())
    signed = note.with_also([*_cosignatures(log_config, note), *witnessing.signatures])
    if log_config.folder.find(CHECKPOINT) != str(signed).encode():
        log_config.folder.write(CHECKPOINT, str(signed).encode())
    _drop_partials(log_config, before, head.size)
    unstamped = _stamp(log_config, path, str(note).encode())
    return Published(
        head,
        head.size - before,
        tuple(altered),
        tuple(witnessing.cosigned),
        tuple(witnessing.silent),
        unstamped,
    )


def _last(log_config: LogConfig, key: Verifier) -> tuple[Head, Note | None]:
    """Return the last signed head. Raises LogError where the published head is ahead of it."""
    signed = log_config.state.signed()
    head, note = open_checkpoint(signed.note.encode(), key) if signed else (Head(key.name, 0, EMPTY), None)
    shown = log_config.folder.find(CHECKPOINT)
    if shown is None:
        return head, note
    try:
        published, _note = open_checkpoint(shown, key)
    except NoteError as error:
        raise LogError(
            f"{log_config.folder.root} holds the checkpoint of another log or key ({error}): publish into "
            "another folder, or bring back the key"
        ) from None
    ahead = published.size > head.size or (published.size == head.size and published.root != head.root)
    if ahead:
        raise LogError(
            f"a head of {published.size} entries is published, and the last one that is known here has "
            f"{head.size}. {RESTORED}"
        )
    return head, note


def _tree(log_config: LogConfig, last: Head) -> Growth:
    """Return the tree of the last head, from the published tiles. Raises LogError unless it has that head's
    root.
    """
    try:
        growth = Growth(last.size, lambda tile: log_config.folder.read(tile.path))
        right = growth.root() == last.root
    except (FileNotFoundError, ValueError) as error:
        raise LogError(
            f"a tile of the published log is missing or damaged ({error}): restore {log_config.folder.root} "
            "from a copy, for example from the web server's"
        ) from None
    if not right:
        raise LogError(
            f"the tiles in {log_config.folder.root} are not those of the last head, of {last.size} entries: "
            "restore them from a copy, for example from the web server's"
        )
    return growth


def _check_continuation(client: Client, size: int, seal_hash: str) -> None:
    """Raise LogError unless the seals continue from the end of the last head."""
    if not size:
        return
    there, following = leaves.link(client, size), leaves.link(client, size + 1)
    if there is None and following is None:
        raise LogError(
            f"the last head has {size} entries, and the database ends at seal "
            f"{leaves.seal_range(client).last}. {RESTORED}"
        )
    if (there and there[1] != seal_hash) or (following and following[0] != seal_hash):
        raise LogError(f"seal {size} in the database is not the one that was published. {RESTORED}")


def _following(leaf: Leaf, end: str) -> str:
    if end and leaf.previous != end:
        raise LogError(
            f"seal {leaf.seal} does not follow from the one before it: the database was altered "
            "(platestream audit verify)"
        )
    return leaf.hash


def _before(client: Client, size: int, now: datetime) -> Iterable[bytes]:
    """Return entries for seals that had expired before the log began, of which nothing can be shown."""
    ends = leaves.seal_range(client)
    if size or not ends.count or ends.first == 1:
        return ()
    if ends.since > now - YEARS + LATE:
        raise LogError(f"seals before {ends.first} are not in the database, and are not seven years old")
    return (secrets.token_bytes(SIZE) for _seal in range(1, ends.first))


def _write(log_config: LogConfig, made: Iterable[tuple[Tile, bytes]]) -> None:
    for tile, content in made:
        log_config.folder.write(tile.path, content)


def _drop_partials(log_config: LogConfig, before: int, size: int) -> None:
    """Delete partial tiles of the previous right edge that are complete now."""
    for level in (tiles.ENTRIES, *range(-(-before.bit_length() // tiles.HEIGHT))):
        shift = 0 if level == tiles.ENTRIES else tiles.HEIGHT * level
        number = (before >> shift) // tiles.WIDTH
        if number < (size >> shift) // tiles.WIDTH:
            log_config.folder.drop_partial(Tile(level, number).path)


def _cosignatures(log_config: LogConfig, note: Note) -> list[Signature]:
    """Return the witnesses' signatures that are already published with this head."""
    shown = log_config.folder.find(CHECKPOINT)
    before = parse(shown) if shown else None
    keys = [one.key for one in log_config.witnesses]
    if before is None or before.text != note.text:
        return []
    return [
        one for one in before.signatures if any(key.of_key(one) and key.holds(note.text, one) for key in keys)
    ]


def _check_witnesses(witnessing: WitnessAnswers) -> None:
    if witnessing.ahead:
        wrong = "A witness that is wrong is taken out of PLATESTREAM_LOG_FILE"
        raise LogError(f"{' '.join(witnessing.ahead)} {RESTORED}. {wrong}")


def _stamp(log_config: LogConfig, path: str, data: bytes) -> str:
    """Stamp this head; return why there is no time stamp, empty where there is one, or none is wanted."""
    if log_config.stamps is None or log_config.folder.find(f"{path}.tsr") is not None:
        return ""
    try:
        log_config.folder.write(
            f"{path}.tsr", stamp(log_config.stamps.url, log_config.stamps.certificates, data)
        )
    except RequestError as error:
        return f"the authority {error}"
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""
