"""What this project's reader takes for what, measured.

`(listed, read) -> share`: of a character on labelled plates, the share that was read as another one. Counted
with `platestream bench confusions` on labelled photographs (docs/matching.md says which and how many).
"""

from collections.abc import Mapping

LIKELY: Mapping[tuple[str, str], float] = {}
UNSEEN = 0.002  # of a look-alike that the labelled plates did not show
