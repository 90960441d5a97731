import gc

from platestream.edges.snapshot_barrier import SnapshotBarrier


def test_the_collector_of_cycles_rests_while_changelogs_load_and_never_looks_at_what_was_loaded() -> None:
    barrier = SnapshotBarrier()
    loaded: dict[str, list[str]] = {"entries": []}
    try:
        barrier.expect("hotlist/0")
        barrier.expect("hotlist/1")
        barrier.mark_loaded("hotlist/0")
        assert not gc.isenabled()
        assert any(one is loaded for one in gc.get_objects())
        barrier.mark_loaded("hotlist/1")
        assert gc.isenabled()
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.enable()
