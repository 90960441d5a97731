import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.engine.plan import may_evaluate, split


@pytest.mark.parametrize(
    ("text", "head", "data"),
    [
        (b"INSERT INTO t FORMAT TSV\n1\n", b"INSERT INTO t FORMAT TSV", b"1\n"),
        (
            b"insert into t (a, b) format Native \t\r\n\x01\x02",
            b"insert into t (a, b) format Native",
            b"\x01\x02",
        ),
        (b"INSERT INTO t FORMAT TSV\n\n1", b"INSERT INTO t FORMAT TSV", b"\n1"),
        (b"INSERT INTO t VALUES (1)", b"INSERT INTO t  FORMAT Values", b" (1)"),
        (b'/* FORMAT x */ INSERT INTO `FORMAT` ("VALUES") VALUES(1)', None, b"(1)"),
        (b"INSERT INTO t (FORMAT) VALUES (1)", None, b" (1)"),
        (b"-- VALUES\nINSERT INTO t SETTINGS a = 'VALUES' FORMAT CSV 1", None, b"1"),
    ],
)
def test_data_begins_after_the_format(text: bytes, head: bytes | None, data: bytes) -> None:
    found = split(text)
    assert found is not None
    assert found.data_at is not None
    assert text[found.data_at :] == data
    assert head is None or found.sql == head


@pytest.mark.parametrize(
    "text", [b"INSERT INTO t SELECT 1 FORMAT TSV", b"INSERT INTO t WITH a AS (SELECT 1) SELECT * FROM a"]
)
def test_an_insert_of_a_select_has_no_data(text: bytes) -> None:
    found = split(text)
    assert found is not None
    assert (found.sql, found.data_at) == (text, None)


@given(st.binary(max_size=300))
def test_data_is_never_looked_at(data: bytes) -> None:
    found = split(b"INSERT INTO t FORMAT RowBinary\n" + data)
    assert found is not None
    assert found.data_at is not None
    assert found.sql == b"INSERT INTO t FORMAT RowBinary"
    assert (b"INSERT INTO t FORMAT RowBinary\n" + data)[found.data_at :] == data


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_left(text: bytes) -> None:
    found = split(text)
    assert found is None or found.data_at is None or found.data_at <= len(text)


@pytest.mark.parametrize(
    "data",
    [b"(1, 'a')", b"(now(), toDate('2026-01-01')), (generateUUIDv4(), [1])", b"('file(1)', 'SELECT -- `')"],
)
def test_plain_values_may_be_evaluated(data: bytes) -> None:
    assert may_evaluate(data)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"(file('x'))",
            b"(file ('x'))",
            b"(`file`('x'))",
            b'("fi\\x6ce"(1))',
            b"(file/**/('x'))",
            b"(f--\n(1))",
        ),
        *(
            b"((SELECT 1))",
            b"(file\xc2\xa0('x'))",
            b"($$x$$)",
            b"('a\\\\', file('x'), ' ')",
            b"('''', file('x'))",
        ),
    ],
)
def test_calls_of_other_functions_are_noticed(data: bytes) -> None:
    assert not may_evaluate(data)
