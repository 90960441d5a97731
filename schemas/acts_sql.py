"""Generator of the view of acts that the inquiry gate judges by: python -m platestream.schemas.acts_sql.

It writes clickhouse/views/acts.sql from the table of acts; a test compares the two.
"""

from pathlib import Path

from platestream.schemas.acts import ACTS, Act

FILE = Path(__file__).resolve().parents[1] / "clickhouse" / "views" / "acts.sql"
_HEAD = """\
-- Made by `python -m platestream.schemas.acts_sql` of schemas/acts.py, where each act is explained.
-- One literal: as a table of values, each inquiry would take the engine a tenth longer.
CREATE OR REPLACE VIEW platestream.acts
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    act.1 AS kind, act.2 AS roles, act.3 AS partners, act.4 AS documented, act.5 AS browses,
    act.6 AS automatic, act.7 AS shows_data, act.8 AS has_effect,
    act.9 AS on_shift, act.10 AS entry
FROM (SELECT arrayJoin(CAST($acts$[
"""
_TAIL = """
]$acts$, 'Array(Tuple(String, Array(String), UInt8, String, UInt8, UInt8, UInt8, UInt8, UInt8, String))')
) AS act);
"""


def view() -> str:
    """Return the SQL of the view."""
    return _HEAD + ",\n".join(f"    {_row(act)}" for act in ACTS) + _TAIL


def _row(act: Act) -> str:
    roles = ", ".join(f"'{role}'" for role in act.roles)
    flags = (act.browses, act.automatic, act.shows_data, act.has_effect, act.on_shift)
    said = ", ".join(f"{one:d}" for one in flags)
    return f"('{act.name}', [{roles}], {act.partners:d}, '{act.documented}', {said}, '{act.entry}')"


def main() -> None:
    """Write the SQL file."""
    FILE.write_text(view(), encoding="utf-8")


if __name__ == "__main__":
    main()
