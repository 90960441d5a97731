"""What is put on record: an entry of the ledger, whose hash the inquiry log has before the entry is written.

So an entry that is taken away later, or a draw that is made again until it pleases, is missed in the inquiry
log, in its seals and in its copy outside the database.
"""

import getpass
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import run
from schemas.ledger import Chain, LedgerEntry
from services.inquiries import gate

# How the gate knows what goes on record: evidence only for trained people, the job for itself.
_KINDS: dict[tuple[Chain, str], str] = {
    ("evidence", "export"): "export",
    ("evidence", "purge"): "retention",
}


def put(
    client: Client,
    chain: Chain,
    kind: str,
    record: Any,
    *,
    who: str,
    tool: str,
    reason: str,
    case_number: str = "",
    purpose: str = "",
) -> LedgerEntry:
    """Record what was done. Raises RefusedInquiry where the gate's rules refuse it, and DatabaseError.

    `who` may be named by accounts that speak for people only; on a server it is the account.
    """
    entry = ledger.following(client, chain, kind, who, record)
    gate.record(
        client,
        kind=_KINDS.get((chain, kind), chain),
        who=who,
        tool=tool,
        case_number=case_number,
        reason=reason,
        purpose=purpose,
        other=entry.hash,
    )
    ledger.append(client, entry)
    return entry


def person(client: Client, dsn: str) -> str:
    """Who acts: the account on a server; the embedded engine has one account, so there the system's user."""
    if dsn.startswith("chdb:"):
        return getpass.getuser()
    return str(run("asking for the account", lambda: client.query("SELECT currentUser()")).result_rows[0][0])
