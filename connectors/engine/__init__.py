"""The embedded engine (chDB) behind ClickHouse's HTTP interface: one process owns a folder, clients ask.

`python -m connectors.engine --data DIR --port N` starts it. A request goes through `server` and `asked` (what
HTTP said), `accounts` (who asks), `plan`, `statements`, `checks` (what may run), `serving` and `runner` (the
engine) and `answers` (what HTTP says back); docs/engine.md tells which statements are refused and why.
"""
