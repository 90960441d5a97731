"""The auditor's search of sign-ins, refused ones and ends of sessions, from the inquiry log."""

from datetime import datetime, timedelta

import msgspec

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.schemas import sign_in_event
from platestream.schemas.sign_in_event import KINDS, SignInEvent

LIST = "sign-ins"
"""Subject of the act that reads the list."""
SINCE = timedelta(days=30)
MOST = 500
_SQL = """
SELECT at, change FROM platestream.inquiry_log
WHERE kind = {act:String} AND automatic AND at >= {since:DateTime64(6, 'UTC')}
  AND ({about:String} = '' OR about = {about:String})
  AND ({kind:String} = '' OR JSONExtractString(change, 'kind') = {kind:String})
ORDER BY at DESC, entry LIMIT {most:UInt32}
"""


class LoggedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One event with the time at which it was logged."""

    logged_at: datetime
    event: SignInEvent
    details: str


def sign_ins(
    door: Door, now: datetime, who: str = "", kind: str = "", since: timedelta = SINCE, most: int = MOST
) -> list[LoggedSignIn]:
    """Return the newest events, of one person (`unknown`: of names that nobody has here) or kind if given.

    Raises ValueError for another kind, and RefusedInquiry.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"the kinds are {', '.join(KINDS)}")
    door.enter("audit_show", LIST)
    about = sign_in_event.subject("" if who == sign_in_event.UNKNOWN else who) if who else ""
    client = door.client(AUDITOR)
    asked = {"act": sign_in_event.ACT, "since": now - since, "about": about, "kind": kind, "most": most}
    rows = read_rows(client, "reading sign-ins", _SQL, **asked)
    read = ((at, sign_in_event.read(change)) for at, change in rows)
    return [LoggedSignIn(logged_at=at, event=one, details=one.details) for at, one in read if one]
