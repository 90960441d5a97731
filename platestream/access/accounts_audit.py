"""The auditor's review of console accounts, from the inquiry log."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.schemas.acts import ACTS

SINCE = timedelta(days=180)
LIST = "codes of accounts"
"""Subject of the act that reads the list of codes."""
WITHIN = timedelta(days=1)
_SEARCHES = tuple(act.name for act in ACTS if act.searches)
_ACTS = """
SELECT inquiry_id, at, who, kind, substring(about, 6) AS account, change FROM platestream.inquiry_log
WHERE kind IN ('account_code', 'account_redeem') AND startsWith(about, 'user/') AND outcome = 'allowed'
  AND at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
ORDER BY at
"""
# One row for each search that was the account's first within a day after one of its codes was redeemed.
_SEARCHED = """
SELECT redeemed.inquiry_id, argMin(searched.inquiry_id, searched.at)
FROM (SELECT inquiry_id, at, who FROM platestream.inquiry_log
      WHERE kind = 'account_redeem' AND startsWith(about, 'user/') AND outcome = 'allowed'
        AND at >= {since:DateTime64(6, 'UTC')} - toIntervalSecond({within:UInt32})
        AND at < {until:DateTime64(6, 'UTC')}) AS redeemed
INNER JOIN (SELECT inquiry_id, at, who FROM platestream.inquiry_log
      WHERE kind IN {searches:Array(String)} AND outcome = 'allowed' AND NOT automatic
        AND at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}) AS searched
  ON redeemed.who = searched.who
WHERE searched.at > redeemed.at AND searched.at <= redeemed.at + toIntervalSecond({within:UInt32})
GROUP BY redeemed.inquiry_id
"""


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was made or redeemed, and the account's next search within a day after the redemption."""

    at: datetime
    account: str
    by: str
    kind: str
    change: str
    search: UUID | None = None


def resets(door: Door, now: datetime) -> list[Reset]:
    """Return the codes made and redeemed in the last 180 days, newest first, for the auditor's review. Raises
    RefusedInquiry.
    """
    door.enter("audit_show", LIST)
    return resets_between(door.client(AUDITOR), now - SINCE, now)


def resets_between(client: Client, since: datetime, now: datetime) -> list[Reset]:
    """Return the codes made and redeemed between `since` and `now`, newest first. `client` has the auditor's
    role.
    """
    rows = read_rows(client, "reading the log", _ACTS, since=since, until=now + WITHIN)
    redeemed = any(kind == "account_redeem" for _id, _at, _who, kind, *_rest in rows)
    searched = _searched(client, since, now + WITHIN) if redeemed else {}
    return [
        Reset(at=at, account=account, by=who, kind=kind, change=change, search=searched.get(inquiry))
        for inquiry, at, who, kind, account, change in reversed(rows)
    ]


def searched_after_reset(client: Client, since: datetime, until: datetime) -> list[UUID]:
    """Return the searches of a period that were an account's first within a day after its code was redeemed,
    ordered by id. Each of them is audited, in addition to those drawn at random.
    """
    return sorted(set(_searched(client, since, until).values()))


def _searched(client: Client, since: datetime, until: datetime) -> dict[UUID, UUID]:
    within = int(WITHIN.total_seconds())
    asked = {"since": since, "until": until, "within": within, "searches": list(_SEARCHES)}
    return {row[0]: row[1] for row in read_rows(client, "reading the log", _SEARCHED, **asked)}
