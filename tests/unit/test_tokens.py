"""The file of tokens: what finds one, and what the file gives away."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.runtime.private_file import PrivateFileError
from platestream.runtime.token_file import Tokens
from tests.support.clock import NOW

LATER = NOW + timedelta(days=90)


def test_a_token_is_found_by_its_text_until_it_ends_and_the_file_does_not_have_it(tmp_path: Path) -> None:
    kept = Tokens(tmp_path / "accounts" / "tokens.json")
    made, text = kept.make("smith", "CAD", ["hits"], LATER)
    assert kept.find(text, NOW) == made
    assert kept.find(text, LATER) is None
    content = (tmp_path / "accounts" / "tokens.json").read_text()
    assert text not in content
    assert text.split("_", 2)[2] not in content, "the secret, which may have a _ of its own"
    assert stat.S_IMODE((tmp_path / "accounts" / "tokens.json").stat().st_mode) == 0o600


def test_of_two_tokens_each_ends_by_itself(tmp_path: Path) -> None:
    kept = Tokens(tmp_path / "tokens.json")
    (first, text), (second, other) = (kept.make("smith", name, ["hits"], LATER) for name in ("CAD", "RMS"))
    assert kept.find(text.replace(first.id, second.id), NOW) is None
    assert kept.end(first.id) == first
    assert kept.end(first.id) is None
    assert (kept.find(text, NOW), kept.find(other, NOW)) == (None, second)


@given(st.text())
def test_what_is_no_token_finds_none(text: str) -> None:
    empty = Tokens(Path("/nowhere/tokens.json"))
    assert empty.find(text, NOW) is None
    assert empty.find(f"platestream_{text}", NOW) is None


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("[]")
    with pytest.raises(PrivateFileError, match="not a file of tokens"):
        Tokens(tmp_path / "tokens.json").all()
