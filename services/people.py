"""Who is asking: a person who signed in, never a name that the caller brings.

On a server that is the account of the DSN, whose password the server checked. The embedded engine has one
account for everybody who may open its folder, so there it is the account of the operating system.
"""

from connectors.clickhouse_client import Dsn
from connectors.settings import Settings, system_account


def signed_in(settings: Settings) -> str:
    """The person's account. Raises ConnectError for a DSN that cannot be used."""
    dsn = Dsn.parse(settings.clickhouse)
    return system_account() if dsn.scheme == "chdb" else dsn.user
