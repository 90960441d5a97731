"""The note in a recovery store of the topics whose positions it has."""

from pathlib import Path

import pytest

from platestream.edges.kafka_client import OffsetGoneError
from platestream.flow_process import note_topics


def test_ids_of_topics_that_are_new_to_a_store_are_noted_and_others_stay(tmp_path: Path) -> None:
    note_topics(tmp_path, {"frames": "a"})
    note_topics(tmp_path, {"hits": "b"})
    note_topics(tmp_path, {})
    note_topics(tmp_path, {"frames": "a", "hits": "b"})
    note_topics(None, {"frames": "other"})
    with pytest.raises(OffsetGoneError, match="frames, hits: deleted"):
        note_topics(tmp_path, {"frames": "c", "hits": "d", "new": "e"})
    note_topics(tmp_path, {"new": "f"})
