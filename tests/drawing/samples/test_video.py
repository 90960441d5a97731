from pathlib import Path

import cv2

from models.samples.video import draw_video


def test_a_video_has_its_frames_and_says_who_passes_when(tmp_path: Path) -> None:
    path = tmp_path / "street.mp4"
    passes = draw_video(path, seconds=4, fps=5, size=(640, 360), seed=2)
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 20
    assert passes
    assert all(0 <= p.first_frame <= p.last_frame < 20 for p in passes)


def test_the_same_seed_makes_the_same_passes(tmp_path: Path) -> None:
    first = draw_video(tmp_path / "a.mp4", seconds=3, fps=2, size=(320, 180), seed=7)
    assert first == draw_video(tmp_path / "b.mp4", seconds=3, fps=2, size=(320, 180), seed=7)
