"""`docs/policy.md`, made of the tables that the gate and `platestream policy check` use.

python -m services.policy.docs

The matrix of acts and people between its marks is made by the gate itself: python -m tests.support.matrix
"""

from pathlib import Path

from schemas.acts import ACTS, ROLES, Act
from services.policy.clauses import CLAUSES
from services.policy.laws import LAWS, Law, LawClause
from services.policy.laws.law import READ
from services.policy.table import CHECKS, Check

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
START, END = "<!-- made by the gate: python -m tests.support.matrix -->\n", "<!-- end -->\n"

INTRODUCTION = """# The order, clause by clause

Made by `python -m services.policy.docs` from `schemas/acts.py`, `services/policy/clauses.py` and `table.py`; a test
holds them together. The order is St. Johns PD 41.37, *Automatic License Plate Reader*.

`platestream policy check` makes the checks below on live data. Each has one of three answers:

| answer | means |
|---|---|
| held | all that the check looks at was there, and is as the order wants it |
| not held | something is not; the answer names it |
| not checked | something could not be looked at: why, and what would make it checkable |

What was not looked at is never held: an empty hot list, no hit in a year, inquiries that wait for the audit flow, a
broker or a database without an answer. Exit code: 1 when something is not held, with `--strict` also when something is
not checked, else 0. `--json` gives `outcome` (`held`, `not_held`, `not_checked`) of all and of each check, its `faults`,
its `not_checked` with `why` and `needs`, and the clauses that only people can hold. A breach that the audit flow found
counts for as long as the yearly audit looks back.

The check reads figures in the auditor's role, shows no plate, and counts people; it needs no act. With `--names` it names
them, which is the act `audit_show`. For each check there is a test that breaks it, one that it holds in, and one where it
has nothing to look at (`tests/engine/test_policy_check.py`).
"""

BEHIND = """
## What was done behind the door

Acts are on record before they are done. So what is there without an act was done behind the door: through a topic, a
table, or by an account that was granted too much. These checks compare both, and need both at hand:

| check | compares | cannot tell |
|---|---|---|
| `listed`, `kept` | the hot list's topic with `hotlist_add`, `hotlist_import`, `hotlist_force`, `hotlist_remove`, `bolo`, and of other agencies' entries `hotlist_take` and `partner_told` | an entry of an import that a later, larger import took off, published again while its number fits; whether what is gone from an import older than a day had expired (then: not checked) |
| `recorded` | the registry's topic and table with `registry_*` and shifts | a record of a release before acts held hashes, changed within five minutes of its act |
| `ruled` | each row of `gate_rules` with one act `rules` of its person and time, by the SHA-256 of the row's text, and the newest act with the rows | the text that `platestream migrate` took from the profile's file, once, for rows of a release before |
| `steps` | `hit_actions` with `hit_verify` and `hit_dispose` | a step of a release before acts held hashes, within five minutes of an act of the same officer on the same hit |
| `sign_ins` | passwords, codes, tokens, own keys and offers in `data/accounts` with the newest act about each, by its SHA-256 | what was stored before acts held hashes (then: not checked); what was deleted from a file |
| `evidence`, `custody`, `scheduled` | records, pictures and signed answers with their hashes in the ledger, and each purge with its schedule | records of holds of before, which have no hash there |
| `on_duty` | the roster with shifts and steps on hits | duty that no roster lists, where its person does not log in either; an absence that a chief enters falsely within 7 days |
| `taken` | cases of searches with the ledger's holds and `evidence_not_needed` | whether what a search showed is what was held |
| `records` | log, seals, their copy and the ledger | all of them forged at once; an export kept elsewhere tells |
| `unlogged` | a server's query log with the inquiries; the built-in engine's log of statements with its digests in the inquiry log | in process nothing logs statements: not checked |

On a broker whose topics cannot be read, the first four are not checked.
"""


LAWS_SAY = """
## Laws of other states

A profile names its law (`[agency] law`); `platestream policy check` then goes through the clauses below instead of the
order's, and makes the checks that they name and no other. **None of this is legal advice: a lawyer, not this program,
says that what an agency does suffices.** Of each clause the table says how it was read:

| read | means |
|---|---|
| text | the law's own text |
| summary | an account of the whole text, not the text itself |
| reported | what others say of this clause |
| from memory: verify | no text could be read |
| not read | nothing is said of it |

What is from memory or not read is never held: the best that is said of it is *not checked*, and a fault stays a fault. A
retention that is longer than the law's, a rule that is another profile's, an audit that was filed late: each turns its
check, and a test shows it (`tests/engine/test_law_checks.py`).

How long data is kept: Virginia and Washington 21 days, Oregon 30. New Jersey is reported to ask for three years; this
software keeps data 150 days at most, which its profile keeps, and says *not checked*: whether an agency may keep less,
counsel must say. What is kept of stops is what officers record about a hit: that the vehicle was stopped, what it came to,
and the list and category by which the notice came. Race, ethnicity, age and gender of people stopped are not kept here,
by intention.
"""


