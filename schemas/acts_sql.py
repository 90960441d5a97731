"""The table of acts as the view that the inquiry gate judges by: python -m schemas.acts_sql.

It writes clickhouse/views/acts.sql; a test holds both together.
"""

from pathlib import Path

from schemas.acts import ACTS, Act

FILE = Path(__file__).parents[1] / "clickhouse" / "views" / "acts.sql"
_HEAD = """\
-- Made by `python -m schemas.acts_sql` of schemas/acts.py, where each act is explained.
CREATE OR REPLACE VIEW platestream.acts
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM values(
    'kind String, roles Array(String), partners UInt8, documented String, browses UInt8, automatic UInt8,
     shows_data UInt8, has_effect UInt8, on_shift UInt8, entry String',
"""


def view() -> str:
    """The SQL."""
    return _HEAD + ",\n".join(f"    {_row(act)}" for act in ACTS) + "\n);\n"


def _row(act: Act) -> str:
    roles = ", ".join(f"'{role}'" for role in act.roles)
    flags = (act.browses, act.automatic, act.shows_data, act.has_effect, act.on_shift)
    said = ", ".join(f"{one:d}" for one in flags)
    return f"('{act.name}', [{roles}], {act.partners:d}, '{act.documented}', {said}, '{act.entry}')"


def main() -> None:
    """Write the file."""
    FILE.write_text(view(), encoding="utf-8")


if __name__ == "__main__":
    main()
