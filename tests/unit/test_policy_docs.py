"""The table of clauses and checks, and the page that is made of it."""

from docs.generators import served
from platestream.policy.clauses import CLAUSES
from platestream.policy.table import CHECKS


def test_every_clause_is_checked_or_said_to_be_for_people_alone() -> None:
    numbers = [clause.number for clause in CLAUSES]
    assert len(numbers) == len(set(numbers))
    checked = {number for check in CHECKS for number in check.clauses}
    assert checked == {clause.number for clause in CLAUSES if not clause.people}
    assert set(served.ORDER) == {clause.number for clause in CLAUSES if not clause.people}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_no_clause_of_the_order_is_left_out() -> None:
    counts = {"C": 8, "D": 5, "E": 1, "F": 8, "G": 8, "H": 8, "I": 7, "J": 2, "K": 4}
    letters = {"E.1": "abcdefg", "F.8": "ab", "G.4": "a", "G.5": "abc", "I.2": "a"}
    wanted = {f"{section}.{n}" for section, count in counts.items() for n in range(1, count + 1)} - {"E.1"}
    wanted |= {f"{clause}.{letter}" for clause, under in letters.items() for letter in under}
    assert {clause.number for clause in CLAUSES} == {"A", "B", *wanted}
