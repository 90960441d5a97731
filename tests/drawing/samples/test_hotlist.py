from models.samples.hotlist import EXPECTED, sample_entries
from models.samples.passes import PASSES
from platestream.schemas.designation import LONGEST_DAYS
from platestream.schemas.hotlist import OWN_MUST_HAVE

ENTRIES = {entry["reference"]: entry for entry in sample_entries()}
SEEN = {(v.plate.text, v.plate.state) for p in PASSES for v in p.vehicles if v.plate}


def _folded(plate: str) -> str:
    return plate.translate(str.maketrans("OB", "08"))


def test_every_category_has_an_entry() -> None:
    assert {entry["category"] for entry in ENTRIES.values()} == set(LONGEST_DAYS)


def test_own_entries_carry_all_that_section_h_asks_for() -> None:
    for entry in ENTRIES.values():
        if entry["source"] == "sjpd":
            assert all(dict(entry)[name] for name in OWN_MUST_HAVE)


def test_what_is_expected_to_hit_is_among_the_plates_of_the_frames() -> None:
    plates = {plate for plate, _ in SEEN}
    for reference, entry in ENTRIES.items():
        match EXPECTED.get(reference, "not seen"):
            case "exact":
                assert (entry["plate"], entry["state"]) in SEEN
            case "O/0" | "look-alike":
                assert entry["plate"] not in plates
                assert _folded(entry["plate"]) in {_folded(p) for p in plates}
            case "expired":
                assert entry["plate"] in plates
                assert entry["expires_in_days"] < 0
            case "other state":
                assert entry["plate"] in plates
                assert (entry["plate"], entry["state"]) not in SEEN
            case "not seen":
                assert _folded(entry["plate"]) not in {_folded(p) for p in plates}
