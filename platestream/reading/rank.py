"""Ranking of candidates with calibrated confidence: a conditional logit over the evidence.

Each candidate's score is a weighted sum of its evidence. Its confidence is its share of the exponentials of
all scores of the same place, including one for "none of these" (wrong, or no plate at all). The weights were
fitted by maximum likelihood with a small ridge to labeled photographs and to pictures without a plate; with
eleven numbers there is little to overfit (half fitted, half tested: the same within a point). `platestream
bench read` draws the calibration that checks them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from platestream.reading.formats import Region
from platestream.reading.vote import Candidate

Floats = npt.NDArray[np.float64]

WEIGHTS = (0.06, 0.15, 0.50, 0.93, 0.05, 0.18, -0.71, -0.67)
"""Weights of `Candidate.features`, in their order."""
HEIGHT, PROPORTION = 2.14, 0.64
STACKED = -4.0
"""Not fitted with the others: of 285 labelled plates 1 has such a neighbour, of 24 false ones 16."""
IN_ROWS = -1.5
"""Few plates have two rows, and many signs. A guess; of their proportions nothing is known."""
BARE = -2.0
"""So are signs, and few plates. Not fitted either."""
CUT = 0.9
"""Factor of the confidence of a serial that may extend beyond the picture's edge."""
NAMED = 1.0
"""An issuer's name is evidence of a plate. Set by hand: 1 lowers no set's precision from 0.95 on, 2 does."""
SET_WIDE = 0.9
"""Factor of the confidence of a serial whose proportions do not count: it may lack a character."""
SILENT = 0.89
"""Limit of the confidence of a serial without text beside it that would be legible."""
NONE = -3.19
"""Score of "none of these"."""


@dataclass(frozen=True)
class LineSetting:
    """The line of the candidates.

    `height` is the share of the tallest plausible line's height, 0 to 1.
    """

    height: float
    width_by_height: float
    stacked: bool = False
    """True if another line as high is directly above or below."""
    in_rows: bool = False
    """True if the serial would have two rows."""
    named: bool = False
    """True if an issuer's name or slogan is beside it."""
    bare: bool = False
    """True for a word, a short number or an aircraft's registration without an issuer's name beside it."""
    cut: bool = False
    """True if it may extend beyond the picture's edge."""
    silent: bool = False
    """True if no words are beside it that would be legible, in a region whose plates have words."""


def score(candidate: Candidate, setting: LineSetting, region: Region) -> float:
    """Return the summed evidence: the readings, the format, and the line's likeness to a serial."""
    return (
        float(np.dot(WEIGHTS, candidate.features()))
        + HEIGHT * log(max(setting.height, 1e-3))
        + PROPORTION * (not setting.in_rows) * region.proportion(setting.width_by_height, len(candidate.text))
        + STACKED * setting.stacked
        + IN_ROWS * setting.in_rows
        + BARE * setting.bare
        + NAMED * setting.named
    )


def rank(
    candidates: Sequence[Candidate], setting: LineSetting, region: Region
) -> list[tuple[Candidate, float]]:
    """Return candidates with their confidence (0 to 1, together at most 1), best first.

    Proportions distinguish a serial from a sign. Beside its issuer's name it is no sign, and a short serial
    has wide spacing: then proportions count between the candidates only, and the best of them is not certain.
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
    """Return confidences, with a share for "none of these"."""
    top = max(float(scores.max()), NONE)
    shares = np.exp(scores - top)
    return np.asarray(shares / (shares.sum() + np.exp(NONE - top)))
