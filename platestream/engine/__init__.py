"""The embedded engine (chDB) behind ClickHouse's HTTP interface: one process for all clients of a folder.

`python -m platestream.engine --data DIR --port N` starts it. A request passes through `server` and `requests`
(parsing of HTTP), `accounts` (authentication), `plan`, `statements`, `statement_checks` (authorization),
`execution` and `runner` (the engine) and `responses` (the HTTP response). docs/explanation/engine.md lists
the refused statements.
"""
