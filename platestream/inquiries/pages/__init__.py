"""Console pages of searches."""