def page(text: str) -> str:
    """The page; the matrix is kept as it stands in `text`."""
    matrix = text.partition(START)[2].partition(END)[0]
    held, alone = [one for one in CLAUSES if not one.people], [one for one in CLAUSES if one.people]
    return (
        f"{INTRODUCTION}\n## What a machine holds\n\n"
        + "| clause | asks | served by | checks |\n|---|---|---|---|\n"
        + "".join(_clause(one.number, one.asks, one.served) for one in held)
        + "\n## The checks\n\n| check | clauses | what must be so | where to look |\n|---|---|---|---|\n"
        + "".join(map(_check, CHECKS))
        + BEHIND
        + "\n## Acts\n\n"
        + "Everything that somebody does is one of these acts, judged and on record before it is done. *Needs*: what it\n"
        + "must be documented by. *Also*: other agencies under their MOU, the machine by itself (on record as automatic).\n\n"
        + "| act | what it is | roles | needs | also | clauses |\n|---|---|---|---|---|---|\n"
        + "".join(map(_act, ACTS))
        + "\nWhoever does one is registered, active, and trained not longer ago than the profile says; that holds for every\n"
        + "act and every role.\n\n| role | |\n|---|---|\n"
        + "".join(f"| {role} | {what} |\n" for role, what in ROLES.items())
        + f"\n## Who may do what\n\n{START}{matrix}{END}"
        + "\n## What only people can hold\n\n| clause | asks | why |\n|---|---|---|\n"
        + "".join(f"| {one.number} | {one.asks} | {one.people} |\n" for one in alone)
        + LAWS_SAY
        + "".join(map(_law, LAWS.values()))
    )


def _law(law: Law) -> str:
    own = {one.name for one in law.checks} - {one.name for one in CHECKS}
    sources = "".join(
        f"{number}. {one.what}: {one.where}; {one.dated}; read on {one.read}.\n"
        for number, one in enumerate(law.sources.values(), 1)
    )
    return (
        f"\n### {law.name}\n\nProfile `{law.key}`. What was read:\n\n{sources}"
        + ("\n" + "\n".join(f"- {one}" for one in law.notes) + "\n" if law.notes else "")
        + "\n| clause | asks | read | kept by | checks |\n|---|---|---|---|---|\n"
        + "".join(_law_clause(law, one) for one in law.clauses)
        + "\n| check of this law | clauses | what must be so | where to look |\n|---|---|---|---|\n"
        + "".join(_check(one) for one in law.checks if one.name in own)
    )


def _law_clause(law: Law, one: LawClause) -> str:
    numbers = {name: number for number, name in enumerate(law.sources, 1)}
    read = f"{READ[one.read]}, {numbers[one.source]}" if one.source in numbers else READ[one.read]
    checks = ", ".join(f"`{name}`" for name in one.checks) or ("for people" if one.people else "not checked")
    return f"| {one.number} | {one.asks} | {read} | {one.served or one.people} | {checks} |\n"


def _clause(number: str, asks: str, served: str) -> str:
    checks = ", ".join(f"`{one.name}`" for one in CHECKS if number in one.clauses)
    return f"| {number} | {asks} | {served} | {checks} |\n"


def _check(one: Check) -> str:
    return f"| `{one.name}` | {', '.join(one.clauses)} | {one.what} | {one.where} |\n"


def _act(act: Act) -> str:
    needs = {"": "", "inquiry": "case number or reason", "case": "case number", "entry": "all of section H"}[
        act.documented
    ]
    needs += ", purpose" if act.shows_data else ""
    also = ", ".join(
        word for word, there in (("partners", act.partners), ("automatic", act.automatic)) if there
    )
    roles = ", ".join(act.roles) if len(act.roles) < len(ROLES) else "every role"
    clauses = ", ".join(act.clauses.split())
    return f"| `{act.name}` | {act.does} | {roles or 'nobody'} | {needs} | {also} | {clauses} |\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
