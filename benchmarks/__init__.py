"""Benchmarks: what `platestream bench` measures. Figures are ratios and counts of one run on one machine."""
