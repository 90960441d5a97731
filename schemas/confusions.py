"""What this project's reader takes for what, measured.

`(listed, read) -> share`: of a character on labelled plates, the share that was read as another one. Counted
by `platestream bench confusions` on 576 labelled photographs and crops (docs/matching.md). Pairs that were
seen only once and are no look-alikes (M-R, E-3, 4-L) are left out: too little to match by.
"""

from collections.abc import Mapping

LIKELY: Mapping[tuple[str, str], float] = {
    ("Q", "0"): 0.94,  # 15 of 15 read so; one doubt allowed for
    ("1", "I"): 0.0149,
    ("D", "0"): 0.0159,
    ("6", "G"): 0.0052,
    ("T", "I"): 0.0143,
    ("I", "T"): 0.0435,
    ("Z", "B"): 0.0204,
    ("B", "Z"): 0.0119,
}
UNSEEN = 0.002  # of a look-alike that the labelled plates did not show
