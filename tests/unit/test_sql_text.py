"""SQL as it is typed: where a statement ends, and what of it may be kept in a file."""

import re
import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.inquiries.sql.text import has_format, ids, reads, shape, split, writes_inquiry

WORDS = "select from where insert into values limit platestream inquire reason pattern plate"
KNOWN = frozenset(WORDS.split())


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1", [], "SELECT 1"),
        ("SELECT 1;", ["SELECT 1"], ""),
        ("SELECT 1; SELECT 2; SEL", ["SELECT 1", "SELECT 2"], "SEL"),
        ("SELECT 'a;b';", ["SELECT 'a;b'"], ""),
        ("SELECT 'it''s; \\' ok';", ["SELECT 'it''s; \\' ok'"], ""),
        ('SELECT `a;b`, "c;d";', ['SELECT `a;b`, "c;d"'], ""),
        ("SELECT $$a;b$$, $x$;$$;$x$;", ["SELECT $$a;b$$, $x$;$$;$x$"], ""),
        ("SELECT 1 -- a; b\n;", ["SELECT 1 -- a; b"], ""),
        ("/* a; b */ SELECT 1 # c;\n;", ["/* a; b */ SELECT 1 # c;"], ""),
        ("SELECT 'not closed;\n", [], "SELECT 'not closed;"),
        ("SELECT /* not closed;", [], "SELECT /* not closed;"),
        (" ; ;; -- nothing\n;", [], ""),
    ],
)
def test_a_statement_ends_with_a_semicolon_outside_of_quotes_and_comments(
    text: str, statements: list[str], rest: str
) -> None:
    assert split(text) == (statements, rest)


def test_what_may_be_kept_is_words_of_sql_and_nothing_that_was_said() -> None:
    said = """INSERT INTO platestream.inquire (reason, pattern) -- for Smith, ABC1234
              VALUES ('stolen, 26-00123', 'ABC1234')"""
    assert shape(said, KNOWN) == "INSERT INTO platestream.inquire (reason, pattern) VALUES ('…', '…')"
    assert shape("SELECT plate FROM x LIMIT 20", KNOWN) == "SELECT plate FROM … LIMIT 20"


@pytest.mark.parametrize(
    "said",
    [
        "SELECT plate WHERE plate = '{}'",
        'SELECT plate WHERE plate = "{}"',
        "SELECT plate WHERE plate = `{}`",
        "SELECT plate WHERE plate = {}",
        "SELECT plate -- {}",
        "SELECT plate # {}",
        "SELECT plate /* {} */",
        "SELECT plate /* {}",
        "SELECT plate WHERE plate = $${}$$",
        "SELECT plate WHERE plate = $a${}",
        "SELECT plate WHERE plate = '{}",
        "SELECT plate WHERE plate = 'it''s \\'{}\\''",
        "SELECT plate WHERE 'a'{}'b'",
        "{} SELECT",
    ],
)
@given(plate=st.text(string.ascii_uppercase + string.digits, min_size=4, max_size=8))
def test_no_plate_is_kept_however_it_is_written(said: str, plate: str) -> None:
    if plate.lower() not in KNOWN:
        assert plate not in shape(said.format(plate), KNOWN)


@given(st.text())
def test_whatever_is_typed_what_is_kept_has_no_other_words(typed: str) -> None:
    words = re.findall(r"[^\W\d]\w*", shape(typed, KNOWN))
    assert {word.lower() for word in words} <= KNOWN


def test_what_a_statement_does_is_seen_from_its_words() -> None:
    assert reads("-- first\n SELECT 1")
    assert reads("(SELECT 1)")
    assert not reads("INSERT INTO x SELECT 1")
    assert has_format("SELECT 1 FORMAT CSV")
    assert has_format("SELECT 1 format CSV SETTINGS max_threads = 1")
    assert not has_format("SELECT format FROM x")
    assert not has_format("SELECT 'FORMAT CSV'")
    assert writes_inquiry("INSERT INTO platestream.inquire (a) VALUES (1)")
    assert writes_inquiry("insert into `inquire` (a) values (1)")
    assert writes_inquiry("INSERT INTO platestream.inquire_search (a) VALUES (1)")
    assert not writes_inquiry("INSERT INTO platestream.inquiry_log (a) VALUES (1)")
    assert not writes_inquiry("SELECT 'INSERT INTO inquire'")
    one = "0e4a6a52-6f0b-4b0e-9a55-3f6b1c2d7e01"
    assert ids(f"VALUES ('{one}', '{one}')") == [UUID(one)]
