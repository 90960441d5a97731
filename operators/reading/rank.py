"""From candidates to a ranking with calibrated confidence: a conditional logit over the evidence.

Each candidate's score is a weighted sum of its evidence; its confidence is its share of the exponentials of
all scores of the same place, beside one more for "none of these" (wrong, or no plate at all). The weights
were fitted by maximum likelihood with a small ridge to labelled photographs and to pictures without a plate;
eleven numbers, so there is little to overfit (half fitted, half tested: the same within a point).
`platestream bench read` draws the calibration that checks them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from operators.reading.formats import Region
from operators.reading.vote import Candidate

Floats = npt.NDArray[np.float64]

WEIGHTS = (0.06, 0.15, 0.50, 0.93, 0.05, 0.18, -0.71, -0.67)
"""Of `Candidate.features`, in their order."""
HEIGHT, PROPORTION = 2.14, 0.64
STACKED = -4.0
"""Not fitted with the others: of 285 labelled plates 1 has such a neighbour, of 24 false ones 16."""
IN_ROWS = -1.5
"""Few plates have two rows, and many signs. A guess; of their proportions nothing is known."""
BARE = -2.0
"""So are signs, and few plates. Not fitted either."""
CUT = 0.9
"""Confidence that a serial keeps which may go on beyond the picture's edge: it is never sure."""
NAMED = 1.0
"""Its issuer's name tells a plate. Set by hand: 1 lowers no set's precision from 0.95 on, 2 does."""
SET_WIDE = 0.9
"""Confidence that a serial keeps whose proportions are not counted: it may lack a character."""
SILENT = 0.89
"""Confidence that a serial keeps beside which nothing is written although it would be legible."""
NONE = -3.19
"""Score of "none of these"."""


@dataclass(frozen=True)
class Setting:
    """The line the candidates stand on: its height's share of the tallest plausible line's, 0 to 1, and its
    width by its height.
    """

    height: float
    width_by_height: float
    stacked: bool = False
    """Whether another line as high stands right above or below."""
    in_rows: bool = False
    """Whether the serial would stand in two rows."""
    named: bool = False
    """Whether an issuer's name or slogan stands beside it."""
    bare: bool = False
    """Whether it is a word, a short number or an aircraft's without its issuer's name or slogan beside it."""
    cut: bool = False
    """Whether it may go on beyond the picture's edge."""
    silent: bool = False
    """Whether no words stand beside it, in a region whose plates bear them, though they would be legible."""


def score(candidate: Candidate, setting: Setting, region: Region) -> float:
    """Evidence summed: what the readings say, the format, and whether the line looks like a serial."""
    return (
        float(np.dot(WEIGHTS, candidate.features()))
        + HEIGHT * log(max(setting.height, 1e-3))
        + PROPORTION * (not setting.in_rows) * region.proportion(setting.width_by_height, len(candidate.text))
        + STACKED * setting.stacked
        + IN_ROWS * setting.in_rows
        + BARE * setting.bare
        + NAMED * setting.named
    )


def ranked(
    candidates: Sequence[Candidate], setting: Setting, region: Region
) -> list[tuple[Candidate, float]]:
    """Candidates with their confidence (0 to 1, together at most 1), best first.

    Proportions tell a serial from a sign. Beside its issuer's name it is no sign, and a short one is set
    wide: then they count between the candidates only, and the best of them is not sure.
    """
    if not candidates:
        return []
    scores = np.array([score(c, setting, region) for c in candidates])
    shares = _shares(scores)
    if setting.named and not setting.in_rows:
        best = candidates[int(np.argmax(scores))]
        against = PROPORTION * region.proportion(setting.width_by_height, len(best.text))
        shares = max(shares, SET_WIDE * _shares(scores - against), key=lambda s: float(s.sum()))
    shares *= CUT if setting.cut else 1.0
    shares = np.minimum(shares, SILENT) if setting.silent else shares
    order = np.argsort(-shares)
    return [(candidates[int(i)], float(shares[i])) for i in order]


def _shares(scores: Floats) -> Floats:
    """Confidences, beside "none of these"."""
    top = max(float(scores.max()), NONE)
    shares = np.exp(scores - top)
    return np.asarray(shares / (shares.sum() + np.exp(NONE - top)))
