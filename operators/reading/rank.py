"""From candidates to a ranking with calibrated confidence: a conditional logit over the evidence.

Each candidate's score is a weighted sum of its evidence; its confidence is its share of the exponentials of
all scores of the same place, beside one more for "none of these" (wrong, or no plate at all). The weights
were fitted to the labelled photographs by maximum likelihood with a small ridge; ten numbers, so there is
little to overfit, and `platestream bench read` draws the calibration curve that checks them.
"""

from collections.abc import Sequence
from math import log

import numpy as np

from operators.reading.vote import Candidate

WEIGHTS = (-0.27, 0.85, -0.28, 2.77, 0.08, 0.32, -1.06, -0.71)
HEIGHT = 2.85
"""Weight of the log of the line's height beside the tallest plausible line of the picture."""
NONE = -2.28
"""Score of "none of these"."""


def score(candidate: Candidate, height: float) -> float:
    """Evidence summed; `height` is the line's share of the tallest plausible line's height, 0 to 1."""
    return float(np.dot(WEIGHTS, candidate.features())) + HEIGHT * log(max(height, 1e-3))


def ranked(candidates: Sequence[Candidate], height: float) -> list[tuple[Candidate, float]]:
    """Candidates with their confidence (0 to 1, together at most 1), best first."""
    if not candidates:
        return []
    scores = np.array([score(c, height) for c in candidates])
    top = max(float(scores.max()), NONE)
    shares = np.exp(scores - top)
    shares = shares / (shares.sum() + np.exp(NONE - top))
    order = np.argsort(-shares)
    return [(candidates[int(i)], float(shares[i])) for i in order]
