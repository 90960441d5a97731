"""The rule that after a restored backup no head is signed until a person begins another log.

Publications between the backup and the loss are unknown here. A key that continued from the backup would sign
a second head of one size, and a new key made automatically would look like a forged log to anyone with an old
head. Both therefore wait for a logged act of a person.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.transparency_log.config import LogError
from platestream.transparency_log.publisher_state import PublisherState

_PAST = """
SELECT max(seal) AS published,
    (SELECT max(at) FROM platestream.inquiry_log WHERE kind = 'restore' AND outcome = 'allowed') AS restored
FROM platestream.inquiry_salts
"""
PAGE = "docs/how-to/operator/published-log.md, When publishing is refused"


class PublicationState(NamedTuple):
    """The database's knowledge: the last published seal (0: none), and the time of the last restore."""

    published: int
    restored: datetime | None


def publication_state(client: Client) -> PublicationState:
    """Read the database's knowledge. Needs the sealer's role. Raises DatabaseError."""
    ((published, restored),) = read_rows(client, "reading what was published", _PAST)
    at = restored if restored.tzinfo else restored.replace(tzinfo=UTC)
    return PublicationState(published, at if at.timestamp() else None)


def judge(state: PublisherState, client: Client, *, another: bool) -> None:
    """Raise LogError where the local log may not be continued or begun; DatabaseError.

    `another`: a person begins another log.
    """
    known, signed = publication_state(client), state.signed()
    if another and signed is not None:
        raise LogError(
            f"{state.root} holds a log: to begin another one move it away, and give a new `origin` and "
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
    if known.published and signed is None and state.secret() is None:
        raise LogError(
            f"inquiries up to seal {known.published} were published by a log whose key is not in "
            f"{state.root}: bring that folder back, or begin another log with platestream audit publish "
            f"--another-log ({PAGE})"
        )
