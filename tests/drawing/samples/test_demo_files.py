import msgspec
import pytest

from models.samples.demo_files import empty_streets, frame_files, hot_list
from platestream.demo.files import FRAMES, HOT_LIST, MANIFEST, FrameFile


@pytest.mark.nightly
def test_the_files_of_the_demo_are_what_is_drawn() -> None:
    drawn = frame_files()
    assert msgspec.json.decode(MANIFEST.read_bytes(), type=list[FrameFile]) == [file for file, _ in drawn]
    empty = empty_streets()
    assert sorted(path.name for path in FRAMES.iterdir()) == sorted(
        [*(file.file for file, _ in drawn), *empty]
    )
    assert all((FRAMES / name).read_bytes() == jpeg for name, jpeg in empty.items())
    assert [(FRAMES / file.file).read_bytes() == jpeg for file, jpeg in drawn] == [True] * len(drawn)
    assert HOT_LIST.read_bytes() == hot_list()
