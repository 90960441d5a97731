from benchmarks.vehicles import figures
from platestream.operators.vehicle import Attribute, Look

CAR, SUV = Attribute("car", 0.9), Attribute("suv", 0.9)
GRAY = Attribute("gray", 0.9)


def test_a_vehicle_without_a_label_counts_for_nothing_and_silver_may_count_as_gray() -> None:
    rows = [
        ({"type": "sedan", "color": "silver", "view": "rear"}, Look(CAR, GRAY, 0.01)),
        ({"type": "sedan", "color": "", "view": "front"}, Look(SUV, None, 0.02)),
        ({"type": "suv", "color": "red", "view": "side"}, Look(None, None, 0.5)),
        ({"type": "", "color": "gray", "view": "rear"}, Look(CAR, GRAY, 0.5)),
    ]
    found = figures(rows)
    assert found["type"] == {"labeled": 3, "given": [66.7, 20.8, 93.9], "right": [50.0, 9.5, 90.5]}
    assert shares(found, "color") == (3, 66.7, 50.0)
    assert shares(found, "color_silver_as_gray") == (3, 66.7, 100.0)
    assert shares(found, "direction") == (3, 66.7, 50.0)


def test_a_set_without_a_label_has_no_share() -> None:
    assert figures([])["type"] == {"labeled": 0, "given": [], "right": []}


def shares(found: dict[str, object], name: str) -> tuple[int, float, float]:
    line = found[name]
    assert isinstance(line, dict)
    return line["labeled"], line["given"][0], line["right"][0]
