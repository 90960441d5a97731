"""`docs/policy.md`, made of the table that `platestream policy check` runs, so that neither can drift.

python -m services.policy.docs
"""

from pathlib import Path

from services.policy.clauses import CLAUSES
from services.policy.table import CHECKS

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"

INTRODUCTION = """# The order, clause by clause

Made by `python -m services.policy.docs` from `services/policy/clauses.py` and `table.py`; a test
holds them together. The order is St. Johns PD 41.37, *Automatic License Plate Reader*.

`platestream policy check` makes the checks below on live data and exits with 1 when one is not held;
`--json` gives all of it, with the clauses that only people can hold. A breach that the audit flow found
counts for as long as the yearly audit looks back. For each check there is a test that breaks it and one
that it holds in (`tests/unit/test_policy_check.py`).
"""


def page() -> str:
    """The text of the page."""
    return (
        f"{INTRODUCTION}\n## What a machine holds\n\n"
        + "| clause | asks | served by | checks |\n|---|---|---|---|\n"
        + "".join(_clause(one.number, one.asks, one.served) for one in CLAUSES if not one.people)
        + "\n## The checks\n\n| check | clauses | what must be so | where to look |\n|---|---|---|---|\n"
        + "".join(
            f"| `{one.name}` | {', '.join(one.clauses)} | {one.what} | {one.where} |\n" for one in CHECKS
        )
        + "\n## What only people can hold\n\n| clause | asks | why |\n|---|---|---|\n"
        + "".join(f"| {one.number} | {one.asks} | {one.people} |\n" for one in CLAUSES if one.people)
    )


def _clause(number: str, asks: str, served: str) -> str:
    checks = ", ".join(f"`{one.name}`" for one in CHECKS if number in one.clauses)
    return f"| {number} | {asks} | {served} | {checks} |\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
