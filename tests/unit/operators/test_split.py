import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.operators.split import split_by_type


@given(st.lists(st.one_of(st.integers(), st.text(max_size=3), st.binary(max_size=3))))
@settings(max_examples=30, deadline=None)
def test_records_go_to_the_stream_of_their_type_in_their_order_and_others_nowhere(
    items: list[int | str | bytes],
) -> None:
    numbers: list[int] = []
    texts: list[str] = []
    flow = Dataflow("f")
    first, second = split_by_type("as", op.input("in", flow, TestingSource(items, 4)), int, str)
    op.output("numbers", first, TestingSink(numbers))
    op.output("texts", second, TestingSink(texts))
    run_main(flow)
    assert numbers == [item for item in items if isinstance(item, int)]
    assert texts == [item for item in items if isinstance(item, str)]
