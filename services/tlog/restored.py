"""After a restored backup no head is signed until a person begins another log.

What was published between the backup and the loss is nowhere here: a key that went on from the backup would
sign a second head of one size, and a new key made in silence would look to whoever holds an old head like a
log that was made up. So both wait for a person, who is on record.
"""

from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from connectors.tlog.kept import Kept
from services.tlog.config import LogError

_PAST = """
SELECT max(seal) AS published,
    (SELECT max(at) FROM platestream.inquiry_log WHERE kind = 'restore' AND outcome = 'allowed') AS restored
FROM platestream.inquiry_salts
"""
PAGE = "docs/proof.md, When publishing is refused"


class Past(NamedTuple):
    """What the database knows: up to which seal it was published, 0: never; when it was restored last."""

    published: int
    restored: datetime | None


def past(client: Client) -> Past:
    """Needs the sealer's role. Raises DatabaseError."""
    ((published, restored),) = run("reading what was published", partial(client.query, _PAST)).result_rows
    at = restored if restored.tzinfo else restored.replace(tzinfo=UTC)
    return Past(published, at if at.timestamp() else None)


def judge(kept: Kept, client: Client, *, another: bool) -> None:
    """Raises LogError where the log that is kept here may not be gone on with, or begun; DatabaseError.

    `another`: a person begins another log.
    """
    known, signed = past(client), kept.signed()
    if another and signed is not None:
        raise LogError(
            f"{kept.root} holds a log: to begin another one move it away, and give a new `origin` and "
            f"`folder` ({PAGE})"
        )
    if another:
        return
    if known.restored and (signed is None or signed.signed_at < known.restored.timestamp()):
        raise LogError(
            f"the database was restored at {known.restored:%Y-%m-%d %H:%M}Z from a backup, and what was "
            "published after that backup is not known here: nothing is signed until platestream audit "
            f"publish --another-log begins another log ({PAGE})"
        )
    if known.published and signed is None and kept.secret() is None:
        raise LogError(
            f"inquiries up to seal {known.published} were published by a log whose key is not in {kept.root}:"
            " bring that folder back, or begin another log with platestream audit publish --another-log "
            f"({PAGE})"
        )
