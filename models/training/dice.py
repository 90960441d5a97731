"""Chance as an argument: the same seed draws the same sample."""

import random

import numpy as np


class Dice(random.Random):
    """Python's generator, quick for single numbers and choices, and NumPy's `arrays` for fields and noise."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.arrays = np.random.default_rng(seed)

    def chance(self, share: float) -> bool:
        """True in that share of the cases (0 to 1)."""
        return self.random() < share
