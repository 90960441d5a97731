"""The rules in force, read once when a flow starts."""

from connectors.clickhouse_client import INGEST, connect
from connectors.rules_in_force import agreed
from connectors.settings import Settings
from schemas.gate_rules import AgencyRules


def rules_in_force(settings: Settings) -> AgencyRules:
    """Return the rules in force, by the account of the flows.

    A flow whose settings contradict them does not start, and it follows a change when it starts again. Raises
    RulesError, ConnectError and DatabaseError.
    """
    dsn, plain = settings.clickhouse_for(INGEST), settings.allow_plaintext
    client = connect(dsn, INGEST, allow_plaintext=plain)
    try:
        return agreed(settings, client)
    finally:
        client.close()
