"""Generator of the acts that the inquiry gate judges by: python -m platestream.schemas.acts_sql.

It writes clickhouse/views/acts.part, gate_class.part, confirmed_acts.part and factor_minutes.part from the
table of acts; a test compares them.
"""

from pathlib import Path

from platestream.schemas.acts import ACTS, CONFIRMED, FACTOR_MINUTES, Act
from platestream.schemas.gate_class import gate_class_sql, sql_names

VIEWS = Path(__file__).resolve().parents[1] / "clickhouse" / "views"
_HEAD = (
    "-- Made by `python -m platestream.schemas.acts_sql` of schemas/acts.py, where each act is explained.\n"
)
_CONFIRMED = "-- Acts that need the second factor again.\n"
_OBJECT = """\
-- Of each act: roles, partners, documented, browses, automatic, shows_data, has_effect, on_shift and entry.
-- It is a text, because as a table or a map each inquiry would take the engine longer.
$acts${
"""


def files() -> dict[Path, str]:
    """Return the text of each generated file."""
    acts = ",\n".join(f"    {_member(act)}" for act in ACTS)
    return {
        VIEWS / "acts.part": f"{_HEAD}{_OBJECT}{acts}\n}}$acts$\n",
        VIEWS / "gate_class.part": f"{_HEAD}-- As schemas/gate_class.py.\n{gate_class_sql()}",
        VIEWS / "confirmed_acts.part": f"{_HEAD}{_CONFIRMED}{sql_names(CONFIRMED)}\n",
        VIEWS / "factor_minutes.part": f"{_HEAD}{FACTOR_MINUTES}\n",
    }


def _member(act: Act) -> str:
    roles = ", ".join(f'"{role}"' for role in act.roles)
    flags = (act.browses, act.automatic, act.shows_data, act.has_effect, act.on_shift)
    said = ", ".join(f"{one:d}" for one in flags)
    return f'"{act.name}": [[{roles}], {act.partners:d}, "{act.documented}", {said}, "{act.entry}"]'


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
