"""What this project's reader takes for what, measured.

`(listed, read) -> share`: of a character on labelled plates, the share that was read as another one. Counted
by `platestream bench confusions` on 589 labelled photographs and crops (docs/matching.md). Pairs that were
seen only once and are no look-alikes (4-L, T-1, N-0 and others) are left out: too little to match by.
"""

from collections.abc import Mapping

LIKELY: Mapping[tuple[str, str], float] = {
    ("Q", "0"): 0.5333,
    ("1", "I"): 0.0139,
    ("0", "D"): 0.0038,
    ("D", "0"): 0.0149,
    ("I", "T"): 0.0741,
    ("L", "1"): 0.0133,
    ("G", "6"): 0.0169,
}
UNSEEN = 0.002  # of a look-alike that the labelled plates did not show
