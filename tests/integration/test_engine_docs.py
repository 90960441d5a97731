"""Every block of SQL in docs/sql.md does what its first line says."""

import re

import pytest

from tests.support.engine import ROOT, Engine

BLOCKS = re.findall(r"```sql\n-- (.+?): (.+?)\n(.*?)```", (ROOT / "docs" / "sql.md").read_text(), re.DOTALL)
ACCOUNTS = {"analyst": "smith", "another analyst": "jones", "auditor": "check"}


def test_each_block_says_who_asks_and_what_comes() -> None:
    assert len(BLOCKS) == (ROOT / "docs" / "sql.md").read_text().count("```sql")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_of_the_documentation_works(engine: Engine, block: tuple[str, str, str]) -> None:
    who, said, sql = block
    answer = engine.ask(sql, ACCOUNTS[who])
    code = answer.headers.get("x-clickhouse-exception-code")
    assert said == ("allowed" if code is None else f"code {code}"), answer.text


def test_what_the_verdict_of_the_documentation_says(engine: Engine) -> None:
    refused = next(sql for _, _, sql in BLOCKS if sql.startswith("SELECT outcome, refusal FROM"))
    assert engine.ask(refused, "smith").text.startswith("refused\tneither case number nor reason")
