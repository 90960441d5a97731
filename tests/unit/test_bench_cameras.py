"""Passes that the bench of cameras counts as seen, lost and read right."""

from msgspec.structs import replace

from benchmarks.cameras import compared
from docs.generators.catalogue import example
from models.samples.video import StreetVideo, VideoPass
from platestream.schemas.detection import Detection

READ = Detection.from_json(bytes(example("detection").accepted))
PASSES = [VideoPass("ABC1234", "AZ", 0, 9), VideoPass("KLM9876", "AZ", 20, 29)]


def detection(camera: str, plate: str) -> Detection:
    return replace(READ, camera_id=camera, plate=plate, frames=3)


def test_a_pass_is_lost_that_no_detection_resembles() -> None:
    found = compared(PASSES, [detection("a", "ABC1234")], cameras=1)
    assert (found["passes"], found["passes_lost"], found["passes_right"]) == (2, 1, 1)


def test_a_pass_that_is_read_wrong_is_seen_and_not_right() -> None:
    found = compared(PASSES, [detection("a", "ABC1284"), detection("a", "KLM9876")], cameras=1)
    assert (found["passes_lost"], found["passes_right"], found["detections_besides"]) == (0, 1, 0)


def test_each_camera_has_all_passes_and_each_detection_is_of_one() -> None:
    twice = [detection("a", "ABC1234"), detection("a", "ABC1234"), detection("b", "KLM9876")]
    found = compared(PASSES, twice, cameras=2)
    assert (found["passes"], found["passes_lost"], found["detections_besides"]) == (4, 2, 1)


def test_a_street_names_its_passes_before_it_is_drawn() -> None:
    passes = StreetVideo(20, fps=5, gap=4).passes
    assert len(passes) >= 4
    assert all(one.first_frame <= one.last_frame < 100 for one in passes)
    assert passes == sorted(passes, key=lambda one: one.first_frame)
