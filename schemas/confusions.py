"""Measured character confusions of this project's reader.

`(listed, read) -> share`: of a character on labeled plates, the share that was read as another one. Counted
by `platestream bench confusions` on 589 labeled photographs and crops (benchmarks/notes/matching.md). Pairs
that were seen only once and do not look alike (4-L, T-1, N-0 and others) are left out: the evidence is too
thin.
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
UNMEASURED = 0.002  # share of a look-alike pair that the labeled plates did not show
