import numpy as np

from benchmarks.contact_sheet import Tile, contact_sheet
from platestream.reading.drawing import AMBER, GREEN, annotate
from platestream.schemas.reading import PlateRead


def read(confidence: float, y: int = 100) -> PlateRead:
    return PlateRead("AST3087", confidence, "AZ", 0.9, (200, y, 120, 40), (), ())


def test_a_reads_box_is_drawn_in_its_colour_and_the_picture_stays_as_it_was() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    drawn = annotate(image, [read(0.95), read(0.5, 300)])
    assert not image.any()
    assert tuple(drawn[100, 260]) == GREEN
    assert tuple(drawn[300, 260]) == AMBER
    assert drawn[145:170, 200:400].any(), "what was read stands below the box"


def test_a_plate_at_the_foot_has_its_text_above() -> None:
    drawn = annotate(np.zeros((200, 640, 3), np.uint8), [read(0.95, 155)])
    assert drawn[125:150, 200:400].any()


def test_a_sheet_has_four_tiles_in_a_row_and_survives_any_shape() -> None:
    tiles = [
        Tile(np.full((h, w, 3), 200, np.uint8), ["ABC / A8C", "file.jpg"])
        for h, w in ((9, 900), (900, 9), (50, 60))
    ]
    assert contact_sheet(tiles).shape == (244, 1200, 3)
    assert contact_sheet([*tiles, *tiles]).shape == (488, 1200, 3)
    assert contact_sheet([]).ndim == 3
