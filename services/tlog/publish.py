"""Publishing the log: what is newly sealed is put into the tree, a head is signed, witnessed and stamped.

Nothing can make this sign two heads of one size, or one that does not go on from the last:

- one process at a time has the log (a lock on its private folder);
- the last head is kept in private and is on the disk before anybody sees it, and a tree is extended only
  from tiles whose root is that head's;
- the seals must go on from the seal that the last head ended with (the hash chain of `inquiry_log`): a
  database that was restored, or written anew, does not;
- what is published, and what witnesses say that they have seen, must not be ahead of what is kept.

A kill at any moment leaves tiles that no head speaks of, which the next run writes again, or a head that
was signed and not published, which it publishes. Anything else is refused, with what to do.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from connectors.inquiry_verify import KEPT as YEARS
from connectors.inquiry_verify import LATE
from connectors.tlog import leaves
from connectors.tlog.asking import AskingError, stamp
from connectors.tlog.folder import CHECKPOINT
from connectors.tlog.kept import LastRun, Signed
from connectors.tlog.leaves import Leaf, LeavesError
from operators.tlog import tiles
from operators.tlog.checkpoint import Head, opened
from operators.tlog.merkle import SIZE
from operators.tlog.note import Note, NoteError, Signature, Signer, Verifier, parse
from operators.tlog.tiles import Growth, Tile, numbered
from services.tlog.asked import Witnessing, ask
from services.tlog.config import LogConfig, LogError

RESTORED = (
    "If the database or this folder was restored from a backup, what was published since cannot be taken "
    "back: begin another log under another name, keep this one's files published, and say why in public "
    "(docs/proof.md, When publishing is refused)"
)


@dataclass(frozen=True)
class Published:
    """What was published: the head, how many entries are new, and seals whose inquiry was gone or altered.

    `cosigned` names witnesses, `silent` says of others why not. `unstamped` says why there is no time stamp.
    """

    head: Head
    new: int
    altered: tuple[int, ...] = ()
    cosigned: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    unstamped: str = ""


def publish(
    found: LogConfig, key: Signer, client: Client, now: datetime, *, look_first: bool = True
) -> Published:
    """Extend the log to the last seal. `client` needs the sealer's role.

    `look_first` asks witnesses whether they have seen more than is kept here, before anything is signed.

    Raises LogError where nothing may be signed, BusyError, DatabaseError and OSError.
    """
    with found.kept.alone():
        try:
            published = _publish(found, key, client, now, look_first)
        except (LogError, LeavesError, NoteError) as error:
            found.kept.keep_run(LastRun(at=now.timestamp(), refused=str(error)))
            raise LogError(str(error)) from None
        found.kept.keep_run(LastRun(at=now.timestamp(), unstamped=published.unstamped))
        return published


def head_path(size: int) -> str:
    """Where the head of a size is published, with the signature of the log alone: it never changes."""
    return f"head/{numbered(size)}"


def _publish(found: LogConfig, key: Signer, client: Client, now: datetime, look_first: bool) -> Published:
    last, note = _last(found, key.verifier)
    if note is not None and look_first:
        _not_behind(ask(found, last, note, now))
    growth = _tree(found, last)
    signed = found.kept.signed()
    _goes_on(client, last.size, signed.seal_hash if signed else "")
    altered: list[int] = []
    end = signed.seal_hash if signed else ""
    for entry in _before(client, last.size, now):
        _write(found, growth.add(entry))
    while page := leaves.salted(client, growth.size + 1):
        for leaf in page:
            end = _following(leaf, end)
            if not leaf.whole:
                altered.append(leaf.seal)
            _write(found, growth.add(leaf.entry))
    if growth.size > last.size:
        _write(found, growth.edge())
        last = Head(key.name, growth.size, growth.root())
        note = Note(last.text, (key.sign(last.text),))
        found.kept.keep_signed(
            Signed(note=str(note), size=last.size, seal_hash=end, signed_at=now.timestamp())
        )
    if note is None:
        return Published(Head(key.name, 0, growth.root()), 0)
    return _show(found, last, note, now, signed.size if signed else 0, altered)


def _show(
    found: LogConfig, head: Head, note: Note, now: datetime, before: int, altered: list[int]
) -> Published:
    """Publish a head that is kept: with the signatures of the witnesses that answer, and a time stamp."""
    path = head_path(head.size)
    witnessing = ask(found, head, note, now)
    _not_behind(witnessing)
    if found.folder.find(path) != str(note).encode():
        found.folder.write(path, str(note).encode())
    signed = note.with_also([*_cosignatures(found, note), *witnessing.signatures])
    if found.folder.find(CHECKPOINT) != str(signed).encode():
        found.folder.write(CHECKPOINT, str(signed).encode())
    _drop_partials(found, before, head.size)
    unstamped = _stamp(found, path, str(note).encode())
    return Published(
        head,
        head.size - before,
        tuple(altered),
        tuple(witnessing.cosigned),
        tuple(witnessing.silent),
        unstamped,
    )


def _last(found: LogConfig, key: Verifier) -> tuple[Head, Note | None]:
    """The last head that was signed, which what is published must not be ahead of."""
    kept = found.kept.signed()
    head, note = (
        opened(kept.note.encode(), key) if kept else (Head(key.name, 0, Growth(0, _none).root()), None)
    )
    shown = found.folder.find(CHECKPOINT)
    if shown is None:
        return head, note
    try:
        published, _note = opened(shown, key)
    except NoteError as error:
        raise LogError(
            f"{found.folder.root} holds the checkpoint of another log or key ({error}): publish into another "
            "folder, or bring back the key"
        ) from None
    ahead = published.size > head.size or (published.size == head.size and published.root != head.root)
    if ahead:
        raise LogError(
            f"a head of {published.size} entries is published, and the last one that is known here has "
            f"{head.size}. {RESTORED}"
        )
    return head, note


def _tree(found: LogConfig, last: Head) -> Growth:
    """The tree of the last head, from the published tiles, which must have its root."""
    try:
        growth = Growth(last.size, lambda tile: found.folder.read(tile.path))
        right = growth.root() == last.root
    except (FileNotFoundError, ValueError) as error:
        raise LogError(
            f"a tile of the published log is missing or damaged ({error}): bring {found.folder.root} back "
            "from a copy, of which the web has one"
        ) from None
    if not right:
        raise LogError(
            f"the tiles in {found.folder.root} are not those of the last head, of {last.size} entries: "
            "bring them back from a copy, of which the web has one"
        )
    return growth


def _goes_on(client: Client, size: int, seal_hash: str) -> None:
    """The seals go on from where the last head ended."""
    if not size:
        return
    there, following = leaves.link(client, size), leaves.link(client, size + 1)
    if there is None and following is None:
        raise LogError(
            f"the last head has {size} entries, and the database ends at seal {leaves.ends(client).last}. "
            f"{RESTORED}"
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
    """Entries of what had expired before the log began: nothing can be shown of them."""
    ends = leaves.ends(client)
    if size or not ends.count or ends.first == 1:
        return ()
    if ends.since > now - YEARS + LATE:
        raise LogError(f"seals before {ends.first} are not in the database, and are not seven years old")
    return (secrets.token_bytes(SIZE) for _seal in range(1, ends.first))


def _write(found: LogConfig, made: Iterable[tuple[Tile, bytes]]) -> None:
    for tile, content in made:
        found.folder.write(tile.path, content)


def _drop_partials(found: LogConfig, before: int, size: int) -> None:
    """Of tiles that were at the right edge before, and are full now."""
    for level in (tiles.ENTRIES, *range(-(-before.bit_length() // tiles.HEIGHT))):
        shift = 0 if level == tiles.ENTRIES else tiles.HEIGHT * level
        number = (before >> shift) // tiles.WIDTH
        if number < (size >> shift) // tiles.WIDTH:
            found.folder.drop_partial(Tile(level, number).path)


def _cosignatures(found: LogConfig, note: Note) -> list[Signature]:
    """Those that are published with this very head already."""
    shown = found.folder.find(CHECKPOINT)
    before = parse(shown) if shown else None
    keys = [one.key for one in found.witnesses]
    if before is None or before.text != note.text:
        return []
    return [
        one for one in before.signatures if any(key.made(one) and key.holds(note.text, one) for key in keys)
    ]


def _not_behind(witnessing: Witnessing) -> None:
    if witnessing.ahead:
        wrong = "A witness that is wrong is taken out of PLATESTREAM_LOG_FILE"
        raise LogError(f"{' '.join(witnessing.ahead)} {RESTORED}. {wrong}")


def _stamp(found: LogConfig, path: str, data: bytes) -> str:
    """Why there is no time stamp of this head; empty where there is one, or none is wanted."""
    if found.stamps is None or found.folder.find(f"{path}.tsr") is not None:
        return ""
    try:
        found.folder.write(f"{path}.tsr", stamp(found.stamps.url, found.stamps.certificates, data))
    except AskingError as error:
        return f"the authority {error}"
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def _none(tile: Tile) -> bytes:
    raise FileNotFoundError(tile.path)
