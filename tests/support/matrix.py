"""The matrix of acts and people in docs/reference/acts.md, as the gate itself answers each attempt.

python -m tests.support.matrix
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from docs.generators.policy import ACTS_PAGE, END, START
from platestream.clickhouse import migrate
from platestream.schemas.acts import ACTS
from tests.support.database import Database
from tests.support.people import PEOPLE, attempt, furnish


def matrix(office: Database) -> str:
    """Every kind of person tries every act; rows are acts, columns the kinds by their numbers."""
    names = {f"person-{number}": one for number, one in enumerate(PEOPLE.values(), 1)}
    outcomes = attempt(office, names)
    allowed = {key for key, outcome in outcomes.items() if outcome == "allowed"}
    count = [sum((name, act.name) in allowed for act in ACTS) for name in names]
    made = [
        f"{len(PEOPLE)} kinds of people tried each of the {len(ACTS)} acts on an embedded database.",
        f"Of {len(outcomes)} attempts {len(allowed)} were allowed,",
        f"{len(outcomes) - len(allowed)} refused; each is on record.",
        "",
        *(f"{number}. {kind}" for number, kind in enumerate(PEOPLE, 1)),
        "",
        f"| act | {' | '.join(str(number) for number in range(1, len(PEOPLE) + 1))} |",
        f"|---|{'---|' * len(PEOPLE)}",
        *(
            _row(f"`{act.name}`", ["yes" if (name, act.name) in allowed else "" for name in names])
            for act in ACTS
        ),
        _row("**allowed**", [str(one) for one in count]),
        _row("**refused**", [str(len(ACTS) - one) for one in count]),
    ]
    return "\n".join(made) + "\n"


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Write the matrix into the page."""
    before, _start, rest = ACTS_PAGE.read_text().partition(START)
    with TemporaryDirectory() as folder:
        office = Database(Path(folder) / "platestream")
        migrate.apply(office.client())
        furnish(office)
        ACTS_PAGE.write_text(before + START + matrix(office) + END + rest.partition(END)[2])
        office.close()


if __name__ == "__main__":
    main()
